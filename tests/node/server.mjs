// SPDX-License-Identifier: Apache-2.0
// A server that answers as a test says, in a folder of its own.

import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { decodeMulti, encode } from '../../client/node/node_modules/@msgpack/msgpack/dist.esm/index.mjs';

export const ALLOW = { allow: true, status: 200, reason: 'ok', revision: '1' };

export function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'authz-'));
  t.after(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

// Stops a process, and waits until each of its threads stands still.
export async function pause(pid) {
  process.kill(pid, 'SIGSTOP');
  const stands = (task) => /\) T [^)]*$/.test(fs.readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8'));
  while (!fs.readdirSync(`/proc/${pid}/task`).every(stands)) {
    await new Promise(setImmediate);
  }
}

// answer(request, connection): request is {id, method, params, number}, the connection's number from 1.
// connection.answer(id, result, error) answers. Each request here comes in one piece: they are short.
export async function serve(t, answer, file = path.join(folder(t), 'authz.sock')) {
  const open = new Set();
  const server = net.createServer((connection) => {
    server.connected += 1;
    const number = server.connected;
    open.add(connection);
    connection.on('close', () => {
      open.delete(connection);
      server.emit('gone', number);
    });
    connection.on('error', () => {});
    connection.answer = (id, result, error = null) => connection.write(encode([1, id, error, result]));
    connection.on('data', (bytes) => {
      for (const [, id, method, [params]] of decodeMulti(bytes)) {
        answer({ id, method, params, number }, connection);
      }
    });
  });
  server.connected = 0;
  server.path = file;
  server.stop = () => new Promise((resolve) => {
    server.close(resolve);
    open.forEach((connection) => connection.destroy());
  });
  t.after(() => server.listening && server.stop());
  await new Promise((resolve) => {
    server.listen(file, resolve);
  });
  return server;
}
