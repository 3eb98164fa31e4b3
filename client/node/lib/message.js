// SPDX-License-Identifier: Apache-2.0

// Requests and answers in bytes. @msgpack/msgpack packs and unpacks them; it neither says where a value
// ends before it has read all of it, nor whether a map had a name twice. Answers does that.

import { Decoder, Encoder } from '@msgpack/msgpack';
import { Unavailable } from './errors.js';

const REQUEST_MAX = 256 * 1024; // bytes, as the daemon takes them
const ANSWER_MAX = 4 * 1024 * 1024; // bytes, as the daemon sends them
const DEPTH_MAX = 16; // of an answer
const FIRST_ROOM = 4096; // bytes; most answers are shorter

const encoder = new Encoder({ ignoreUndefined: true, maxDepth: DEPTH_MAX });
const decoder = new Decoder();
const wideDecoder = new Decoder({ useBigInt64: true });

// A date is a time: an integer of Unix seconds. A Set is a list.
function plainValue(value) {
  if (value instanceof Date) {
    return Math.floor(value.getTime() / 1000);
  }
  return value instanceof Set ? [...value] : value;
}

const plainMap = (map) =>
  Object.fromEntries(Object.entries(map).map(([name, value]) => [name, plainValue(value)]));
const isMap = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const isPlain = (value) => !(value instanceof Date || value instanceof Set);

// The facts of a request, and the entries of authorize_many with theirs, are looked into too.
function plain(params) {
  const { facts, requests } = params;
  if (facts === undefined && requests === undefined && Object.values(params).every(isPlain)) {
    return params;
  }
  const out = plainMap(params);
  if (isMap(facts)) {
    out.facts = plainMap(facts);
  }
  if (Array.isArray(requests)) {
    out.requests = requests.map((entry) => (isMap(entry) ? plain(entry) : entry));
  }
  return out;
}

// Throws TypeError for what cannot be packed. A message of the packer could repeat a secret.
export function packRequest(id, method, params) {
  let bytes;
  try {
    bytes = encoder.encode([0, id, method, [plain(params)]]);
  } catch {
    throw new TypeError(`the parameters of ${method} have a value that is neither text, integer, ` +
      'boolean, list nor map, or are nested too deep');
  }
  if (bytes.length > REQUEST_MAX) {
    throw new TypeError(`the parameters of ${method} are larger than ${REQUEST_MAX} bytes`);
  }
  return bytes;
}

// An integer of eight bytes is a number where a number is exact.
function narrow(value) {
  if (typeof value === 'bigint') {
    return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (Array.isArray(value)) {
    return value.map(narrow);
  }
  return isMap(value) && !(value instanceof Uint8Array)
    ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, narrow(item)])) : value;
}

const unreadable = (why) => new Unavailable('EPROTO', `the answer cannot be read: ${why}`);

// The width of the length, and the bytes of a type beside it, of types with a length.
const WITH_LENGTH = { 0xc4: [1, 0], 0xc5: [2, 0], 0xc6: [4, 0], 0xc7: [1, 1], 0xc8: [2, 1], 0xc9: [4, 1],
  0xd9: [1, 0], 0xda: [2, 0], 0xdb: [4, 0] };
const WITH_COUNT = { 0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4 };
const FIXED = { 0xca: 4, 0xcb: 8, 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8,
  0xd4: 2, 0xd5: 3, 0xd6: 5, 0xd7: 9, 0xd8: 17 };

function countPairs(value) {
  let pairs = 0;
  if (Array.isArray(value)) {
    for (const item of value) {
      pairs += countPairs(item);
    }
  } else if (value !== null && typeof value === 'object' && !(value instanceof Uint8Array)) {
    for (const item of Object.values(value)) {
      pairs += 1 + countPairs(item);
    }
  }
  return pairs;
}

// Takes the bytes of a connection as they come, and gives whole answers.
export class Answers {
  #room = Buffer.alloc(FIRST_ROOM);
  #held = 0; // bytes in the room
  #at = 0; // up to which the present value was looked at; past `held` when text is not all there
  #open = [1]; // values that are still to come, in the value and in each array or map around it
  #pairs = 0;
  #isWide = false; // it has an integer of eight bytes

