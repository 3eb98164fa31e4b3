/* SPDX-License-Identifier: Apache-2.0 */
/* findings: what keys.audit found about a key, and what to do. Pure, and tested by itself. */
import { count } from './text.js';

/* Of each: its title on the page of a key, `many` in a list of kinds, and `act`, the action that helps: 'edit', 'rotate' or 'disable'. */
export const FINDINGS = {
	overdue: { tone: 'bad', title: 'Its secret has ended, and was not renewed', many: 'The secret ended and was not renewed', advice: 'Requests with it are denied. Rotate it, and hand out the new secret.', act: 'rotate' },
	due: { tone: 'warn', title: 'Its secret is due to be renewed', many: 'Due to be renewed', advice: 'Its program renews it with keys.renew. Rotate it by hand if the program cannot.', act: 'rotate' },
	expiring: { tone: 'warn', title: 'It expires soon', many: 'Expires within 30 days', advice: 'Give it a later expiry if it is needed still, or hand out another one.', act: 'edit' },
	idle: { tone: 'warn', title: 'It was not used for a long time', many: 'Not used for 90 days', advice: 'Switch it off, and revoke it when nobody has missed it.', act: 'disable' },
	never_used: { tone: 'plain', title: 'It was never used', many: 'Never used', advice: 'Ask its holder whether it is needed; switch it off if nobody knows.', act: 'disable' },
	unused_permissions: { tone: 'plain', title: 'It may do more than it does', many: 'May do more than they do', advice: 'Narrow it to what it uses.', act: 'edit' },
	no_expiry: { tone: 'plain', title: 'It never expires', many: 'Never expires', advice: 'Give it an expiry, so that a secret that leaks does not count for ever.', act: 'edit' },
	old_pepper: { tone: 'warn', title: 'Its secret is hashed with an older pepper', many: 'Hashed with an older pepper', advice: 'A pepper is a secret file that goes into each hash. The key moves to the new one by itself when it is next used. Rotate or revoke a key that nobody uses.', act: 'rotate' },
};

/* [{name, tone, title, advice, act}] of an item of keys.audit, the worst first. */
export function findings_of(item) {
	const order = { bad: 0, warn: 1, plain: 2 };

	return (item?.findings || []).map((name) => {
		const known = FINDINGS[name] || { tone: 'plain', title: name.replace(/_/g, ' '), advice: '' };
		const more = name === 'unused_permissions' && item.narrower?.length > 0 ? ` These scopes would be enough: ${item.narrower.join(', ')}.`
			: name === 'unused_permissions' && item.unused_scopes?.length > 0 ? ` It used nothing of ${item.unused_scopes.join(', ')}.` : '';
		return { name, ...known, advice: `${known.advice}${more}` };
	}).sort((a, b) => order[a.tone] - order[b.tone]);
}

/* "used 3 of 12 permissions", undefined when it is not known */
export function used_words(item) {
	return item?.granted === undefined ? undefined : `${item.used.toLocaleString('en')} of ${count(item.granted, 'permission')} used`;
}
