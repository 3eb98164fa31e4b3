// SPDX-License-Identifier: Apache-2.0

// The requests to one socket: pipelined on one connection, which is made when it is first needed and
// again after it broke. What may be sent twice is sent once more then.

import { randomBytes } from 'node:crypto';
import { Connection, IDS } from './connection.js';
import { Unavailable } from './errors.js';
import { checkTrust } from './socket.js';

const OUTSTANDING_MAX = 16384; // requests; more wait longer than any deadline
const TIMEOUT_MAX = 2 ** 31 - 1; // milliseconds that a timer of Node takes
// Milliseconds between attempts to connect: soon after a daemon that restarts quickly, and seldom enough
// to cost nothing while it takes long.
const FIRST_PAUSE = 5;
const LAST_PAUSE = 160;

const READING = new Set(['authorize', 'authorize_many', 'permissions', 'plan', 'status', 'keys.audit',
  'audit.verify', 'policy.names', 'policy.tree', 'principals.permissions', 'roles.holders', 'who',
  'whoami', 'decisions.try']);
const WITH_REQUEST_ID = new Set(['keys.create', 'keys.rotate', 'keys.renew']);

const onlyReads = (method) => READING.has(method) || /\.(get|list|status)$/.test(method);

// With a request_id the daemon answers a second request as it did the first, with the same secret.
function withRequestId(method, params) {
  if (!WITH_REQUEST_ID.has(method) || params.request_id !== undefined) {
    return params;
  }
  return { ...params, request_id: randomBytes(16).toString('hex') };
}

// Nobody listens for a moment: a daemon that restarts. Without a connection before, an absent socket is a
// wrong path.
function isAway(error, wasConnected) {
  return error.code === 'ECONNREFUSED' || error.code === 'EAGAIN' ||
    (wasConnected && (error.code === 'ENOENT' || error.code === 'EACCES'));
}

export class Channel {
  #path;
  #server;
  #ids; // of each connection
  #connection = null;
  #waiting = new Set(); // requests that are not sent
  #outstanding = 0;
  #wasConnected = false;
  #pause = 0;
  #retry = null;

  constructor(path, server, ids = IDS) {
    this.#path = path;
    this.#ids = ids;
    this.#server = server;
  }

  get path() {
    return this.#path;
  }

  call(method, params, timeout) {
    if (typeof timeout !== 'number' || !(timeout > 0 && timeout <= TIMEOUT_MAX)) {
      return Promise.reject(new TypeError('timeout must be a number of milliseconds above 0'));
    }
    if (this.#outstanding >= OUTSTANDING_MAX) {
      return Promise.reject(new Unavailable('ELIMIT', `${OUTSTANDING_MAX} requests are outstanding`));
    }
    return new Promise((resolve, reject) => {
      this.#begin({
        method,
        params: withRequestId(method, params),
        mayRepeat: onlyReads(method) || WITH_REQUEST_ID.has(method),
        wasRepeated: false,
        sentOn: null,
        succeed: resolve,
        fail: reject,
      }, timeout);
    });
  }

  #begin(request, timeout) {
    const { succeed, fail } = request;
    const timer = setTimeout(() => this.#missed(request), timeout);
    const finish = (settle) => (value) => {
      clearTimeout(timer);
      this.#waiting.delete(request);
      this.#outstanding -= 1;
      settle(value);
    };
    this.#outstanding += 1;
    request.succeed = finish(succeed);
    request.fail = finish(fail);
    this.#push(request);
  }

  close() {
    const error = new Unavailable('ECLOSED', 'the client was closed');
    clearTimeout(this.#retry);
    this.#retry = null;
    for (const request of [...this.#waiting]) {
      request.fail(error);
    }
    this.#connection?.close();
  }

  #push(request) {
    this.#waiting.add(request);
    if (this.#connection?.isOpen) {
      this.#flush();
    } else if (this.#retry === null) {
      this.#connect();
    }
  }

  #flush() {
    for (const request of [...this.#waiting]) {
      if (!this.#connection.isOpen) {
        return; // the next connection has ids again
      }
      this.#waiting.delete(request);
      request.sentOn = this.#connection;
      try {
        this.#connection.send(request);
      } catch (error) {
        request.fail(error);
      }
    }
  }

  #missed(request) {
    const connection = request.sentOn;
    request.fail(new Unavailable('ETIMEDOUT', `no answer to ${request.method} before the deadline`));
    connection?.giveUp(request);
  }

  #connect() {
    if (this.#connection !== null || this.#waiting.size === 0) {
      return;
    }
    try {
      checkTrust(this.#path, this.#server);
    } catch (error) {
      this.#away(error);
      return;
    }
    const connection = new Connection(this.#path, () => {
      this.#wasConnected = true;
      this.#pause = 0;
      this.#flush();
    }, (error, again, wasOpen) => this.#ended(error, again, wasOpen), this.#ids);
    this.#connection = connection;
  }

  #ended(error, again, wasOpen) {
    this.#connection = null;
    if (!wasOpen) {
      this.#away(error);
      return;
    }
    for (const request of again) {
      request.wasRepeated = true;
      request.sentOn = null;
      this.#waiting.add(request);
    }
    this.#connect();
  }

  // No connection could be made.
  #away(error) {
    const why = error instanceof Unavailable ? error : new Unavailable(error.code, error.message);
    const waits = isAway(error, this.#wasConnected);
    for (const request of [...this.#waiting]) {
      if (!waits || !request.mayRepeat) {
        request.fail(why);
      }
    }
    if (this.#waiting.size === 0) {
      return;
    }
    this.#pause = Math.min(Math.max(2 * this.#pause, FIRST_PAUSE), LAST_PAUSE);
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#connect();
    }, this.#pause);
  }
}
