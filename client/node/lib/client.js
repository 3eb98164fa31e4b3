// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util';
import { Channel } from './channel.js';
import { readDecision, readDecisions } from './decision.js';
import { NotEverywhere, Unavailable } from './errors.js';
import { List } from './list.js';
import { readPlan } from './plan.js';
import { hideSecret } from './record.js';
import { checkPath, defaultSocket, managingSocket, serverUser } from './socket.js';

const DEFAULT_TIMEOUT = 1000; // milliseconds
const EVERYWHERE_TIMEOUT = 120000; // at least, of a change with `everywhere`: it is answered when it is proven

// The methods of each noun. A word: called with its parameters; `word(name)`: with the value of that
// parameter first; `word*`: a list.
const NOUNS = {
  keys: ['create', 'get(id)', 'list*', 'update(id)', 'rotate(id)', 'finish(id)', 'rollback(id)',
    'prolong(id)', 'renew(token)', 'disable(id)', 'enable(id)', 'revoke(id)', 'delete(id)', 'restore(id)',
    'purge(id)', 'import', 'audit*'],
  principals: ['create', 'get(id)', 'list*', 'update(id)', 'enable(id)', 'disable(id)', 'delete(id)'],
  roles: ['create', 'get(name)', 'list*', 'update(name)', 'delete(name)'],
  assignments: ['create', 'delete', 'list*'],
  tenants: ['create', 'enable(id)', 'disable(id)', 'list*'],
  audit: ['list*', 'verify*'],
  policy: ['names', 'status', 'reload', 'tree*'],
};

const DECIDING = new Set(['authorize', 'authorize_many', 'permissions', 'plan']);

const isListOf = (result) => result !== null && typeof result === 'object' && Array.isArray(result.items);
const listOf = (value) => (typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value);

// What programs of vendors' clients write: lists as text with commas, and days.
function spell({ expires_in_days: days, ...params }) {
  const spelt = { ...params };
  if (days !== undefined) {
    spelt.expires_in = `${days}d`;
  }
  for (const name of ['scopes', 'roles', 'networks']) {
    if (spelt[name] !== undefined) {
      spelt[name] = listOf(spelt[name]);
    }
  }
  return spelt;
}

async function change(client, method, params, options) {
  const result = await client.call(method, params, options);
  if (params.everywhere === true && result?.everywhere !== true) {
    throw new NotEverywhere(result);
  }
  return result;
}

function methodOf(client, noun, written) {
  const [, word, first, star] = /^(\w+)(?:\((\w+)\))?(\*)?$/.exec(written);
  const method = `${noun}.${word}`;
  if (star) {
    return [word, (params = {}, options = {}) => client.list(method, params, options)];
  }
  if (first) {
    return [word, (value, params = {}, options = {}) =>
      change(client, method, { ...(noun === 'keys' ? spell(params) : params), [first]: value }, options)];
  }
  return [word, (params = {}, options = {}) =>
    change(client, method, noun === 'keys' ? spell(params) : params, options)];
}

const PARTS = Symbol('parts'); // of a client whose connections another one has, too

export class Client {
  #asOf;
  #deciding;
  #managing;
  #timeout;
  #token;

  constructor(options = {}) {
    if (options[PARTS] === undefined) {
      this.#begin(options);
    } else {
      [this.#deciding, this.#managing, this.#timeout, this.#token, this.#asOf] = options[PARTS];
    }
    for (const [noun, methods] of Object.entries(NOUNS)) {
      const bound = Object.fromEntries(methods.map((written) => methodOf(this, noun, written)));
      Object.defineProperty(this, noun, { value: Object.freeze(bound) });
    }
  }

  #begin(options) {
    const { socket, timeout = DEFAULT_TIMEOUT, serverUser: user, token } =
      typeof options === 'string' ? { socket: options } : options;
    const server = serverUser(user);
    const path = checkPath(socket ?? defaultSocket());
    const managing = checkPath(socket ?? managingSocket());
    this.#timeout = timeout;
    this.#token = token;
    this.#deciding = new Channel(path, server);
    this.#managing = managing === path ? this.#deciding : new Channel(managing, server);
  }

  // A client on the same connections, whose calls are answered by a host that has the change at this place.
  asOf(place) {
    return new Client({ [PARTS]: [this.#deciding, this.#managing, this.#timeout, this.#token, place] });
  }

  get socket() {
    return this.#deciding.path;
  }

  // Any method. Without a token, managing goes to the socket for managing.
  async call(method, params = {}, options = {}) {
    return hideSecret(await this.#ask(method, params, options));
  }

  #ask(method, given, { timeout = this.#patience(given) } = {}) {
    const presents = this.#token !== undefined && !DECIDING.has(method);
    let params = presents ? { token: this.#token, ...given } : given;
    if (this.#asOf !== undefined) {
      params = { as_of: this.#asOf, ...params };
    }
    const decides = DECIDING.has(method) || params.token !== undefined;
    return (decides ? this.#deciding : this.#managing).call(method, params, timeout);
  }

  #patience({ everywhere }) {
    return everywhere === true ? Math.max(this.#timeout, EVERYWHERE_TIMEOUT) : this.#timeout;
  }

  list(method, params = {}, options = {}) {
    return new List(async (page) => {
      const result = await this.#ask(method, page, options);
      if (!isListOf(result)) {
        throw new Unavailable('EPROTO', 'the answer cannot be read: it is not a list');
      }
      return result;
    }, params);
  }

  async check(request, options) {
    return readDecision(await this.#ask('authorize', request, options));
  }

  async authorize(request, options) {
    return this.check(request, options);
  }

  async allowed(request, options) {
    try {
      return (await this.check(request, options)).allow === true;
    } catch {
      return false;
    }
  }

  async authorizeMany(requests, shared = {}, options = {}) {
    if (!Array.isArray(requests) || requests.length === 0) {
      throw new TypeError('authorizeMany takes a list of at least one request');
    }
    const result = await this.#ask('authorize_many', { ...shared, requests }, options);
    return readDecisions(result, requests.length);
  }

  async plan(request, options) {
    return readPlan(await this.#ask('plan', request, options));
  }

  permissions(params, options) {
    return this.list('permissions', params, options);
  }

  status(options) {
    return this.call('status', {}, options);
  }

  // Ends the connections; what is outstanding fails. A later call opens one again.
  close() {
    this.#deciding.close();
    this.#managing.close();
  }

  [inspect.custom]() {
    return `Client { socket: ${inspect(this.socket)} }`;
  }
}
