// SPDX-License-Identifier: Apache-2.0
// The middleware of client/node in the real Express 4 and 5 and Fastify, with the real daemon.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import test from 'node:test';
import { authorize } from '../../client/node/express.js';
import { Client } from '../../client/node/index.js';
import { pause } from './server.mjs';

const PATIENCE = 60000; // milliseconds: bounds a hang
const socket = process.env.AUTHZ_TEST_SOCKET;
const daemon = Number(process.env.AUTHZ_TEST_PID);
const client = new Client({ socket, timeout: PATIENCE });
const frameworks = createRequire(new URL('../servers/js/server.js', import.meta.url));
const here = fs.existsSync(new URL('../servers/js/node_modules/express5', import.meta.url));
const needsExpress = { skip: !here && 'Express is missing, which tools/setup fetches' };

await client.principals.create({ id: 'ann' });
await client.assignments.create({ principal: 'ann', role: 'clerk' });
const { api_key: TOKEN } = await client.keys.create({ principal: 'ann' });
const { api_key: OTHER } = await client.keys.create({ principal: 'ann' });
const AUTH = { Authorization: `Bearer ${TOKEN}` };

// An application with the middleware; `seen` has what its routes got.
async function start(t, version, options, prepare = () => {}) {
  const app = frameworks(version)();
  app.seen = [];
  prepare(app);
  app.use('/', authorize(client, options));
  const route = (name) => (req, res) => {
    app.seen.push([name, req.authz]);
    res.send(name);
  };
  app.get('/loans/:loan', route('read'));
  app.post('/loans', route('create'));
  app.delete('/loans/:loan', route('delete'));
  const server = http.createServer(app);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.closeAllConnections() ?? server.close());
  app.port = server.address().port;
  return app;
}

// A whole request as bytes, for what a client of HTTP would not send; else method, path and headers.
function ask(app, method, path, headers = {}) {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}\r\n`));
  return new Promise((resolve, reject) => {
    const connection = net.connect(app.port, '127.0.0.1');
    let text = '';
    connection.on('data', (data) => { text += data; });
    connection.on('error', reject);
    connection.on('end', () => {
      const [head, body] = text.split('\r\n\r\n');
      const found = Object.fromEntries(head.split('\r\n').slice(1).map((line) => line.split(/: (.*)/)));
      resolve({ status: Number(text.split(' ')[1]), headers: found, body });
    });
    connection.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('')}\r\n`);
  });
}

