// SPDX-License-Identifier: Apache-2.0
// client/node with the real daemon.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { inspect } from 'node:util';
import { decode } from '../../client/node/node_modules/@msgpack/msgpack/dist.esm/index.mjs';
import { packRequest } from '../../client/node/lib/message.js';
import { AuthzError, Client, Decision, Unavailable } from '../../client/node/index.js';
import { pause } from './server.mjs';

const NOUNS = ['keys', 'principals', 'roles', 'assignments', 'tenants', 'audit', 'policy'];
const PATIENCE = 60000; // milliseconds: bounds a hang
const socket = process.env.AUTHZ_TEST_SOCKET;
const daemon = Number(process.env.AUTHZ_TEST_PID);
const client = new Client({ socket, timeout: PATIENCE });

await client.principals.create({ id: 'ann' });
await client.assignments.create({ principal: 'ann', role: 'clerk' });
const key = await client.keys.create({ principal: 'ann', name: 'first' });

test('a decision says what the daemon decided, and cannot be changed', async () => {
  const yes = await client.check({ token: key.api_key, method: 'GET', path: '/loans/7' });
  const no = await client.check({ token: key.api_key, method: 'DELETE', path: '/loans/7' });
  assert(yes instanceof Decision);
  assert.deepEqual([yes.allow, yes.status, yes.reason, yes.principal, yes.key], [true, 200, 'ok', 'ann', key.id]);
  assert.deepEqual([no.allow, no.status, no.reason], [false, 403, 'role']);
  assert.throws(() => { no.allow = true; }, TypeError);
});

test('allowed is true and false as the daemon decides', async () => {
  assert.equal(await client.allowed({ principal: 'ann', method: 'GET', path: '/loans' }), true);
  assert.equal(await client.allowed({ principal: 'ann', method: 'DELETE', path: '/loans/7' }), false);
});

test('allowed is false, and check rejects, when the request is wrong', async () => {
  for (const wrong of [{ principle: 'ann', method: 'GET', path: '/' }, {}, undefined, null, { token: 1n }, { token: () => 1 }]) {
    assert.equal(await client.allowed(wrong), false);
    await assert.rejects(client.check(wrong));
  }
});

test('many are decided in order, in one message', async () => {
  const got = await client.authorizeMany([{ path: '/loans' }, { path: '/loans/7', method: 'DELETE' }],
    { principal: 'ann', method: 'GET' });
  assert.deepEqual(got.map(({ allow }) => allow), [true, false]);
  assert.equal(got[0].revision, got[1].revision);
});

test('a thousand requests share one connection, each with its own answer', async () => {
  const before = (await client.status()).counters.accepted;
  const asked = Array.from({ length: 1000 }, (_, at) =>
    client.allowed({ principal: 'ann', method: at % 3 ? 'GET' : 'DELETE', path: `/loans/${at}` }));
  assert.deepEqual(await Promise.all(asked), asked.map((_, at) => at % 3 !== 0));
  assert.equal((await client.status()).counters.accepted, before);
});

test('permissions come page by page, and all of them', async () => {
  const found = new Map();
  for await (const { resource, actions } of client.permissions({ principal: 'ann', limit: 1 })) {
    found.set(resource, actions);
  }
  assert.deepEqual([...found.keys()], ['api:/loans', 'api:/loans/{loan}']);
  const page = await client.permissions({ principal: 'nobody' });
  assert.deepEqual([page.data, page.status, page.reason], [[], 401, 'unknown_principal']);
});

