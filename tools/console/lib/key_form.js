/* SPDX-License-Identifier: Apache-2.0 */
/* key_form: from what is in the form of a key to the parameters of a call. Pure, and tested by itself. */
import { wrong_network } from './cidr.js';

/* A new form. `bound`: what the key is bound to, 'principal', 'roles' or 'scopes'. `ends` is what <Ends> has; `rotate` seconds, '' without. */
export function empty_form(given = {}) {
	return { bound: 'principal', principal: '', roles: [], scopes: [], at: [], networks: [], environment: '', name: '', label: '', ends: {}, not_before: undefined, rotate: '', ...given };
}

export function form_of(key) {
	return empty_form({
		bound: key.principal !== undefined ? 'principal' : key.roles !== undefined ? 'roles' : 'scopes',
		principal: key.principal || '', roles: key.roles || [], scopes: key.scopes || [], at: key.at || [], networks: key.networks || [],
		environment: key.environment || '', name: key.name || '', label: key.label || '',
		ends: key.expires_at === undefined ? {} : { expires_at: key.expires_at },
		not_before: key.not_before, rotate: key.rotate_every === undefined ? '' : String(key.rotate_every),
	});
}

/* What is wrong with a place, in words; undefined: nothing. The daemon knows the tree, and decides. */
export function wrong_place(text) {
	const found = /^([A-Za-z][\w-]*):(\/.*)$/.exec(text);

	if (!found) {
		return `${text} is not a place: write it as TREE:/path, such as api:/loans/7`;
	}
	if (found[2].includes('*')) {
		return `${text}: a place counts for all below it by itself, without a *`;
	}
	const open = /\{[^}]*\}/.exec(found[2]);
	return open ? `${text}: put a value in the place of ${open[0]}` : undefined;
}

function first_wrong(items, check) {
	return items.map(check).find((why) => why !== undefined);
}

/* {field: why} of what keeps the form from being sent. */
export function problems(form) {
	const wrong = {
		principal: form.bound === 'principal' && form.principal.trim() === '' ? 'Choose whose key it is.' : undefined,
		roles: form.bound === 'roles' && form.roles.length === 0 ? 'Choose one role at least.' : undefined,
		scopes: form.bound === 'scopes' && form.scopes.length === 0 ? 'Choose one scope at least.' : undefined,
		at: first_wrong(form.at, wrong_place),
		networks: first_wrong(form.networks, wrong_network),
	};

	return Object.fromEntries(Object.entries(wrong).filter(([, why]) => why !== undefined));
}

const some = (items) => items.length > 0 ? items : undefined;
const words = (text) => text.trim() === '' ? undefined : text.trim();

/* The parameters of keys.create. */
export function create_params(form, tenant) {
	return {
		tenant,
		principal: form.bound === 'principal' ? form.principal.trim() : undefined,
		roles: form.bound === 'roles' ? form.roles : undefined,
		scopes: some(form.scopes), at: some(form.at), networks: some(form.networks),
		environment: form.environment || undefined, name: words(form.name), label: words(form.label),
		...form.ends, not_before: form.not_before,
		rotate_every: form.rotate === '' ? undefined : Number(form.rotate),
	};
}

function same(a, b) {
	return JSON.stringify(a) === JSON.stringify(b);
}

/* The parameters of keys.update: only what is not as it was; null removes. `now` in Unix seconds. */
export function update_params(key, form, now) {
	const was = form_of(key);
	const params = { id: key.id };

	for (const field of ['name', 'label']) {
		if (form[field].trim() !== was[field]) {
			params[field] = words(form[field]) ?? null;
		}
	}
	if (!same(form.scopes, was.scopes) && form.scopes.length > 0) {
		params.scopes = form.scopes;
	}
	if (!same(form.networks, was.networks)) {
		params.networks = some(form.networks) ?? null;
	}
	if (!same(form.ends, was.ends)) {
		params.expires_at = form.ends.expires_at ?? (form.ends.expires_in === undefined ? null : now + form.ends.expires_in);
	}
	if (form.rotate !== was.rotate) {
		params.rotate_every = form.rotate === '' ? null : Number(form.rotate);
	}
	return params;
}

/* Is there anything to send of update_params()? */
export function is_changed(params) {
	return Object.keys(params).length > 1;
}

/* What the change of a key means for those who use it: sentences. */
export function consequences(key, params) {
	const lost = params.scopes ? (key.scopes || []).filter((scope) => !params.scopes.includes(scope)) : [];

	return [
		lost.length > 0 && `Requests that need ${lost.join(', ')} are denied from now on.`,
		params.scopes && key.scopes === undefined && 'The key is narrowed to these scopes. They can be changed later, not removed.',
		params.networks && 'Requests from other addresses are denied from now on, and so are those without an address.',
		params.networks === null && 'The key counts from every address.',
		params.expires_at === null && 'The key does not end by itself any more.',
		params.rotate_every === null && 'Nobody is reminded to renew the secret any more.',
	].filter(Boolean);
}

/*
 * Of a call that yields a secret: the same request_id as long as the same is asked for, so that an answer that was
 * lost comes again with the same secret. `draw` makes a new id. Returns the function of the parameters to the id.
 */
export function ids_for(draw) {
	let asked = null, id = null;

	return (params) => {
		const text = JSON.stringify(params);
		if (text !== asked) {
			asked = text;
			id = draw();
		}
		return id;
	};
}
