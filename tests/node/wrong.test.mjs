// SPDX-License-Identifier: Apache-2.0
// client/node with servers that do wrong, end, or are not to be trusted.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { AuthzError, Client, Unavailable, defaultSocket, managingSocket } from '../../client/node/index.js';
import { Channel } from '../../client/node/lib/channel.js';
import { ALLOW, folder, serve } from './server.mjs';

const PATIENCE = 60000; // milliseconds: bounds a hang
const ASKED = { principal: 'ann', method: 'GET', path: '/' };

function clientOf(t, server, options = {}) {
  const client = new Client({ socket: server.path, timeout: PATIENCE, ...options });
  t.after(() => client.close());
  return client;
}

// Deadlines of `LATE` pass when the test calls what this returns, and not by themselves.
const LATE = 54321; // milliseconds
function deadlines(t) {
  const missed = [];
  t.mock.method(globalThis, 'setTimeout', ((real) => (call, ms, ...rest) => {
    if (ms === LATE) {
      missed.push(call);
    }
    return real(call, ms, ...rest);
  })(setTimeout));
  return () => missed.splice(0).forEach((call) => call());
}

const rejects = (promise, code) => assert.rejects(promise, (error) => {
  assert(error instanceof Unavailable, String(error.stack));
  assert.equal(error.code, code);
  return true;
});

test('ids begin at random, and none is used twice on a connection', async (t) => {
  const ids = new Map();
  const server = await serve(t, ({ id, number }, connection) => {
    ids.set(number, [...(ids.get(number) ?? []), id]);
    connection.answer(id, ALLOW);
  });
  const clients = [clientOf(t, server), clientOf(t, server), clientOf(t, server)];
  await Promise.all(clients.flatMap((client) => Array.from({ length: 50 }, () => client.check(ASKED))));
  const seen = [...ids.values()];
  assert.equal(seen.length, 3);
  assert(seen.every((each) => each.length === 50 && new Set(each).size === 50));
  assert.equal(new Set(seen.map(([first]) => first)).size, 3);
  assert(seen.every((each) => each.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 32)));
});

test('a connection whose ids were all used makes room for another one', async (t) => {
  const ids = new Map();
  const server = await serve(t, ({ id, number }, connection) => {
    ids.set(number, (ids.get(number) ?? new Set()).add(id));
    connection.answer(id, ALLOW);
  });
  const channel = new Channel(server.path, undefined, 3);
  t.after(() => channel.close());
  await Promise.all(Array.from({ length: 10 }, () => channel.call('authorize', ASKED, PATIENCE)));
  await channel.call('authorize', ASKED, PATIENCE);
  await channel.call('authorize', ASKED, PATIENCE);
  await channel.call('authorize', ASKED, PATIENCE);
  assert.deepEqual([...ids.values()].map((each) => each.size), [3, 3, 3, 3, 1]);
});

test('answers may come in another order', async (t) => {
  const held = [];
  const server = await serve(t, ({ id, params }, connection) => {
    held.push([id, params.path]);
    if (held.length === 3) {
      held.reverse().forEach(([each, file]) => connection.answer(each, file === '/1' ? ALLOW
        : { allow: false, status: 403, reason: 'role' }));
    }
  });
  const client = clientOf(t, server);
  const got = await Promise.all(['/0', '/1', '/2'].map((file) => client.allowed({ ...ASKED, path: file })));
  assert.deepEqual(got, [false, true, false]);
});

test('an answer with a foreign id ends the connection, and allows nobody', async (t) => {
  const server = await serve(t, ({ id, number }, connection) =>
    connection.answer(number === 1 ? (id + 7) % 2 ** 32 : id, ALLOW));
  const client = clientOf(t, server);
  const gone = once(server, 'gone');
  await rejects(client.check(ASKED), 'EPROTO');
  assert.deepEqual(await gone, [1]);
  assert.equal(await client.allowed(ASKED), true);
  assert.equal(server.connected, 2);
});

test('an answer after its deadline ends the connection; others are asked once more', async (t) => {
  const pass = deadlines(t);
  let late;
  const server = await serve(t, ({ id, params, number }, connection) => {
    if (params.path === '/late') {
      late = () => connection.answer(id, ALLOW);
    } else if (number === 1) {
      server.emit('held');
    } else {
      connection.answer(id, ALLOW);
    }
  });
  const client = clientOf(t, server);
  const held = once(server, 'held');
  const missed = client.check({ ...ASKED, path: '/late' }, { timeout: LATE });
  const other = client.check(ASKED);
  await held;
  pass();
  await rejects(missed, 'ETIMEDOUT');
  assert.equal(server.connected, 1);
  late();
  assert.equal((await other).allow, true);
  assert.equal(server.connected, 2);
});

