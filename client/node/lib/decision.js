// SPDX-License-Identifier: Apache-2.0
import { Unavailable } from './errors.js';

const TEXTS = ['revision', 'key', 'principal', 'tenant', 'environment', 'fact'];

const isTime = (value) => Number.isSafeInteger(value) && value >= 0;
const isMap = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const isNames = (value) => Array.isArray(value) && value.every((name) => typeof name === 'string');
const isQuota = (value) => isMap(value) && ['limit', 'remaining', 'reset'].every((name) => isTime(value[name]));

function isReadable(result) {
  return isMap(result) && typeof result.allow === 'boolean' && Number.isInteger(result.status) &&
    typeof result.reason === 'string' && result.allow === (result.status === 200) &&
    TEXTS.every((name) => result[name] === undefined || typeof result[name] === 'string') &&
    (result.missing === undefined || isNames(result.missing)) &&
    (result.renew === undefined || typeof result.renew === 'boolean') &&
    (result.renew_by === undefined || isTime(result.renew_by)) &&
    (result.quota === undefined || isQuota(result.quota));
}

// What the daemon decided, unchangeable. An object is always true in JavaScript: ask `allow`.
export class Decision {
  constructor(result) {
    Object.assign(this, { allow: false, status: 503, reason: 'unavailable' }, result);
    Object.freeze(this);
  }
}

export function readDecision(result) {
  if (!isReadable(result)) {
    throw new Unavailable('EPROTO', 'the answer cannot be read: it is not a decision');
  }
  return new Decision(result);
}

// Those of several requests; one that cannot be read is a denial.
export function readDecisions(result, count) {
  if (!isMap(result) || !Array.isArray(result.results) || result.results.length !== count ||
    typeof result.revision !== 'string') {
    throw new Unavailable('EPROTO', 'the answer cannot be read: it has not one decision for each request');
  }
  return result.results.map((item) =>
    new Decision(isReadable(item) ? { ...item, revision: result.revision } : {}));
}
