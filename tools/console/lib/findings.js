/* SPDX-License-Identifier: Apache-2.0 */
/* findings: what keys.audit found about a key, and what to do. Pure, and tested by itself. */
import { count } from './text.js';

/* `act`: the action of the page that helps: 'edit', 'rotate', 'disable', 'revoke' or undefined. */
const FINDINGS = {
	never_used: { tone: 'plain', title: 'It was never used', todo: 'Ask its holder whether it is needed; disable it if nobody knows.', act: 'disable' },
	idle: { tone: 'warn', title: 'It was not used for a long time', todo: 'Disable it, and revoke it when nobody has missed it.', act: 'disable' },
	no_expiry: { tone: 'plain', title: 'It never expires', todo: 'Give it an expiry, so that a secret that leaks does not count for ever.', act: 'edit' },
	expiring: { tone: 'warn', title: 'It expires soon', todo: 'Give it a later expiry if it is needed still, or hand out another one.', act: 'edit' },
	old_pepper: { tone: 'warn', title: 'Its hash is made with the old pepper', todo: 'It moves by itself when the key is next used. Rotate or revoke a key that nobody uses.', act: 'rotate' },
	due: { tone: 'warn', title: 'Its secret is due to be renewed', todo: 'Its program renews it with keys.renew. Rotate it by hand if the program cannot.', act: 'rotate' },
	overdue: { tone: 'bad', title: 'Its secret has ended, and was not renewed', todo: 'Requests with it are denied. Rotate it, and hand out the new secret.', act: 'rotate' },
	unused_permissions: { tone: 'plain', title: 'It may do more than it does', todo: 'Narrow it to what it uses.', act: 'edit' },
};

/* [{name, tone, title, todo, act}] of an item of keys.audit, the worst first. */
export function findings_of(item) {
	const order = { bad: 0, warn: 1, plain: 2 };

	return (item?.findings || []).map((name) => {
		const known = FINDINGS[name] || { tone: 'plain', title: name.replace(/_/g, ' '), todo: '' };
		const more = name === 'unused_permissions' && item.narrower?.length > 0 ? ` These scopes would be enough: ${item.narrower.join(', ')}.`
			: name === 'unused_permissions' && item.unused_scopes?.length > 0 ? ` It used nothing of ${item.unused_scopes.join(', ')}.` : '';
		return { name, ...known, todo: `${known.todo}${more}` };
	}).sort((a, b) => order[a.tone] - order[b.tone]);
}

/* "used 3 of 12 permissions", undefined when it is not known */
export function used_words(item) {
	return item?.granted === undefined ? undefined : `${item.used.toLocaleString('en')} of ${count(item.granted, 'permission')} used`;
}