test('a deadline that nothing else waits beside ends the connection', async (t) => {
  const pass = deadlines(t);
  const server = await serve(t, pass);
  const gone = once(server, 'gone');
  await rejects(clientOf(t, server).check(ASKED, { timeout: LATE }), 'ETIMEDOUT');
  assert.deepEqual(await gone, [1]);
});

test('the deadline is a second unless it is said', async (t) => {
  t.mock.method(globalThis, 'setTimeout', ((real) => (call, ms, ...rest) => {
    seen.push(ms);
    return real(call, ms, ...rest);
  })(setTimeout));
  const seen = [];
  const server = await serve(t, ({ id }, connection) => connection.answer(id, ALLOW));
  const client = new Client(server.path);
  t.after(() => client.close());
  await client.allowed(ASKED);
  await client.allowed(ASKED, { timeout: 2345 });
  assert(seen.includes(1000) && seen.includes(2345), String(seen));
  for (const timeout of [0, -1, NaN, Infinity, '5']) {
    await assert.rejects(client.check(ASKED, { timeout }), TypeError);
  }
});

test('no result but a whole allow of the right types allows', async (t) => {
  const wrong = [null, true, 'allow', [ALLOW], {}, { ...ALLOW, allow: 1 }, { ...ALLOW, allow: 'true' },
    { ...ALLOW, status: 403 }, { ...ALLOW, status: '200' }, { allow: true }, { ...ALLOW, reason: null },
    { ...ALLOW, principal: 7 }, { ...ALLOW, quota: { limit: 1 } }, { ...ALLOW, renew: 'yes' },
    { ...ALLOW, allow: false }];
  let next = 0;
  const server = await serve(t, ({ id }, connection) => {
    connection.answer(id, wrong[next]);
    next += 1;
  });
  const client = clientOf(t, server);
  for (const each of wrong) {
    await rejects(client.check(ASKED).then((decision) => assert.fail(JSON.stringify([each, decision]))), 'EPROTO');
  }
  next = 0;
  for (const each of wrong) {
    assert.equal(await client.allowed(ASKED), false, JSON.stringify(each));
  }
  assert.equal(server.connected, 1);
});

test('bytes that come one at a time are an answer', async (t) => {
  const server = await serve(t, async ({ id }, connection) => {
    connection.setNoDelay?.(true);
    const bytes = Buffer.concat([Buffer.from('940100c0', 'hex'),
      Buffer.from('84a5616c6c6f77c3a6737461747573cd00c8a6726561736f6ed9026f6ba87265766973696f6eda000131', 'hex')]);
    const whole = Buffer.concat([bytes.subarray(0, 2), Buffer.from([0xce]), Buffer.alloc(4), bytes.subarray(3)]);
    whole.writeUInt32BE(id, 3);
    for (const byte of whole) {
      await new Promise((resolve) => { connection.write(Buffer.from([byte]), resolve); });
      await new Promise(setImmediate);
    }
  });
  const client = clientOf(t, server);
  assert.deepEqual({ ...await client.check(ASKED) }, ALLOW);
  assert.deepEqual({ ...await client.check(ASKED) }, ALLOW);
});

test('bytes of a result stay as they came', async (t) => {
  const server = await serve(t, ({ id }, connection) => connection.answer(id, { data: Uint8Array.of(1, 2, 3), done: true }));
  const client = clientOf(t, server);
  const { data } = await client.call('store.backup');
  await client.call('store.backup');
  assert.deepEqual([...data], [1, 2, 3]);
});

test('a message that is not an answer, too large or too deep ends the connection', async (t) => {
  const wrong = ['c1', '90', '93010203', '94000000c0', '9401a13000c0', '94010080c0', `9401${'91'.repeat(64)}`,
    'dd7fffffff', '9401c0c0c0', '94dbffffffff', '9401ff80c0'];
  const server = await serve(t, (_, connection) => connection.write(Buffer.from(wrong[server.connected - 1], 'hex')));
  const client = clientOf(t, server);
  for (const each of wrong) {
    const error = await client.check(ASKED).catch((caught) => caught);
    assert(error instanceof Unavailable && error.code === 'EPROTO', `${each}: ${error.stack}`);
  }
  assert.equal(server.connected, wrong.length);
});

