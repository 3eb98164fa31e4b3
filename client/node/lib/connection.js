// SPDX-License-Identifier: Apache-2.0

// One connection, used once: which requests were sent on it, and what answers them.

import { randomInt } from 'node:crypto';
import net from 'node:net';
import { refusal, Unavailable } from './errors.js';
import { Answers, packRequest } from './message.js';

export const IDS = 2 ** 32; // the protocol's
const READ_SIZE = 64 * 1024; // bytes, as Node reads by itself

export class Connection {
  #socket;
  #answers = new Answers();
  #asked = new Map(); // id -> request
  #late = new Set(); // ids of requests that missed their deadline
  #nextId = randomInt(IDS);
  #idsLeft; // no id is used twice
  #isOpen = false;
  #onOpen;
  #onEnd;

  // onOpen() once it is connected. onEnd(error, requests, wasOpen) once it has ended, with the requests
  // that may be sent again; all others were failed.
  constructor(path, onOpen, onEnd, ids = IDS) {
    this.#idsLeft = ids;
    this.#onOpen = onOpen;
    this.#onEnd = onEnd;
    const buffer = Buffer.alloc(READ_SIZE);
    const callback = (length) => {
      this.#read(buffer.subarray(0, length));
      return true; // go on
    };
    this.#socket = net.createConnection({ path, onread: { buffer, callback } });
    this.#socket.resume(); // so that its end is seen
    this.#socket.on('connect', () => this.#opened());
    this.#socket.on('error', (error) => this.#broke(error));
    this.#socket.on('close', () => this.#broke(new Unavailable('ECLOSED', 'the connection broke')));
    this.#readAfterWriteError();
  }

  // A daemon that refuses a connection says why and closes it. When a request is written after that, the
  // write fails, and Node would drop what was not read yet: why the daemon refused. What was read comes
  // to `onread` even then, unlike to a stream's `data`.
  #readAfterWriteError() {
    const socket = this.#socket;
    const destroy = socket.destroy;
    socket.destroy = (error) => {
      if (error?.code !== 'EPIPE' || socket.readableEnded || this.#onEnd === null) {
        return destroy.call(socket, error);
      }
      socket.destroy = destroy;
      // The bytes that are there are read before the next but one turn of the loop.
      setImmediate(() => setImmediate(() => destroy.call(socket, error)));
      return socket;
    };
  }

  get isOpen() {
    return this.#isOpen && this.#idsLeft > 0;
  }

  #opened() {
    this.#isOpen = true;
    this.#socket.unref(); // requests hold the process by their timers
    this.#onOpen();
  }

  // Throws TypeError when the request cannot be packed.
  send(request) {
    const id = this.#nextId;
    const bytes = packRequest(id, request.method, request.params);
    this.#nextId = (id + 1) % IDS;
    this.#idsLeft -= 1;
    request.id = id;
    this.#asked.set(id, request);
    this.#socket.write(bytes);
  }

  // A request that missed its deadline. Its answer would come after others, or never.
  giveUp(request) {
    this.#asked.delete(request.id);
    this.#late.add(request.id);
    if (this.#asked.size === 0) {
      this.#end(new Unavailable('ETIMEDOUT', 'no answer before the deadline'), []);
    }
  }

  close() {
    this.#end(new Unavailable('ECLOSED', 'the client was closed'), []);
  }

  #read(bytes) {
    try {
      for (const answer of this.#answers.push(bytes)) {
        this.#take(answer);
        if (this.#onEnd === null) {
          return;
        }
      }
    } catch (error) {
      this.#end(error, []);
    }
  }

  #take({ id, error, result, doubled }) {
    if (id === null) {
      if (error === null) {
        throw new Unavailable('EPROTO', 'the answer cannot be read: it has no id');
      }
      this.#end(refusal(error), []);
      return;
    }
    const request = this.#asked.get(id);
    if (request === undefined) {
      const why = new Unavailable('EPROTO', 'an answer came to a request that is not outstanding');
      this.#end(why, this.#late.has(id) ? this.#repeatable() : []);
      return;
    }
    this.#asked.delete(id);
    if (error !== null) {
      request.fail(refusal(error));
    } else if (doubled) {
      request.fail(new Unavailable('EPROTO', 'the answer cannot be read: a name is in it twice'));
    } else {
      request.succeed(result);
    }
    if (this.#idsLeft === 0 && this.#asked.size === 0) {
      this.#end(new Unavailable('ECLOSED', 'all ids of the connection were used'), []);
    }
  }

  #repeatable() {
    return [...this.#asked.values()].filter((request) => request.mayRepeat && !request.wasRepeated);
  }

  #broke(error) {
    const why = error instanceof Unavailable ? error : new Unavailable(error.code, error.message);
    this.#end(why, this.#isOpen ? this.#repeatable() : []);
  }

  #end(error, again) {
    if (this.#onEnd === null) {
      return;
    }
    const onEnd = this.#onEnd;
    const wasOpen = this.#isOpen;
    this.#onEnd = null;
    this.#isOpen = false;
    this.#socket.destroy();
    const repeated = new Set(again);
    for (const request of this.#asked.values()) {
      if (!repeated.has(request)) {
        request.fail(error);
      }
    }
    this.#asked.clear();
    onEnd(error, again, wasOpen);
  }
}