for (const version of ['express4', 'express5']) {
  test(`${version}: what is allowed goes on with its decision, and what is denied does not`, needsExpress, async (t) => {
    const app = await start(t, version, {});
    assert.equal((await ask(app, 'GET', '/loans/7', AUTH)).body, 'read');
    assert.equal((await ask(app, 'POST', '/loans', AUTH)).body, 'create');
    assert.equal((await ask(app, 'DELETE', '/loans/7', AUTH)).status, 403);
    assert.deepEqual(app.seen.map(([name, { allow, principal }]) => [name, allow, principal]),
      [['read', true, 'ann'], ['create', true, 'ann']]);
  });

  test(`${version}: a denial is a problem document with the status of the daemon`, needsExpress, async (t) => {
    const app = await start(t, version, { realm: 'loans' });
    const none = await ask(app, 'GET', '/loans/7');
    assert.deepEqual([none.status, none.headers['WWW-Authenticate']], [401, 'Bearer realm="loans"']);
    const bad = await ask(app, 'GET', '/loans/7', { Authorization: 'Bearer nonsense' });
    assert.deepEqual([bad.status, bad.headers['WWW-Authenticate']], [401, 'Bearer realm="loans", error="invalid_token"']);
    assert.deepEqual(JSON.parse(bad.body), { type: 'about:blank', title: 'Unauthorized', status: 401 });
    const denied = await ask(app, 'DELETE', '/loans/7', AUTH);
    assert.equal(denied.headers['Content-Type'], 'application/problem+json');
    assert.deepEqual(JSON.parse(denied.body), { type: 'about:blank', title: 'Forbidden', status: 403, reason: 'role' });
    assert.equal((await ask(app, 'GET', '/nowhere', AUTH)).status, 404);
    assert.equal((await ask(app, 'GET', '/loans/a%2fb', AUTH)).status, 400);
    assert.deepEqual(app.seen, []);
  });

  test(`${version}: a used-up quota is 429 with when to come again`, needsExpress, async (t) => {
    const app = await start(t, version, { service: version });
    assert.equal((await ask(app, 'GET', '/loans/7', AUTH)).status, 200);
    const late = await ask(app, 'GET', '/loans/7', AUTH);
    assert.equal(late.status, 429);
    assert.match(late.headers['Retry-After'], /^\d+$/);
    assert.equal(late.headers.RateLimit, `"default";r=0;t=${late.headers['Retry-After']}`);
    assert.equal(app.seen.length, 1);
  });

  test(`${version}: the path is the one that the client sent, below a mount and in an absolute target`, needsExpress, async (t) => {
    const { Router } = frameworks(version);
    const app = await start(t, version, {}, (made) => {
      const router = Router();
      router.use(authorize(client));
      router.get('/:loan', (req, res) => res.send(`mounted ${req.params.loan}`));
      made.use('/loans', router);
    });
    assert.equal((await ask(app, 'GET', '/loans/7', AUTH)).body, 'mounted 7');
    assert.equal((await ask(app, 'GET', 'http://x/loans/7', AUTH)).body, 'mounted 7');
    assert.equal((await ask(app, 'GET', 'HTTP://x:80/loans/7?x=/', AUTH)).body, 'mounted 7');
    assert.equal((await ask(app, 'DELETE', 'http://x/loans/7', AUTH)).status, 403);
    for (const target of ['*', 'http://x@y/loans/7', 'http://x\\loans/7', 'http://x/loans\\7', 'ftp://x/loans/7']) {
      assert.equal((await ask(app, 'OPTIONS', target, AUTH)).status, 400, target);
      assert.notEqual((await ask(app, 'DELETE', target, AUTH)).status, 200, target);
    }
  });

  test(`${version}: the method is the one that the framework routes by`, needsExpress, async (t) => {
    const app = await start(t, version, { overrides: true }, (made) => made.use((req, res, next) => {
      req.method = req.headers['x-http-method-override'] ?? req.method; // as method-override does
      next();
    }));
    assert.equal((await ask(app, 'POST', '/loans/7', { ...AUTH, 'X-HTTP-Method-Override': 'DELETE' })).status, 403);
    assert.equal((await ask(app, 'DELETE', '/loans/7', { ...AUTH, 'X-HTTP-Method-Override': 'GET' })).body, 'read');
  });

  test(`${version}: another method in a header is refused unless something before applied it`, needsExpress, async (t) => {
    const app = await start(t, version);
    for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
      const { status, headers, body } = await ask(app, 'GET', '/loans/7', { ...AUTH, [name]: 'DELETE' });
      assert.equal(status, 400);
      assert.equal(headers['Cache-Control'], 'no-store');
      assert.equal(JSON.parse(body).reason, 'method_override');
    }
  });
}

test('fastify: as a hook it lets through what is allowed, and answers what is denied', needsExpress, async (t) => {
  const app = frameworks('fastify')();
  const authz = authorize(client);
  const seen = [];
  app.addHook('onRequest', (request, reply, done) => authz(request.raw, reply.raw, done));
  const route = (name) => async (request) => {
    seen.push([name, request.raw.authz.principal]);
    return name;
  };
  app.get('/loans/:loan', route('read'));
  app.delete('/loans/:loan', route('delete'));
  await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => app.close());
  app.port = app.server.address().port;
  assert.equal((await ask(app, 'GET', '/loans/7', AUTH)).body, 'read');
  assert.equal((await ask(app, 'DELETE', '/loans/7', AUTH)).status, 403);
  assert.equal((await ask(app, 'GET', '/loans/7')).headers['WWW-Authenticate'], 'Bearer realm="authz"');
  assert.equal((await ask(app, 'GET', '/nowhere', AUTH)).status, 404);
  assert.equal((await ask(app, 'DELETE', 'http://x/loans/7', AUTH)).status, 403);
  assert.deepEqual(seen, [['read', 'ann']]);
});

test('the token comes from Authorization, or the header or cookie that is named, never from the query', needsExpress, async (t) => {
  const app = await start(t, 'express5', { header: 'X-API-Key', cookie: 'session' });
  const status = async (headers, path = '/loans/7') => (await ask(app, 'GET', path, headers)).status;
  assert.equal(await status({ 'x-api-key': TOKEN }), 200);
  assert.equal(await status({ Cookie: `a=b; session=${TOKEN}` }), 200);
  assert.equal(await status({ Authorization: `bEARER ${TOKEN}`, 'X-API-Key': TOKEN }), 200);
  assert.equal(await status({ Cookie: `xsession=other; session=${TOKEN}` }), 200);
  assert.equal(await status({ Cookie: `xsession=${TOKEN}` }), 401);
  assert.equal(await status({}, `/loans/7?token=${TOKEN}&access_token=${TOKEN}`), 401);
  assert.equal(await status({ Authorization: `Basic ${TOKEN}` }), 401);
  const plain = await start(t, 'express5', {});
  assert.equal((await ask(plain, 'GET', '/loans/7', { 'X-API-Key': TOKEN, Cookie: `session=${TOKEN}` })).status, 401);
});