test('a question is asked once more when the connection breaks, a change is not', async (t) => {
  const seen = [];
  const server = await serve(t, ({ id, method, number }, connection) => {
    seen.push(method);
    if (number % 2) {
      connection.destroy();
    } else {
      connection.answer(id, ALLOW);
    }
  });
  const client = clientOf(t, server);
  assert.equal(await client.allowed(ASKED), true);
  const gone = once(server, 'gone');
  client.close();
  await gone;
  await rejects(client.keys.revoke('k'), 'ECLOSED');
  assert.deepEqual(seen, ['authorize', 'authorize', 'keys.revoke']);
});

test('all methods that only read, as PROTOCOL.md lists them, are asked once more', async (t) => {
  const text = fs.readFileSync(new URL('../../daemon/PROTOCOL.md', import.meta.url), 'utf8');
  const [, , row] = /\n\| what only reads \|([^|]*)\|/.exec(text)[0].split('|');
  const methods = [...row.matchAll(/`([\w.]+)`/g)].map(([, method]) => method);
  assert(methods.length > 20, row);
  const server = await serve(t, ({ id, number }, connection) => {
    if (number % 2) {
      connection.destroy();
    } else {
      connection.answer(id, {});
    }
  });
  for (const method of methods) {
    const client = clientOf(t, server);
    await client.call(method).catch((error) => assert.fail(`${method}: ${error}`));
    const gone = once(server, 'gone');
    client.close();
    await gone;
  }
});

test('what yields a secret is sent again with the same request_id, drawn for each call', async (t) => {
  const seen = [];
  const server = await serve(t, ({ id, method, params, number }, connection) => {
    seen.push([method, params.request_id]);
    if (number === 1) {
      connection.destroy();
    } else {
      connection.answer(id, { id: 'k', secret: 's' });
    }
  });
  const client = clientOf(t, server);
  assert.equal((await client.keys.create({ principal: 'ann' })).api_key, 's');
  await client.keys.rotate('k');
  await client.keys.renew('token');
  await client.keys.rotate('k', { request_id: 'f'.repeat(32) });
  assert.deepEqual(seen.map(([method]) => method), ['keys.create', 'keys.create', 'keys.rotate', 'keys.renew', 'keys.rotate']);
  assert(seen.every(([, id]) => /^[0-9a-f]{32}$/.test(id)));
  assert.equal(seen[0][1], seen[1][1]);
  assert.equal(new Set(seen.map(([, id]) => id)).size, 4);
  assert.equal(seen[4][1], 'f'.repeat(32));
});

test('a daemon that restarts is waited for until the deadline, but not by a change', async (t) => {
  const answer = ({ id }, connection) => connection.answer(id, ALLOW);
  const server = await serve(t, answer);
  const client = clientOf(t, server);
  assert.equal(await client.allowed(ASKED), true);
  await server.stop();
  await rejects(client.check(ASKED, { timeout: 50 }), 'ETIMEDOUT');
  await rejects(client.keys.revoke('k'), 'ENOENT');
  const waiting = client.check(ASKED);
  await new Promise(setImmediate);
  await serve(t, answer, server.path);
  assert.equal((await waiting).allow, true);
});

test('a socket at which nobody listens is waited for until the deadline', async (t) => {
  const gone = await serve(t, () => {});
  const left = path.join(folder(t), 'left.sock');
  fs.renameSync(gone.path, left); // so that its end does not remove it
  await gone.stop();
  const client = clientOf(t, { path: left });
  await rejects(client.keys.revoke('k'), 'ECONNREFUSED');
  await rejects(client.check(ASKED, { timeout: 50 }), 'ETIMEDOUT');
  const waiting = client.check(ASKED);
  await new Promise(setImmediate);
  fs.unlinkSync(left);
  await serve(t, ({ id }, connection) => connection.answer(id, ALLOW), left);
  assert.equal((await waiting).allow, true);
});

test('without a daemon, and none before, a wrong path is said at once', async (t) => {
  await rejects(clientOf(t, { path: path.join(folder(t), 'no.sock') }).check(ASKED), 'ENOENT');
});

test('a connection that the daemon refuses rejects with its reason', async (t) => {
  const server = await serve(t, () => {});
  server.on('connection', (connection) => connection.answer(null, null, { code: 'overloaded', message: 'late' }));
  await assert.rejects(clientOf(t, server).check(ASKED), (error) =>
    error instanceof AuthzError && error.code === 'overloaded' && error.message === 'late');
});

