// SPDX-License-Identifier: Apache-2.0
// Names of fields are those of daemon/PROTOCOL.md, which says what each means.

export interface ClientOptions {
  /** The socket's path. Without it: that of the protocol, "Where the daemon is". */
  socket?: string;
  /** Milliseconds that each call has, connecting included; 1000 unless given. */
  timeout?: number;
  /** The daemon's user, a number or a name of /etc/passwd, to trust in addition; else $AUTHZ_SERVER_USER. */
  serverUser?: number | string;
  /** What calls that manage present; without it they are the process's own. */
  token?: string;
}

export interface CallOptions {
  /** Milliseconds that this call has. */
  timeout?: number;
}

/** Unix seconds; a Date is sent as such. */
export type Time = number | Date;

/** A value of a fact that the policy declares; null: as if it were not there. A number is an integer. */
export type Fact = string | number | boolean | Date | readonly string[] | ReadonlySet<string> | null;
/** By their names, such as `resource.owner`. */
export type Facts = Record<string, Fact | undefined>;

export interface Request {
  token?: string;
  /** From a trusted peer: a principal that it has authenticated itself. */
  principal?: string;
  method?: string;
  /** As the client sent it, such as Express's `req.originalUrl`. */
  path?: string;
  tree?: string;
  action?: string;
  resource?: string;
  service?: string;
  environment?: string;
  tenant?: string;
  ip?: string;
  mfa_at?: Time;
  time?: Time;
  explain?: boolean;
  /** What the policy's conditions ask for. `principal.*` is for trusted peers. */
  facts?: Facts;
  /** Facts that the policy does not declare are ignored; for gateways. */
  undeclared?: 'ignore';
  /** Of several hosts that share a store, one that has this change decides; see `Client.asOf`. */
  as_of?: string;
}

export interface Quota {
  limit: number;
  remaining: number;
  /** Seconds from now. */
  reset: number;
}

/** Frozen. An object is always true in JavaScript: ask `allow`, or use `Client.allowed`. */
export class Decision {
  private constructor();
  readonly allow: boolean;
  /** The status for an HTTP server. */
  readonly status: number;
  readonly reason: string;
  readonly revision?: string;
  readonly key?: string;
  readonly principal?: string;
  readonly tenant?: string;
  readonly environment?: string;
  readonly renew?: boolean;
  readonly renew_by?: number;
  readonly quota?: Quota;
  readonly fact?: string;
  /** Of reason `missing_fact`: the facts by whose absence it could not be decided. */
  readonly missing?: readonly string[];
  readonly explain?: unknown;
}

/** A request whose `path` or `resource` may be a node as declared: `bookings:/bookings/{booking}`. */
export type PlanRequest = Omit<Request, 'explain'>;

/** Nested arrays; daemon/PROTOCOL.md, `plan`. Integers that a number cannot hold are bigints. */
export type Tree = readonly [name: string, ...parts: readonly (Tree | Operand)[]];
export type Operand = readonly [kind: string, ...parts: readonly unknown[]];

interface PlanFields {
  readonly revision: string;
  /** As declared. */
  readonly node?: string;
  /** Facts that were not given, and without which the plan has less in it. */
  readonly missing: readonly string[];
  /** For an HTTP server: 200, or that of `reason`. */
  readonly status: number;
}

/** Of which resources a request would be allowed. Frozen, and always true: compare `plan`. */
export type Plan = PlanFields & (
  | { readonly plan: 'always' }
  | { readonly plan: 'never'; readonly reason: string }
  | { readonly plan: 'when'; /** The condition as text. */ readonly when: string; readonly tree: Tree });
export const Plan: { new (result: never): Plan };

export type Dialect = 'postgresql' | 'mysql' | 'mariadb' | 'sqlite';

export interface Where {
  /** What follows WHERE, in parentheses. */
  text: string;
  /** In the order of their placeholders; booleans in PostgreSQL alone. */
  parameters: (string | number | bigint | boolean)[];
}

export interface WhereOptions {
  /** `$1` in PostgreSQL and `?` in the others, unless given. */
  placeholder?: '$1' | '?' | '%s';
  /** With `$1`, the number of the first parameter. */
  first?: number;
}

/**
 * The condition of a plan. `columns` has for each fact, such as `resource.owner`, and for each parameter, such as
 * `{booking}`, the SQL expression that yields what the program would send; it goes into the text as it is.
 * Throws SqlError.
 */
export function where(plan: Plan, columns: Record<string, string>, dialect: Dialect, options?: WhereOptions): Where;

/** A fact without a column, addresses outside of PostgreSQL, or a comparison that this version does not know. */
export class SqlError extends Error {}

/** The daemon answered with an error. */
export class AuthzError extends Error {
  private constructor();
  readonly code: string;
  readonly param?: string;
  readonly ids?: string[];
  readonly diagnostics?: unknown[];
  /** Of `unavailable`: the change may have been made. */
  readonly mayStand: boolean;
}

/** This host of a store that several hosts share knows nothing recent enough. Nothing was changed. */
export class Stale extends AuthzError {}

/** The database of a shared store does not answer. With `mayStand` the change may have been made. */
export class StoreUnavailable extends AuthzError {}

/** A change with `everywhere` was made and is durable, but not all hosts reported it in time. */
export class NotEverywhere extends Error {
  private constructor();
  /** What the call gives otherwise. */
  readonly result: Entry;
  /** Names of the hosts that may lack it. */
  readonly lacking: string[];
}

