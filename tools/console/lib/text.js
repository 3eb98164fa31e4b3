/* SPDX-License-Identifier: Apache-2.0 */
/* text: words around what the daemon says. */

/* "1 key", "2 keys"; the word's own plural if it is not with an s */
export function count(number, word, plural = `${word}s`) {
	return `${number.toLocaleString('en')} ${number === 1 ? word : plural}`;
}

/* Of a key or a role that names a role, a scope, a place or a permission that the policy does not have. */
export const MISSING = 'names what is missing from the policy';

/* Who declares a role or a principal, in the same words everywhere. */
export function source_of({ declared }) {
	return declared ? 'the files' : 'the store';
}

/* Is every word of the search somewhere in the texts, whatever their case? */
export function matches(search, ...texts) {
	const all = texts.filter((text) => text !== undefined && text !== null).join('\u0000').toLowerCase();

	return search.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}

/* The text with each token in it cut after the key's id, as a token is shown. Somebody who looks for the
 * key of a token pastes the token, and what is looked for is in the address. */
export function without_secrets(text) {
	return text.replace(/(?<=1[0-9A-Za-z]{11})_[0-9A-Za-z]{32,}/g, '');
}

/* The id in what was given as a key's: the id, or the token, whole or as it is shown. */
export function key_id(text) {
	const cut = without_secrets(text.trim());

	return /(?:^|_)(1[0-9A-Za-z]{11})$/.exec(cut)?.[1] ?? cut;
}

/* What a person should do after an error, by its code. */
export const ADVICE = {
	unauthenticated: 'Sign in again.',
	forbidden: 'Ask somebody who may, or use a key whose role allows it.',
	not_found: 'It may have been removed meanwhile: load the list again.',
	conflict: 'Load it again, and look at what has changed.',
	limit_reached: 'Revoke or remove one of those that count, or raise the limit in the policy.',
	invalid_request: 'Correct the value that is named.',
	invalid_policy: 'Correct the policy; the daemon keeps the one that it has.',
	overloaded: 'Nothing was changed. Try again in a moment.',
	stale: 'This host of the shared store lacks changes. Try again in a moment, or ask another host.',
	unavailable: 'The shared store\u2019s database does not answer.',
	no_daemon: 'Is authzd running? See authzcheck status.',
	no_answer: 'Is authzcheck console still running in its terminal, or authz-http?',
	unknown_method: 'This daemon is older than this page.',
	internal: 'The daemon\u2019s log says more.',
};

/* What a decision's reason means, for people. */
export const REASONS = {
	ok: 'allowed',
	malformed_token: 'the token is not of a token\u2019s form',
	unknown_key: 'there is no such key, or its secret is wrong',
	revoked_key: 'the key is revoked',
	inactive_key: 'the key is switched off, or not valid yet',
	expired_key: 'the key has expired',
	unknown_principal: 'there is no such principal',
	inactive_principal: 'the principal is switched off, or may hold no keys',
	inactive_tenant: 'the tenant is switched off',
	wrong_environment: 'the key is of another environment',
	wrong_tenant: 'the key is of another tenant',
	unknown_service: 'the policy has no such service',
	missing_token: 'no token was given',
	no_decision: 'no module decided',
	malformed_path: 'the path is not well-formed',
	unknown_resource: 'the policy has no such resource',
	unknown_action: 'the resource has no such action',
	network: 'the address is not in an allowed network',
	hours: 'outside of the hours',
	mfa: 'the second factor is missing or too old',
	quota: 'a quota is used up',
	denied: 'a rule denies it',
	scope: 'the key\u2019s scopes do not allow it',
	role: 'no role allows it',
	missing_fact: 'a fact that a condition reads was not given',
	stale: 'this host knows nothing recent enough',
	dead_secret: 'the secret has ended',
	module_error: 'a module failed',
	not_trusted: 'the caller may not state this',
};