test('an error keeps the ids and diagnostics that the daemon sends', async (t) => {
  const server = await serve(t, ({ id }, connection) =>
    connection.answer(id, null, { code: 'limit_reached', message: 'x', ids: ['a', 'b'], diagnostics: [{ line: 1 }] }));
  await assert.rejects(clientOf(t, server).keys.create({}), { code: 'limit_reached', ids: ['a', 'b'], diagnostics: [{ line: 1 }] });
});

test('an error without a code, or beside a result, is no answer', async (t) => {
  const server = await serve(t, ({ id, number }, connection) =>
    connection.answer(id, number === 1 ? null : ALLOW, number === 1 ? {} : { code: 'x', message: 'y' }));
  const client = clientOf(t, server);
  await rejects(client.check(ASKED), 'EPROTO');
  await rejects(client.check(ASKED), 'EPROTO');
});

test('a client that is closed fails what is outstanding, and works again', async (t) => {
  const server = await serve(t, ({ id, number }, connection) => (number === 1 ? server.emit('held') : connection.answer(id, ALLOW)));
  const client = clientOf(t, server);
  const held = once(server, 'held');
  const asked = client.check(ASKED);
  await held;
  client.close();
  await rejects(asked, 'ECLOSED');
  assert.equal(await client.allowed(ASKED), true);
});

test('a request larger than a message is refused here, without its contents', async (t) => {
  const server = await serve(t, ({ id }, connection) => connection.answer(id, ALLOW));
  const client = clientOf(t, server);
  await assert.rejects(client.check({ ...ASKED, path: 'x'.repeat(300000) }), (error) =>
    error instanceof TypeError && !error.message.includes('xxx'));
  assert.equal(await client.allowed(ASKED), true);
});

// The owner of what is checked is changed, so these need root.
const needsRoot = { skip: process.getuid() !== 0 && 'not root' };
const STRANGER = 12345;

test('a socket of a stranger gets not one byte', needsRoot, async (t) => {
  const server = await serve(t, deadlines(t));
  fs.chownSync(server.path, STRANGER, STRANGER);
  await rejects(clientOf(t, server).check(ASKED), 'EPEER');
  assert.equal(server.connected, 0);
  const named = clientOf(t, server, { serverUser: STRANGER, timeout: LATE });
  await rejects(named.check(ASKED), 'ETIMEDOUT');
  assert.equal(server.connected, 1);
});

test("the number of unmapped users is nobody's own", needsRoot, async (t) => {
  const server = await serve(t, () => {});
  const client = clientOf(t, server);
  fs.chownSync(server.path, 65534, 65534);
  t.mock.method(process, 'geteuid', () => 65534);
  await rejects(client.check(ASKED), 'EPEER');
  assert.equal(server.connected, 0);
});

test('a socket that strangers could replace gets not one byte', needsRoot, async (t) => {
  const place = folder(t);
  fs.mkdirSync(path.join(place, 'open'));
  const server = await serve(t, ({ id }, connection) => connection.answer(id, ALLOW), path.join(place, 'open', 'a.sock'));
  const client = clientOf(t, server);
  fs.chmodSync(path.join(place, 'open'), 0o777);
  await rejects(client.check(ASKED), 'EPEER');
  fs.chmodSync(path.join(place, 'open'), 0o755);
  fs.chownSync(path.join(place, 'open'), STRANGER, 0);
  await rejects(client.check(ASKED), 'EPEER');
  fs.chownSync(path.join(place, 'open'), 0, 0);
  fs.chmodSync(path.join(place, 'open'), 0o1777); // sticky: only the owner of a socket replaces it
  assert.equal(await client.allowed(ASKED), true);
});

test("the owner of the socket's folder is trusted, if nobody else can write the way to it", needsRoot, async (t) => {
  const own = fs.mkdtempSync('/run/authz-test-');
  fs.chmodSync(own, 0o755);
  t.after(() => fs.rmSync(own, { recursive: true }));
  const server = await serve(t, ({ id }, connection) => connection.answer(id, ALLOW), path.join(own, 'a.sock'));
  fs.chownSync(own, STRANGER, STRANGER);
  fs.chownSync(server.path, STRANGER, STRANGER);
  const client = clientOf(t, server);
  assert.equal(await client.allowed(ASKED), true);
  client.close();
  fs.chmodSync(own, 0o775);
  await rejects(client.check(ASKED), 'EPEER');

  // Anyone can make a folder below a sticky one.
  const below = folder(t);
  const other = await serve(t, () => {}, path.join(below, 'a.sock'));
  assert((fs.statSync(path.dirname(below)).mode & 0o1000) !== 0);
  fs.chownSync(below, STRANGER, STRANGER);
  fs.chownSync(other.path, STRANGER, STRANGER);
  await rejects(clientOf(t, other).check(ASKED), 'EPEER');
});

