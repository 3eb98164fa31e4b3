// SPDX-License-Identifier: Apache-2.0
export { Client } from './lib/client.js';
export { Decision } from './lib/decision.js';
export { AuthzError, NotEverywhere, Stale, StoreUnavailable, Unavailable } from './lib/errors.js';
export { Plan } from './lib/plan.js';
export { SqlError, where } from './lib/sql.js';
export { defaultSocket, managingSocket } from './lib/socket.js';