test('two tokens that differ are none, each good by itself', needsExpress, async (t) => {
  const app = await start(t, 'express5', { header: 'X-API-Key', cookie: 'session' });
  for (const headers of [{ Authorization: [`Bearer ${TOKEN}`, `Bearer ${OTHER}`] },
    { Authorization: `Bearer ${TOKEN}`, 'X-API-Key': OTHER }, { Authorization: 'Bearer ', 'X-API-Key': TOKEN },
    { Cookie: `session=${TOKEN}; session=${OTHER}` },
    { 'X-API-Key': [TOKEN, OTHER] }]) {
    assert.equal((await ask(app, 'GET', '/loans/7', headers)).status, 401, JSON.stringify(headers));
  }
  assert.deepEqual(app.seen, []);
});

test('facts of the application reach the daemon, and cannot replace what is asked', needsExpress, async (t) => {
  const app = await start(t, 'express5', { facts: async () => ({ path: '/loans', method: 'GET', token: OTHER, ip: '10.0.0.1' }) });
  assert.equal((await ask(app, 'DELETE', '/loans/7', AUTH)).status, 403);
  const wrong = await start(t, 'express5', { facts: () => ({ ip: 'nowhere' }) });
  assert.equal((await ask(wrong, 'GET', '/loans/7', AUTH)).status, 503);
  const broken = await start(t, 'express5', { facts: () => { throw new Error('x'); } });
  assert.equal((await ask(broken, 'GET', '/loans/7', AUTH)).status, 503);
  assert.deepEqual([...app.seen, ...wrong.seen, ...broken.seen], []);
});

test('what lacks facts is denied, and passes only if that is wanted, with a denial', needsExpress, async (t) => {
  const plain = await start(t, 'express5', {});
  const denied = await ask(plain, 'PATCH', '/loans/7', AUTH);
  assert.deepEqual([denied.status, JSON.parse(denied.body).reason], [403, 'missing_fact']);
  let owner = 'ann';
  const owned = authorize(client, { facts: () => ({ facts: { 'resource.owner': owner } }) });
  const app = await start(t, 'express5', { missingPass: true }, (made) => made.seen.push('made'));
  app.patch('/loans/:loan', (req, res, next) => { app.seen.push([req.authz.allow, req.authz.missing]); next(); }, owned,
    (req, res) => res.send(`for ${req.authz.principal}`));
  assert.equal((await ask(app, 'PATCH', '/loans/7', AUTH)).body, 'for ann');
  owner = 'bob';
  assert.equal(JSON.parse((await ask(app, 'PATCH', '/loans/7', AUTH)).body).reason, 'role');
  owner = null;
  assert.equal(JSON.parse((await ask(app, 'PATCH', '/loans/7', AUTH)).body).reason, 'missing_fact');
  assert.deepEqual(app.seen, ['made', ...Array(3).fill([false, ['resource.owner']])]);
  for (const [status, method, path, headers] of [[403, 'DELETE', '/loans/7', AUTH], [401, 'PATCH', '/loans/7', {}],
    [404, 'PATCH', '/nowhere', AUTH], [400, 'PATCH', '/loans/a%2fb', AUTH]]) {
    assert.equal((await ask(app, method, path, headers)).status, status, `${method} ${path}`);
  }
  const told = await start(t, 'express5', { missingPass: true, facts: () => ({ facts: { 'resource.owner': 'bob' } }) });
  assert.equal((await ask(told, 'PATCH', '/loans/7', AUTH)).status, 403);
});

test('without an answer of the daemon it is 503, and well again with it', needsExpress, async (t) => {
  const app = await start(t, 'express5', { timeout: 100 });
  await pause(daemon);
  try {
    const got = await ask(app, 'GET', '/loans/7', AUTH);
    assert.deepEqual([got.status, got.headers['Retry-After']], [503, '1']);
    assert.deepEqual(app.seen, []);
  } finally {
    process.kill(daemon, 'SIGCONT');
  }
  // It has as long as it needs to answer again; the middleware's own deadline is short.
  assert.equal(await client.allowed({ token: TOKEN, method: 'GET', path: '/loans/7' }), true);
  assert.equal((await ask(await start(t, 'express5', {}), 'GET', '/loans/7', AUTH)).status, 200);
});