/** No answer that can be trusted came in time. A change may or may not have been made. */
export class Unavailable extends Error {
  private constructor();
  /** ETIMEDOUT, ECLOSED, EPROTO, EPEER, ELIMIT, or the system's, such as ECONNREFUSED. */
  readonly code: string;
}

export type Params = Record<string, unknown>;
/** A record as PROTOCOL.md describes it. */
export type Entry = Record<string, any>;

export interface Key extends Entry {
  id: string;
  status: string;
  name?: string;
  prefix?: string;
  expires_at?: number;
  last_used_at?: number;
  /** Of `keys.get`: the use by day (UTC), oldest first. */
  days?: { day: number; uses: number; denials: number }[];
  /** Of a change in a shared store: its place, for `Client.asOf`. */
  as_of?: string;
}

/** The key's record; its secret is in no log, JSON or copy of it. */
export interface KeyWithSecret extends Key {
  /** The secret, this once. */
  readonly api_key: string;
  /** The same, by its name in the protocol. */
  readonly secret: string;
}

export interface Page<T> extends Entry {
  data: T[];
  cursor?: string;
}

/** `await` gives the first page, `for await` the items of all pages. */
export interface List<T> extends PromiseLike<Page<T>>, AsyncIterable<T> {
  catch<U>(reject: (error: unknown) => U | PromiseLike<U>): Promise<Page<T> | U>;
  finally(settle: () => void): Promise<Page<T>>;
}

export interface NewKey extends Params {
  name?: string;
  label?: string;
  principal?: string;
  /** A list, or text with commas; so are `scopes` and `networks`. */
  roles?: string[] | string;
  scopes?: string[] | string;
  networks?: string[] | string;
  at?: string[];
  expires_in?: number | string;
  expires_in_days?: number;
  expires_at?: Time;
  /** In a store that several hosts share: settle when no host goes by what was before; else NotEverywhere. */
  everywhere?: boolean;
}

type ById<T> = (id: string, params?: Params, options?: CallOptions) => Promise<T>;
type Make<P, T> = (params: P, options?: CallOptions) => Promise<T>;
type All<T> = (params?: Params, options?: CallOptions) => List<T>;

export class Client {
  /** Does not connect: the first call does. */
  constructor(options?: ClientOptions | string);
  readonly socket: string;

  /** A client on the same connections whose calls are answered by a host that has the change at this place. */
  asOf(place: string | undefined): Client;

  /** Rejects with AuthzError or Unavailable when there is no decision. */
  check(request: Request, options?: CallOptions): Promise<Decision>;
  /** The same as check. */
  authorize(request: Request, options?: CallOptions): Promise<Decision>;
  /** True only when the daemon allowed it; false on every error. Never rejects. */
  allowed(request: Request, options?: CallOptions): Promise<boolean>;
  /** All in one message, by one revision of the policy. `shared` applies to each that does not set it. */
  authorizeMany(requests: Request[], shared?: Request, options?: CallOptions): Promise<Decision[]>;
  /** Of which resources of a node the request would be allowed; `where` makes the condition of a query of it. */
  plan(request: PlanRequest, options?: CallOptions): Promise<Plan>;
  /** An item with `when` is allowed only on that condition, a text; one without it, always. */
  permissions(params: Params, options?: CallOptions): List<{ resource: string; actions: string[]; when?: string }>;
  status(options?: CallOptions): Promise<Entry>;
  /** Any method of the protocol. */
  call(method: string, params?: Params, options?: CallOptions): Promise<any>;
  /** Any method whose result has items and a cursor. */
  list(method: string, params?: Params, options?: CallOptions): List<Entry>;
  /** Ends the connections. What is outstanding fails; a later call connects again. */
  close(): void;

  readonly keys: {
    create: Make<NewKey, KeyWithSecret>;
    rotate: ById<KeyWithSecret>;
    renew(token: string, params?: Params, options?: CallOptions): Promise<KeyWithSecret>;
    get: ById<Key>;
    list: All<Key>;
    update: ById<Key>;
    finish: ById<Key>;
    rollback: ById<Key>;
    prolong: ById<Key>;
    disable: ById<Key>;
    enable: ById<Key>;
    revoke: ById<Key>;
    delete: ById<Key>;
    restore: ById<Key>;
    purge: ById<Entry>;
    import: Make<Params, Key>;
    audit: All<Entry>;
  };
  readonly principals: {
    create: Make<Params, Entry>;
    get: ById<Entry>;
    list: All<Entry>;
    update: ById<Entry>;
    enable: ById<Entry>;
    disable: ById<Entry>;
    delete: ById<Entry>;
  };
  readonly roles: {
    create: Make<Params, Entry>;
    get: ById<Entry>;
    list: All<Entry>;
    update: ById<Entry>;
    delete: ById<Entry>;
  };
  readonly assignments: { create: Make<Params, Entry>; delete: Make<Params, Entry>; list: All<Entry> };
  readonly tenants: { create: Make<Params, Entry>; enable: ById<Entry>; disable: ById<Entry>; list: All<Entry> };
  readonly audit: { list: All<Entry>; verify: All<Entry> };
  readonly policy: {
    names(params?: Params, options?: CallOptions): Promise<Entry>;
    status(params?: Params, options?: CallOptions): Promise<Entry>;
    reload(params?: Params, options?: CallOptions): Promise<Entry>;
    tree: All<Entry>;
  };
}

/** Where decisions are asked for, and where is managed without a token, when no path is given. */
export function defaultSocket(): string;
export function managingSocket(): string;
