// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client, Decision, Request } from './index.js';

export interface AuthorizeOptions extends Pick<Request, 'service' | 'environment' | 'tenant' | 'tree'> {
  /** A header, such as X-API-Key, that may have the token beside `Authorization: Bearer`. */
  header?: string;
  /** A cookie that may have it. */
  cookie?: string;
  /** Of WWW-Authenticate; authz unless given. */
  realm?: string;
  /** More fields of the request, such as { ip } where a proxy of your own gives the address. */
  facts?(req: any): Partial<Request> | Promise<Partial<Request>>;
  /** Something before has applied X-HTTP-Method-Override and the like; otherwise a request with one is 400. */
  overrides?: boolean;
  /** A request that is denied as `missing_fact` passes, with that denial in req.authz: its route must ask again,
   *  with the facts that only the application knows, before it does anything. */
  missingPass?: boolean;
  /** Milliseconds for a decision; else the client's. */
  timeout?: number;
}

declare module 'node:http' {
  interface IncomingMessage {
    /** Set by the middleware. */
    authz?: Decision;
  }
}

/** For Express, Connect and a bare http.Server. Goes on only when the daemon allowed the request. */
export function authorize(client: Client, options?: AuthorizeOptions):
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => Promise<void>;
