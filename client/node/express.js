// SPDX-License-Identifier: Apache-2.0

// Middleware for Express, Connect and a bare http.Server, and a hook for Fastify: asks the daemon before a
// request goes on, and answers a denial itself. README.md says how.

import { STATUS_CODES } from 'node:http';

const RETRY_SECONDS = 1; // after which a daemon that restarted answers again
// With these an application may route by another method than the one that was decided.
const OVERRIDES = ['x-http-method', 'x-http-method-override', 'x-method-override'];
const BEARER = /^bearer(?: +(.*))?$/i;

// An absolute target, as a request to a proxy has it. Express and Connect route by its path. One that they
// may read otherwise goes to the daemon as it is, which refuses it: with a user, a backslash, a space.
const ABSOLUTE = /^https?:\/\/[\w.:[\]-]+(?=(?:[/?][!-[\]-~]*)?$)/i;

function pathOf(req) {
  const target = req.originalUrl ?? req.url;
  if (!ABSOLUTE.test(target)) {
    return target;
  }
  const rest = target.replace(ABSOLUTE, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

// Every value of a header: Node's `headers` leaves out the second Authorization.
function valuesOf(req, name) {
  const found = [];
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    if (req.rawHeaders[at].toLowerCase() === name) {
      found.push(req.rawHeaders[at + 1]);
    }
  }
  return found;
}

function cookiesOf(req, name) {
  return valuesOf(req, 'cookie').flatMap((value) => value.split(';'))
    .map((pair) => pair.trim()).filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

// Every token of the request that differs from the others. Never one of the query, which ends in logs.
function tokensOf(req, { header, cookie }) {
  // An empty one is a token too, though not a good one.
  const found = valuesOf(req, 'authorization').map((value) => BEARER.exec(value))
    .filter((match) => match !== null).map((match) => match[1] ?? '');
  if (header !== undefined) {
    found.push(...valuesOf(req, header.toLowerCase()));
  }
  if (cookie !== undefined) {
    found.push(...cookiesOf(req, cookie));
  }
  return [...new Set(found)];
}

// RFC 9457. Why a token is not accepted is nothing for its holder.
function answer(res, status, reason, headers = {}) {
  const problem = { type: 'about:blank', title: STATUS_CODES[status], status };
  const body = JSON.stringify(status === 401 || status === 503 ? problem : { ...problem, reason });
  res.statusCode = status;
  for (const [name, value] of Object.entries(headers)) {
    res.setHeader(name, value);
  }
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', 'application/problem+json');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

function headersOf(status, { quota }, hasToken, realm) {
  if (status === 401) {
    return { 'WWW-Authenticate': `Bearer realm="${realm}"${hasToken ? ', error="invalid_token"' : ''}` };
  }
  if (status === 429 && quota !== undefined) {
    return { 'Retry-After': String(quota.reset), RateLimit: `"default";r=${quota.remaining};t=${quota.reset}` };
  }
  return status === 503 ? { 'Retry-After': String(RETRY_SECONDS) } : {};
}

function deny(res, decision, hasToken, realm) {
  const { status } = decision;
  const stale = status === 503 && decision.reason === 'stale';
  const sent = stale || (status >= 400 && status < 500 && status in STATUS_CODES) ? status : 403;
  answer(res, sent, decision.reason, headersOf(sent, decision, hasToken, realm));
}

// options: service, environment, tenant and tree as in a request; header or cookie that may have the token;
// realm; facts(req), which gives more fields of the request; timeout; overrides: something before has applied
// X-HTTP-Method-Override and the like, otherwise a request with one is answered 400; missingPass: what is denied
// because facts are missing passes, and the route asks again.
export function authorize(client, options = {}) {
  const { service, environment, tenant, tree, realm = 'authz', facts = () => ({}), timeout, overrides, missingPass } = options;
  if (!/^[\w .:/-]*$/.test(realm)) {
    throw new TypeError('realm may have letters, digits, spaces and . : / - only');
  }
  // A module can give any reason, but no names of facts.
  const passes = ({ allow, reason, missing }) => allow === true
    || (missingPass === true && reason === 'missing_fact' && missing?.length > 0);
  async function decide(req, tokens) {
    if (overrides !== true && OVERRIDES.some((name) => name in req.headers)) {
      return { allow: false, status: 400, reason: 'method_override' };
    }
    if (tokens.length > 1) {
      return { allow: false, status: 401, reason: 'malformed_token' };
    }
    return client.check({ ...await facts(req), service, environment, tenant, tree, token: tokens[0],
      method: req.method, path: pathOf(req) }, { timeout });
  }
  return async function authz(req, res, next) {
    let decision;
    try {
      const tokens = tokensOf(req, options);
      decision = await decide(req, tokens);
      req.authz = decision;
      if (!passes(decision)) {
        deny(res, decision, tokens.length > 0, realm);
        return;
      }
    } catch {
      answer(res, 503, 'unavailable', { 'Retry-After': String(RETRY_SECONDS) });
      return;
    }
    next();
  };
}
