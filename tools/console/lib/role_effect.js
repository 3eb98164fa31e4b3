/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role_effect: what a role comes to, with all that it inherits: which lines of which roles allow or
 * deny each permission. Pure, and tested by itself.
 */
import { read } from './grants.js';

const MOST_GRANTS = 1024; /* of a role that roles.get gives */

/* The names of the role's ancestors, nearest first; `by_name`: a map from names to records with `inherits`. */
export function ancestors(name, by_name) {
	const found = [], wait = [...(by_name.get(name)?.inherits || [])];

	while (wait.length > 0) {
		const next = wait.shift();

		if (next !== name && !found.includes(next)) {
			found.push(next);
			wait.push(...(by_name.get(next)?.inherits || []));
		}
	}
	return found;
}

/*
 * records: of roles.get, with `grants`. A map from ids of permissions to {allow, deny: names of roles whose lines do so always,
 * allow_when, deny_when: [{role, when}]}; what none of them names has no entry.
 */
export function effect(records, index) {
	const found = new Map();
	const entry = (id) => {
		const known = found.get(id) || { allow: [], deny: [], allow_when: [], deny_when: [] };

		found.set(id, known);
		return known;
	};

	for (const { name, grants = [] } of records) {
		for (const line of read(grants, index).lines) {
			for (const id of line.ids) {
				const one = entry(id), kind = line.deny ? 'deny' : 'allow';

				if (line.when !== null) {
					one[`${kind}_when`].push({ role: name, when: line.when });
				} else if (!one[kind].includes(name)) {
					one[kind].push(name);
				}
			}
		}
	}
	return found;
}

/* How many permissions a role's own grants allow and deny, always or sometimes, as the daemon counts them: {allowed, denied}; undefined
 * where a line is not understood, or lines are left out. */
export function own_counts({ grants = [] }, index) {
	const of = { allowed: new Set(), denied: new Set() };

	for (const line of read(grants, index).lines) {
		if (line.ids.size === 0) {
			return undefined;
		}
		line.ids.forEach((id) => of[line.deny ? 'denied' : 'allowed'].add(id));
	}
	return grants.length >= MOST_GRANTS ? undefined : { allowed: of.allowed.size, denied: of.denied.size };
}

/* What an entry of effect() comes to: 'denied', 'allowed', 'sometimes' or 'none'. */
export function outcome(entry) {
	if (!entry || entry.allow.length + entry.allow_when.length + entry.deny.length + entry.deny_when.length === 0) {
		return 'none';
	}
	if (entry.deny.length > 0) {
		return 'denied';
	}
	if (entry.allow.length > 0) {
		return entry.deny_when.length > 0 ? 'sometimes' : 'allowed';
	}
	return entry.allow_when.length > 0 ? 'sometimes' : 'none';
}
