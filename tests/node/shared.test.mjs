// SPDX-License-Identifier: Apache-2.0
// client/node and a store that several hosts share.

import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { authorize } from '../../client/node/express.js';
import {
  AuthzError, Client, NotEverywhere, Stale, StoreUnavailable,
} from '../../client/node/index.js';
import { ALLOW, serve } from './server.mjs';

const PATIENCE = 60000; // milliseconds: bounds a hang
const PLACE = '4711-9f86d081884c7d65';
const STALE = { allow: false, status: 503, reason: 'stale', revision: '1' };

// A client of a server that gives each method its answer, and what the server was asked.
async function start(t, answers) {
  const asked = [];
  const server = await serve(t, ({ id, method, params }, connection) => {
    asked.push([method, params]);
    const { code, ...rest } = answers[method];
    connection.answer(id, code === undefined ? rest : null, code === undefined ? null : { code, message: 'no', ...rest });
  });
  const client = new Client({ socket: server.path, timeout: PATIENCE });
  t.after(() => client.close());
  return { client, asked };
}

test('a client as of a place sends it with every call, and the first one does not', async (t) => {
  const { client, asked } = await start(t, { authorize: ALLOW, 'keys.list': { items: [] } });
  const later = client.asOf(PLACE);
  await later.check({ principal: 'ann', method: 'GET', path: '/' });
  await later.keys.list();
  await client.check({ principal: 'ann', method: 'GET', path: '/' });
  await client.asOf(undefined).check({ principal: 'ann', method: 'GET', path: '/' });
  assert.deepEqual(asked.map(([, { as_of: place }]) => place), [PLACE, PLACE, undefined, undefined]);
});

test('a change that some hosts lack rejects with what it yields', async (t) => {
  const { client, asked } = await start(t, {
    'keys.revoke': { id: 'k', everywhere: true, as_of: PLACE },
    'keys.create': { id: 'k', secret: 's3cret', everywhere: false, lacking: ['b'] },
  });
  assert.equal((await client.keys.revoke('k', { everywhere: true })).as_of, PLACE);
  assert.deepEqual(asked[0][1], { id: 'k', everywhere: true });
  await assert.rejects(client.keys.create({ roles: 'x', everywhere: true }), (error) => {
    assert(error instanceof NotEverywhere);
    assert.deepEqual(error.lacking, ['b']);
    assert.equal(error.result.api_key, 's3cret');
    assert(!JSON.stringify(error).includes('s3cret'));
    return true;
  });
});

test('stale, and a database that is away, are errors of their own kinds', async (t) => {
  const { client } = await start(t, {
    permissions: { code: 'stale' }, 'keys.revoke': { code: 'unavailable', may_stand: true },
  });
  await assert.rejects(client.permissions({ principal: 'ann' }), (error) =>
    error instanceof Stale && error instanceof AuthzError && error.code === 'stale');
  await assert.rejects(client.keys.revoke('k'), (error) =>
    error instanceof StoreUnavailable && error.mayStand === true);
});

test('the middleware answers a stale denial with 503 and Retry-After', async (t) => {
  const { client } = await start(t, { authorize: STALE });
  const guard = authorize(client);
  const server = http.createServer((req, res) => guard(req, res, () => assert.fail('it passed')));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/loans`);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get('retry-after'), '1');
});
