// SPDX-License-Identifier: Apache-2.0

// The daemon answered with an error. `code` is one of PROTOCOL.md; one that is unknown means `internal`.
export class AuthzError extends Error {
  constructor({ code, message, param, ids, diagnostics, may_stand: mayStand }) {
    super(message);
    this.name = 'AuthzError';
    this.code = code;
    this.param = param;
    this.ids = ids;
    this.diagnostics = diagnostics;
    this.mayStand = mayStand === true;
  }
}

// This host of a store that several hosts share knows nothing recent enough. Nothing was changed.
export class Stale extends AuthzError {
  constructor(error) {
    super(error);
    this.name = 'Stale';
  }
}

// The database of a shared store does not answer. With `mayStand` the change may have been made.
export class StoreUnavailable extends AuthzError {
  constructor(error) {
    super(error);
    this.name = 'StoreUnavailable';
  }
}

const KINDS = { stale: Stale, unavailable: StoreUnavailable };

// The daemon's error, as one of these.
export function refusal(error) {
  const Kind = Object.hasOwn(KINDS, error.code) ? KINDS[error.code] : AuthzError;
  return new Kind(error);
}

// A change with `everywhere` was made and is durable, but not all hosts reported it in time. `result` is
// what the call gives otherwise, and `lacking` names the hosts.
export class NotEverywhere extends Error {
  constructor(result) {
    super('the change is made, but some hosts may lack it');
    this.name = 'NotEverywhere';
    this.result = result;
    this.lacking = result.lacking ?? [];
  }
}

// There is no answer that can be trusted: no daemon, none before the deadline, or one that cannot be
// read. A change may or may not have been made. `code` is the system's, such as ECONNREFUSED, or one of
// ETIMEDOUT (the deadline), EPROTO (unreadable), EPEER (not a trusted user's socket), ECLOSED, ELIMIT.
export class Unavailable extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'Unavailable';
    this.code = code;
  }
}