test('a key is made as vendors write it, and lives through all that is done to it', async () => {
  const made = await client.keys.create({ name: 'Production Integration', scopes: 'loans:read, loans:write', expires_in_days: 365 });
  assert.deepEqual(made.scopes, ['loans:read', 'loans:write']);
  assert.equal(made.expires_at - made.created_at, 365 * 86400);
  assert.equal(await client.allowed({ token: made.api_key, method: 'POST', path: '/loans' }), true);
  await client.keys.disable(made.id);
  assert.equal(await client.allowed({ token: made.api_key, method: 'POST', path: '/loans' }), false);
  await client.keys.enable(made.id);
  await client.keys.update(made.id, { scopes: 'loans:read' });
  assert.equal(await client.allowed({ token: made.api_key, method: 'POST', path: '/loans' }), false);
  const turned = await client.keys.rotate(made.id, { mode: 'immediate' });
  assert.notEqual(turned.api_key, made.api_key);
  assert.equal(await client.allowed({ token: made.api_key, method: 'GET', path: '/loans' }), false);
  assert.equal(await client.allowed({ token: turned.api_key, method: 'GET', path: '/loans' }), true);
  await client.keys.revoke(made.id);
  assert.equal((await client.keys.get(made.id)).status, 'revoked');
});

test('a date is a time in seconds', async () => {
  const until = new Date(Date.now() + 86400000);
  const made = await client.keys.create({ principal: 'ann', expires_at: until });
  assert.equal(made.expires_at, Math.floor(until.getTime() / 1000));
});

test('facts may be dates and Sets, in entries too', () => {
  const facts = { 'context.due': new Date(60000), 'resource.regions': new Set(['EU']), 'resource.owner': null };
  const sent = { 'context.due': 60, 'resource.regions': ['EU'], 'resource.owner': null };
  const params = { principal: 'ann', facts, requests: [{ path: '/', facts, time: new Date(7000) }] };
  assert.deepEqual(decode(packRequest(1, 'authorize_many', params))[3],
    [{ principal: 'ann', facts: sent, requests: [{ path: '/', facts: sent, time: 7 }] }]);
});

test('no log, no JSON and no copy shows a secret', async () => {
  const made = await client.keys.create({ principal: 'ann' });
  const turned = await client.call('keys.rotate', { id: made.id });
  for (const each of [made, turned]) {
    assert.match(each.api_key, /^\w{40,}$/);
    assert.equal(each.secret, each.api_key);
    for (const shown of [inspect(each, { showHidden: true, depth: 9, getters: true }), inspect([[each]]),
      JSON.stringify(each), String(each), JSON.stringify({ ...each }), inspect(structuredClone({ ...each }))]) {
      assert(!shown.includes(each.api_key), shown);
      assert(!shown.includes(each.api_key.slice(-20)), shown);
    }
  }
});

test('neither a client nor an error shows a token', async () => {
  const asked = client.check({ token: key.api_key, method: 'GET', path: '/loans', ip: 'nowhere' });
  assert(!inspect(client, { showHidden: true, depth: 9 }).includes(key.api_key));
  const error = await asked.catch((caught) => caught);
  assert(error instanceof AuthzError);
  assert(!inspect(error, { showHidden: true, depth: 9 }).includes(key.api_key));
  const wrong = await client.check({ token: key.api_key, x: () => 1 }).catch((caught) => caught);
  assert(!inspect(wrong, { showHidden: true, depth: 9 }).includes(key.api_key));
});

test('a list gives its first page, and by itself all items', async () => {
  for (let at = 0; at < 5; at += 1) {
    await client.principals.create({ id: `p${at}` });
  }
  const page = await client.principals.list({ limit: 2 });
  assert.equal(page.data.length, 2);
  assert.equal(typeof page.cursor, 'string');
  const ids = [];
  for await (const { id } of client.principals.list({ limit: 2 })) {
    ids.push(id);
  }
  assert.deepEqual(ids, ['ann', 'p0', 'p1', 'p2', 'p3', 'p4']);
});

