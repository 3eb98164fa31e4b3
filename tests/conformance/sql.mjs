// SPDX-License-Identifier: Apache-2.0
// The replayer of sql.json for client/node: node sql.mjs FILE. It prints for each case, by dialect, what `where` wrote.

import fs from 'node:fs';
import { Client, SqlError, where } from '../../client/node/index.js';

// JSON.parse would round integers of 64 bits.
const exact = (text) => JSON.parse(text.replace(/(?<=[[, ])-?\d{16,}(?=[\],])/g, '{"wide": "$&"}'), (name, value) =>
  (value?.wide === undefined ? value : BigInt(value.wide)));
const written = (value) => JSON.stringify(value, (name, item) => (typeof item === 'bigint' ? `<${item}>` : item))
  .replace(/"<(-?\d+)>"/g, '$1');

function write(plan, dialect, options) {
  try {
    return where(plan, columns, dialect, options);
  } catch (error) {
    if (!(error instanceof SqlError)) {
      throw error;
    }
    return { error: error.message };
  }
}

const { columns, cases, socket } = exact(fs.readFileSync(process.argv[2], 'utf8'));
const client = new Client({ socket, timeout: 60_000 });
const got = [];
for (const { plan, ask, expect, ...options } of cases) {
  const made = ask === undefined ? plan : await client.plan(ask);
  got.push(Object.fromEntries(Object.keys(expect).map((dialect) => [dialect, write(made, dialect, options)])));
}
client.close();
process.stdout.write(`${written(got)}\n`);
