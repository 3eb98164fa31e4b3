// SPDX-License-Identifier: Apache-2.0

// The daemon answered with an error. `code` is one of PROTOCOL.md; one that is unknown means `internal`.
export class AuthzError extends Error {
  constructor({ code, message, param, ids, diagnostics }) {
    super(message);
    this.name = 'AuthzError';
    this.code = code;
    this.param = param;
    this.ids = ids;
    this.diagnostics = diagnostics;
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
