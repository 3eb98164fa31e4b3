// SPDX-License-Identifier: Apache-2.0
// What README.md of client/node shows does what it says, with the real daemon.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { authorize } from '../../client/node/express.js';
import { Client } from '../../client/node/index.js';

const text = fs.readFileSync(new URL('../../client/node/README.md', import.meta.url), 'utf8');
const code = [...text.matchAll(/```js\n(.*?)```/gs)].map(([, block]) => block).join('')
  .replace(/^import .*$/gm, '');
const AsyncFunction = (async () => {}).constructor;

const PATIENCE = 60000; // milliseconds: bounds a hang
// The README's client, whose deadline of a second a loaded machine may exceed.
class PatientClient extends Client {
  constructor() {
    super({ timeout: PATIENCE });
  }
}

test('the examples of the README run as they are written', async () => {
  process.env.AUTHZ_SOCKET = process.env.AUTHZ_TEST_SOCKET;
  const client = new PatientClient();
  await client.principals.create({ id: 'ann' });
  await client.assignments.create({ principal: 'ann', role: 'viewer' });
  const { api_key: token } = await client.keys.create({ principal: 'ann', name: "Ann's" });

  const run = async (method) => {
    const done = { served: 0, status: null, sent: null, used: null, shown: null, lines: [] };
    const res = { status: (status) => { done.status = status; return res; }, send: (sent) => { done.sent = sent; } };
    await new AsyncFunction('Client', 'authorize', 'req', 'res', 'serve', 'app', 'show', 'console', code)(
      PatientClient, authorize, { method, originalUrl: '/loans/7', headers: { authorization: `Bearer ${token}` } }, res,
      () => { done.served += 1; }, { use: (middleware) => { done.used = middleware; } },
      (secret) => { done.shown = secret; }, { log: (...words) => done.lines.push(words) });
    return done;
  };
  const good = await run('GET');
  assert.deepEqual([good.served, good.status], [1, null]);
  assert.equal(typeof good.used, 'function');
  assert.match(good.shown, /^\w{40,}$/);
  assert.deepEqual(good.lines.map(([, name]) => name), ["Ann's", 'Production Integration']);
  const bad = await run('DELETE');
  assert.deepEqual([bad.served, bad.status, bad.sent], [0, 403, 'role']);
});