test('a link leads to a socket only if strangers cannot change it', needsRoot, async (t) => {
  const server = await serve(t, ({ id }, connection) => connection.answer(id, ALLOW));
  const link = path.join(folder(t), 'link');
  fs.symlinkSync(server.path, link);
  assert.equal(await clientOf(t, { path: link }).allowed(ASKED), true);
  fs.lchownSync(link, STRANGER, STRANGER);
  await rejects(clientOf(t, { path: link }).check(ASKED), 'EPEER');
  const circle = path.join(folder(t), 'circle');
  fs.symlinkSync(circle, circle);
  await rejects(clientOf(t, { path: circle }).check(ASKED), 'EPEER');
});

test('what is not a socket is not connected to', async (t) => {
  const file = path.join(folder(t), 'file');
  fs.writeFileSync(file, '');
  await rejects(clientOf(t, { path: file }).check(ASKED), 'EPEER');
});

test('the socket is found as authz.h says', (t) => {
  const before = { ...process.env };
  t.after(() => { process.env = before; });
  process.env.AUTHZ_SOCKET = '/x/authz.sock';
  assert.equal(defaultSocket(), '/x/authz.sock');
  assert.equal(managingSocket(), '/x/authz.sock');
  assert.equal(new Client().socket, '/x/authz.sock');
  delete process.env.AUTHZ_SOCKET;
  t.mock.method(process, 'geteuid', () => 0);
  t.mock.method(process, 'getuid', () => 0);
  assert.equal(defaultSocket(), '/run/authz/authz.sock');
});

test('another user finds the socket of its own daemon, and the one for managing beside it', async (t) => {
  const before = { ...process.env };
  t.after(() => { process.env = before; });
  const place = folder(t);
  fs.mkdirSync(path.join(place, 'authz'));
  delete process.env.AUTHZ_SOCKET;
  process.env.XDG_RUNTIME_DIR = place;
  t.mock.method(process, 'geteuid', () => 1000);
  t.mock.method(process, 'getuid', () => 1000);
  await serve(t, () => {}, path.join(place, 'authz/authz.sock'));
  assert.equal(defaultSocket(), path.join(place, 'authz/authz.sock'));
  assert.equal(managingSocket(), path.join(place, 'authz/authz.sock'));
  await serve(t, () => {}, path.join(place, 'authz/admin.sock'));
  assert.equal(managingSocket(), path.join(place, 'authz/admin.sock'));
  t.mock.method(process, 'getuid', () => 1001); // with another user's rights
  assert.equal(defaultSocket(), '/run/authz/authz.sock');
});

test('decisions and calls with a token go to one socket, managing to the other', async (t) => {
  const before = { ...process.env };
  t.after(() => { process.env = before; });
  const place = folder(t);
  const seen = [];
  const taking = (name) => ({ id, method }, connection) => {
    seen.push([name, method]);
    connection.answer(id, ALLOW);
  };
  fs.mkdirSync(path.join(place, 'authz'));
  await serve(t, taking('authz'), path.join(place, 'authz/authz.sock'));
  await serve(t, taking('admin'), path.join(place, 'authz/admin.sock'));
  delete process.env.AUTHZ_SOCKET;
  process.env.XDG_RUNTIME_DIR = place;
  const real = process.geteuid();
  t.mock.method(process, 'geteuid', () => 1000);
  t.mock.method(process, 'getuid', () => 1000);
  const client = new Client({ timeout: PATIENCE, serverUser: real });
  t.mock.restoreAll();
  t.after(() => client.close());
  await client.check(ASKED);
  await client.keys.get('k');
  await client.keys.get('k', { token: 't' });
  assert.deepEqual(seen, [['authz', 'authorize'], ['admin', 'keys.get'], ['authz', 'keys.get']]);
});

test('a user is named by number, or by a name of /etc/passwd', () => {
  assert(new Client({ socket: '/x', serverUser: 'root' }));
  assert(new Client({ socket: '/x', serverUser: 4294967294 }));
  for (const serverUser of ['no such user', 4294967295, '', -1, '0x0']) {
    assert.throws(() => new Client({ socket: '/x', serverUser }), TypeError);
  }
});

test('a path that no socket can have is refused', () => {
  for (const socket of ['', 'x'.repeat(108), 'a\0b', 7]) {
    assert.throws(() => new Client({ socket }), TypeError);
  }
});
