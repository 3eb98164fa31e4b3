/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: the calls to the program that serves this page, which passes them to the daemon.
 *
 * Who calls is decided there: by the session's cookie, by what a web server before it adds, or by the
 * key that was typed here. That key is kept in this module alone, and is gone with the page.
 */
import { signal } from '@preact/signals';

/* What GET session answered: {mode, version, caller, folder, service}. null: not known yet. */
export const session = signal(null);

/* Why there is no session: an ApiError. null: there is one, or it is not known yet. */
export const signedOut = signal(null);

const PAGE = 1000; /* items of one page of a list: the most that the daemon gives */

let key = null; /* the key that was typed, of mode "team" */

/* An answer that is not a result. `code` is the daemon's; `no_answer` when none came. */
class ApiError extends Error {
	constructor(error, status) {
		super(error.message || `the call failed with status ${status}`);
		this.code = error.code || 'internal';
		this.param = error.param;
		this.ids = error.ids || [];
		this.diagnostics = error.diagnostics || [];
		this.mayStand = error.may_stand === true;
		this.status = status;
	}
}

async function ask(verb, path, body) {
	const headers = { Accept: 'application/json' };

	if (body !== undefined) {
		headers['Content-Type'] = 'application/json';
	}
	if (key !== null) {
		headers.Authorization = `Bearer ${key}`;
	}
	let answer;
	try {
		answer = await fetch(path, {
			method: verb,
			headers,
			body: body === undefined ? undefined : JSON.stringify(body),
			cache: 'no-store',
			credentials: 'same-origin',
			redirect: 'error',
		});
	} catch {
		throw new ApiError({ code: 'no_answer', message: 'the program that serves this page does not answer' }, 0);
	}
	if (answer.status === 204) {
		return null;
	}
	const said = await answer.json().catch(() => ({}));
	if (!answer.ok) {
		const error = new ApiError(said.error || {}, answer.status);

		error.mode = said.mode;
		if (answer.status === 401) {
			signedOut.value = error;
		}
		throw error;
	}
	return said;
}

async function find_session() {
	try {
		session.value = await ask('GET', 'session');
		signedOut.value = null;
	} catch (error) {
		signedOut.value = error;
	}
}

/* Gives the ticket of a one-time link for a session, and takes it out of the address. */
export async function begin() {
	const ticket = /^#[A-Za-z0-9_-]{20,}$/.test(location.hash) ? location.hash.slice(1) : null;

	if (ticket !== null) {
		location.replace('#/');
		try {
			await ask('POST', 'session', { ticket });
		} catch {
			/* A session of an earlier link may hold still. */
		}
	}
	await find_session();
}

/* Asks again with this key, in mode "team". */
export async function sign_in(text) {
	key = text.trim();
	await find_session();
	if (signedOut.value !== null) {
		key = null;
	}
}

export async function sign_out() {
	key = null;
	await ask('DELETE', 'session', {}).catch(() => null);
	session.value = null;
	signedOut.value = new ApiError({ code: 'unauthenticated', message: 'signed out' }, 401);
}

/* Is `id` of a node as declared, "authz:/keys/{key}", the resource? */
function is_below(node, resource) {
	const have = node.split('/'), want = resource.split('/');

	return have.length === want.length
		&& have.every((part, i) => part === want[i] || /^\{.*\}$/.test(part));
}

/* May the caller do the action on a resource of the tree authz:, such as may('rotate', `/keys/${id}`)?
 * The daemon decides each call itself; this is so that the page offers only what will be allowed. */
export function may(action, path) {
	const caller = session.value?.caller;

	if (!caller) {
		return false;
	}
	return caller.everything === true || (caller.items || []).some(
		(item) => item.actions.includes(action) && is_below(item.resource, `authz:${path}`));
}

/* Is the caller a peer of the daemon's socket? Some methods are for these alone, whatever a token may do. */
export function is_peer() {
	return session.value?.caller.actor.startsWith('uid:') === true;
}

/* 32 random hex digits, so that a call that yields a secret can be sent again. */
export function request_id() {
	return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/* Calls a method of the daemon. Resolves to its result, or throws an ApiError. Parameters that are
 * undefined are left out; null removes. */
export async function call(method, params = {}) {
	return (await ask('POST', 'call', { method, params })).result;
}

/* Every item of a list, page after page; `on_page(items so far, done)` is called after each page and
 * may return false to stop. At most `most` items; `more` of the result says whether there are others,
 * and `last` is the last page, with what else the daemon says in it. */
export async function list(method, params = {}, on_page = () => true, most = 50000) {
	let items = [], cursor, page;

	do {
		page = await call(method, { ...params, limit: PAGE, cursor });
		items = items.concat(page.items);
		cursor = page.cursor;
		if (on_page(items, cursor === undefined) === false || items.length >= most) {
			break;
		}
	} while (cursor !== undefined);
	return { items, more: cursor !== undefined, last: page };
}
