// SPDX-License-Identifier: Apache-2.0
// The replayer of client/node: node replay.mjs FILE. See README.md.

import fs from 'node:fs';
import { AuthzError, Client, Unavailable } from '../../client/node/index.js';

const { cases } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));

function outcome(error) {
  if (error instanceof AuthzError) {
    return { error: { code: error.code, message: error.message, param: error.param } };
  }
  if (error instanceof Unavailable) {
    return { unavailable: true };
  }
  if (error instanceof TypeError) {
    return { invalid: true };
  }
  throw error;
}

async function doCheck(client, request) {
  let decision;
  try {
    decision = await client.check(request);
    return { ...decision };
  } catch (error) {
    return { ...outcome(error), allow: decision?.allow === true };
  }
}

async function doCheckMany(client, { shared, requests }) {
  let decisions = [];
  try {
    decisions = await client.authorizeMany(requests, shared);
    return { results: decisions };
  } catch (error) {
    return { ...outcome(error), allows: decisions.map((decision) => decision.allow) };
  }
}

async function doCall(client, method, params) {
  try {
    const result = await client.call(method, params);
    return { result: { ...result, secret: result.secret } };
  } catch (error) {
    return outcome(error);
  }
}

function doOne(client, what) {
  if (what.check !== undefined) {
    return doCheck(client, what.check);
  }
  return what.check_many !== undefined ? doCheckMany(client, what.check_many)
    : doCall(client, what.call, what.params);
}

for (const each of cases) {
  const client = new Client({ socket: each.socket, timeout: each.timeout_ms });
  const got = [];
  for (const what of each.do) {
    got.push(await doOne(client, what));
  }
  client.close();
  process.stdout.write(`${JSON.stringify({ name: each.name, got })}\n`);
}
