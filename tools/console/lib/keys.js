/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: what the list of keys is narrowed to, as the address says it. Pure, and tested by itself.
 *
 * A query has `search`, `status`, `environment`, `holder`, `label`, `only` (a word of ONLY) and `sort`
 * ("name", or "-name" for the other direction).
 */
import { ordered } from './order.js';
import { MISSING, matches } from './text.js';

const IDLE_DAYS = 90;

/* Of each: does it hold for the key at a time of Unix seconds? */
export const ONLY = {
	endless: { text: 'without expiry', holds: (key) => key.expires_at === undefined },
	expiring: { text: 'expires within 30 days', holds: (key, now) => key.expires_at !== undefined && key.expires_at > now && key.expires_at <= now + 30 * 86400 },
	idle: { text: `not used for ${IDLE_DAYS} days`, holds: (key, now) => (key.last_used_at ?? key.created_at) < now - IDLE_DAYS * 86400 },
	never: { text: 'never used', holds: (key) => key.last_used_at === undefined },
	due: { text: 'rotation is due', holds: (key, now) => key.next_rotation_at !== undefined && key.next_rotation_at <= now },
	rotating: { text: 'two secrets at present', holds: (key) => other_secret(key) !== null },
	marked: { text: 'refused on this host alone', holds: (key) => key.marked !== undefined },
	dangling: { text: MISSING, holds: (key) => is_dangling(key) },
};

/* What the list of all keys leaves out, so that it is asked for by itself. */
const APART = ['deleted', 'altered'];

/* The second secret of the key: {state: 'retiring' | 'pending', until}, or null. */
export function other_secret(key) {
	if (key.retiring_until !== undefined) {
		return { state: 'retiring', until: key.retiring_until };
	}
	return key.pending_until !== undefined ? { state: 'pending', until: key.pending_until } : null;
}

/* In a shared store: what this host alone takes the key for, until the log has it; undefined: nothing else than the others. */
export function mark_of(key) {
	return key.marked === undefined ? undefined : key.marked === 'revoked' ? 'revoked here' : 'off here';
}

/* What the key names that is missing from the policy. */
export function dangling_names(key) {
	return key.dangling || [];
}

export function is_dangling(key) {
	return dangling_names(key).length > 0;
}

/* What the key is bound to: {kind: 'principal' | 'roles' | 'scopes', names}. */
export function holder(key) {
	if (key.principal !== undefined) {
		return { kind: 'principal', names: [key.principal] };
	}
	return key.roles !== undefined ? { kind: 'roles', names: key.roles } : { kind: 'scopes', names: key.scopes || [] };
}

/* The same as the filter says it: a principal's id, `role reader`, `scope loans`. */
export function holder_words(key) {
	const { kind, names } = holder(key);

	return kind === 'principal' ? names : names.map((name) => `${kind === 'roles' ? 'role' : 'scope'} ${name}`);
}

/* What narrows the key beside what it is bound to. */
export function narrowed_by(key) {
	return [...(key.principal !== undefined || key.roles !== undefined ? key.scopes || [] : []), ...(key.at || [])];
}

/* The parameters of keys.list for a query. `is_big`: the list is too long for the page, so the daemon narrows it. */
export function list_params(query, is_big = false) {
	const params = {};

	if (query.status && (is_big || APART.includes(query.status))) {
		params.status = query.status;
	}
	if (is_big && params.status !== 'altered') {
		params.principal = query.holder && !query.holder.includes(' ') ? query.holder : undefined;
		params.label = query.label || undefined;
	}
	return params;
}

export function fits(key, query, now) {
	return (!query.status || APART.includes(query.status) || key.status === query.status)
		&& (!query.environment || key.environment === query.environment)
		&& (!query.holder || holder_words(key).includes(query.holder))
		&& (!query.label || key.label === query.label)
		&& (!ONLY[query.only] || ONLY[query.only].holds(key, now))
		&& matches(query.search || '', `${key.prefix}${key.id}`, key.name, key.label, key.principal, key.tenant, ...(key.roles || []), ...(key.scopes || []), ...(key.at || []));
}

/* The words of the address that narrow the list, beside its search. */
export const NARROWING = ['status', 'holder', 'label', 'environment', 'only'];

/* Is the list narrowed by anything but its order? */
export function is_filtered(query) {
	return ['search', ...NARROWING].some((word) => query[word]);
}

/* {key, down} of the table, from "-name"; and back, undefined for the order that is usual. */
export function sort_of(text, usual) {
	const word = text || usual;

	return word.startsWith('-') ? { key: word.slice(1), down: true } : { key: word, down: false };
}

export function sort_text(sort, usual) {
	const text = `${sort.down ? '-' : ''}${sort.key}`;

	return text === usual ? undefined : text;
}

function in_order(values) {
	return ordered([...new Set(values)], { value: (value) => value });
}

/* The values that a field has among the keys, in their order. */
export function values_of(keys, field) {
	return in_order(keys.map((key) => key[field]).filter((value) => value !== undefined && value !== ''));
}

/* What the keys are bound to, in words, principals first. */
export function holders_of(keys) {
	const all = in_order(keys.flatMap(holder_words));

	return [...all.filter((word) => !word.includes(' ')), ...all.filter((word) => word.includes(' '))];
}