test('roles, assignments, tenants, audit and policy have the methods of the protocol', async () => {
  await client.roles.create({ name: 'reader', grants: ['allow GET on api:/loans'] });
  assert.equal((await client.roles.get('reader')).allowed, 1);
  await client.roles.update('reader', { description: 'Reads' });
  await client.assignments.create({ principal: 'p0', role: 'reader' });
  assert.equal((await client.assignments.list({ principal: 'p0' })).data[0].role, 'reader');
  await client.assignments.delete({ principal: 'p0', role: 'reader' });
  await client.roles.delete('reader');
  await client.tenants.create({ id: 'acme' });
  assert.equal((await client.tenants.disable('acme')).status, 'inactive');
  await client.principals.delete('p1');
  const actions = [];
  for await (const record of client.audit.list({ limit: 3 })) {
    actions.push(record.action);
  }
  assert(actions.includes('roles.delete') && actions.includes('principals.delete'));
  assert.deepEqual((await client.audit.verify()).data, []);
  assert.deepEqual((await client.policy.names()).scopes.sort(), ['loans:read', 'loans:write']);
  const nodes = [];
  for await (const node of client.policy.tree({ tree: 'api', limit: 1 })) {
    nodes.push(node.resource);
  }
  assert.deepEqual(nodes.slice(0, 2), ['api:/', 'api:/loans']);
  const dry = await client.roles.create({ name: 'other', grants: ['allow GET on api:/loans'], dry_run: true });
  assert.deepEqual([dry.gains_total, dry.loses_total], [1, 0]);
  await assert.rejects(client.roles.get('other'), { code: 'not_found' });
  assert.equal((await client.policy.reload()).revision, (await client.policy.status()).revision);
});

test('each method that a noun has is one of the protocol', async () => {
  for (const noun of NOUNS) {
    for (const [name, method] of Object.entries(client[noun])) {
      const error = await Promise.resolve(method(method.length ? 'x' : {}, {})).catch((caught) => caught);
      assert.notEqual(error?.code, 'unknown_method', `${noun}.${name}`);
    }
  }
});

test('the types name each noun and each method', () => {
  const types = fs.readFileSync(new URL('../../client/node/index.d.ts', import.meta.url), 'utf8');
  for (const noun of NOUNS) {
    const [, methods] = new RegExp(`readonly ${noun}: \\{([^}]*)\\}`).exec(types);
    const named = [...methods.matchAll(/(\w+)(?:: (?:ById|Make|All)<|\()/g)].map(([, name]) => name);
    assert.deepEqual(named.sort(), Object.keys(client[noun]).sort(), noun);
  }
});

test('a client with a token manages by it alone, and decides as before', async () => {
  await client.principals.create({ id: 'holder' });
  const { api_key: token } = await client.keys.create({ principal: 'holder' });
  const holder = new Client({ socket, timeout: PATIENCE, token });
  await assert.rejects(holder.keys.list(), { name: 'AuthzError', code: 'forbidden' });
  assert.equal(await holder.allowed({ principal: 'holder', method: 'GET', path: '/loans' }), false);
  assert.ok(!inspect(holder, { depth: 9, showHidden: true }).includes(token));
  holder.close();
});

test('an error has its code, parameter and ids', async () => {
  await assert.rejects(client.keys.get('nothing'), (error) =>
    error instanceof AuthzError && error.code === 'not_found' && !(error instanceof Unavailable));
  await assert.rejects(client.keys.create({ principal: 'ann', networks: ['here'] }), { code: 'invalid_request', param: 'networks' });
});

test('a daemon that stands still is unavailable at the deadline, and answers later', async () => {
  const hasty = new Client({ socket, timeout: 100 });
  await pause(daemon);
  try {
    await assert.rejects(hasty.check({ principal: 'ann', method: 'GET', path: '/loans' }), (error) =>
      error instanceof Unavailable && error.code === 'ETIMEDOUT');
    assert.equal(await hasty.allowed({ principal: 'ann', method: 'GET', path: '/loans' }), false);
  } finally {
    process.kill(daemon, 'SIGCONT');
  }
  assert.equal(await hasty.allowed({ principal: 'ann', method: 'GET', path: '/loans' }, { timeout: PATIENCE }), true);
});