  // {id, error, result, doubled} of each whole answer. Throws Unavailable for bytes that are not an answer.
  * push(bytes) {
    this.#add(bytes);
    while (this.#isWhole()) {
      yield this.#take();
    }
  }

  #add(bytes) {
    if (this.#held + bytes.length > this.#room.length) {
      const larger = Buffer.alloc(2 * (this.#held + bytes.length));
      this.#room.copy(larger, 0, 0, this.#held);
      this.#room.fill(0);
      this.#room = larger;
    }
    bytes.copy(this.#room, this.#held);
    this.#held += bytes.length;
  }

  // [size of the head, size of what follows it, values in it] of a value whose first byte is at `at` and says only how
  // long its length is; null when its head is not all there.
  #shape(byte, at) {
    if (byte in FIXED) {
      this.#isWide ||= byte === 0xcf || byte === 0xd3;
      return [1, FIXED[byte], 0];
    }
    const [width, beside] = WITH_LENGTH[byte] ?? [WITH_COUNT[byte], 0];
    if (width === undefined) {
      throw unreadable('a byte is no MessagePack');
    }
    if (at + 1 + width > this.#held) {
      return null;
    }
    const number = this.#room.readUIntBE(at + 1, width);
    if (byte in WITH_LENGTH) {
      return [1 + width + beside, number, 0];
    }
    this.#pairs += byte >= 0xde ? number : 0;
    return [1 + width, 0, byte >= 0xde ? 2 * number : number];
  }

  #isWhole() {
    const open = this.#open;
    while (open.length > 0) {
      const at = this.#at;
      if (at >= this.#held) {
        return false;
      }
      const byte = this.#room[at];
      let head = 1;
      let size = 0;
      let values = 0;
      if (byte >= 0x80 && byte <= 0x8f) {
        values = 2 * (byte & 15);
        this.#pairs += byte & 15;
      } else if (byte >= 0x90 && byte <= 0x9f) {
        values = byte & 15;
      } else if (byte >= 0xa0 && byte <= 0xbf) {
        size = byte & 31;
      } else if (byte > 0xc0 && byte < 0xe0 && byte !== 0xc2 && byte !== 0xc3) {
        const found = this.#shape(byte, at);
        if (found === null) {
          return false;
        }
        [head, size, values] = found;
      }
      this.#at = at + head + size;
      this.#enter(open, values);
    }
    return this.#at <= this.#held;
  }

  // Counts a value, and what is open with it.
  #enter(open, values) {
    open[open.length - 1] -= 1;
    if (values > 0) {
      open.push(values);
    }
    // Each value has one byte at least.
    if (open.length > DEPTH_MAX + 1 || this.#at + values > ANSWER_MAX) {
      throw unreadable('it is too large or too deep');
    }
    while (open.length > 0 && open[open.length - 1] === 0) {
      open.pop();
    }
  }

  #take() {
    const bytes = Buffer.from(this.#room.subarray(0, this.#at)); // what is unpacked may refer to it
    const pairs = this.#pairs;
    let message;
    try {
      message = this.#isWide ? narrow(wideDecoder.decode(bytes)) : decoder.decode(bytes);
    } catch {
      throw unreadable('a name is not text');
    }
    this.#room.copyWithin(0, this.#at, this.#held);
    this.#room.fill(0, this.#held - this.#at, this.#held);
    this.#held -= this.#at;
    this.#at = 0;
    this.#open = [1];
    this.#pairs = 0;
    this.#isWide = false;
    return this.#check(message, pairs);
  }

  #check(message, pairs) {
    if (!Array.isArray(message) || message.length !== 4 || message[0] !== 1) {
      throw unreadable('it is not an answer');
    }
    const [, id, error, result] = message;
    if (id !== null && (!Number.isInteger(id) || id < 0)) {
      throw unreadable('its id is not a number');
    }
    if (error !== null && (typeof error !== 'object' || typeof error.code !== 'string' || result !== null)) {
      throw unreadable('its error is not one');
    }
    return { id, error, result, doubled: countPairs(message) !== pairs };
  }
}
