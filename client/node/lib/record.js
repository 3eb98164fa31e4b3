// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util';

// The record of a key with its secret, which the daemon yields this once. A private field is in no log:
// neither in JSON, nor in what console.log and util.inspect show, nor in a copy.
export class KeyWithSecret {
  #secret;

  constructor({ secret, ...record }) {
    Object.assign(this, record);
    this.#secret = secret;
  }

  get secret() {
    return this.#secret;
  }

  get api_key() {
    return this.#secret;
  }

  [inspect.custom](depth, options) {
    return `KeyWithSecret ${inspect({ ...this, api_key: '(hidden)' }, options)}`;
  }
}

export function hideSecret(result) {
  const has = result !== null && typeof result === 'object' && typeof result.secret === 'string';
  return has ? new KeyWithSecret(result) : result;
}
