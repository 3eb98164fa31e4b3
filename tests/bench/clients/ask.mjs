// SPDX-License-Identifier: Apache-2.0
// Node's client and a bare round trip, in turns: see ../clients.py.

import { createRequire } from 'node:module';
import net from 'node:net';
import { Client } from '../../../client/node/index.js';

const require = createRequire(new URL('../../../client/node/index.js', import.meta.url));
const { decode, encode } = require('@msgpack/msgpack');
const FIRST_ID = 0x10000; // ids from here on have one width

// A function that asks once: what msgpack and a socket alone take.
function bare(path, params) {
  const connection = net.createConnection(path);
  let waiting;
  let number = FIRST_ID;
  connection.on('data', (data) => waiting(decode(data)[3].allow));
  return () => new Promise((resolve) => {
    waiting = resolve;
    number += 1;
    connection.write(encode([0, number, 'authorize', [params]]));
  });
}

// The median time of a call in one turn, in microseconds.
async function turn(ask, seconds) {
  const taken = [];
  const begun = performance.now();
  let now = begun;
  while (now - begun < seconds * 1e3) {
    const before = now;
    if (!await ask()) {
      throw new Error('denied');
    }
    now = performance.now();
    taken.push(now - before);
  }
  return taken.sort((a, b) => a - b)[taken.length >> 1] * 1e3;
}

const [daemon, echo, text, turns, seconds] = process.argv.slice(2);
const params = JSON.parse(text);
const client = new Client(daemon);
const asks = {
  echo: bare(echo, params),
  client: async () => (await client.check(params)).allow,
  bare: bare(daemon, params),
};
const found = { echo: [], client: [], bare: [] };
for (let number = 0; number < Number(turns); number += 1) {
  for (const [name, ask] of Object.entries(asks)) {
    found[name].push(await turn(ask, Number(seconds)));
  }
}
console.log(JSON.stringify(found));
process.exit();
