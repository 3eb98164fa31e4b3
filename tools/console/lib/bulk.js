/* SPDX-License-Identifier: Apache-2.0 */
/* bulk: one action for many keys: for which it makes sense, and its calls, some at a time. Pure, and tested by itself. */

const AT_ONCE = 6; /* calls that wait for an answer */

/* Errors after which further calls would fail alike. */
const FATAL = ['unauthenticated', 'no_daemon', 'no_answer', 'unknown_method'];

const is_dead = (key) => ['revoked', 'altered'].includes(key.status);
const deleted = (key) => key.deleted_at !== undefined;

/* Of each action: its method, why it is left out for a key (undefined: it is not), and the words of its dialog. */
export const ACTIONS = {
	enable: {
		method: 'keys.enable', text: 'Switch on', past: 'switched on',
		skip: (key) => deleted(key) ? 'it is deleted' : is_dead(key) ? `it is ${key.status}` : key.status === 'active' ? 'it is on already' : key.status === 'expired' ? 'it has expired' : undefined,
		about: 'Requests with these keys are allowed again, as far as their roles and scopes go.',
	},
	disable: {
		method: 'keys.disable', text: 'Switch off', past: 'switched off', danger: true,
		skip: (key) => deleted(key) ? 'it is deleted' : is_dead(key) ? `it is ${key.status}` : key.status === 'inactive' ? 'it is off already' : undefined,
		about: 'Every request with these keys is denied from now on. You can switch them on again at any time.',
	},
	revoke: {
		method: 'keys.revoke', text: 'Revoke', past: 'revoked', danger: true,
		skip: (key) => deleted(key) ? 'it is deleted' : key.status === 'revoked' ? 'it is revoked already' : undefined,
		about: 'Every request with these keys is denied from now on, for ever. This cannot be undone: a program that needs one gets a new key.',
	},
	delete: {
		method: 'keys.delete', text: 'Delete', past: 'deleted', danger: true,
		skip: (key) => deleted(key) ? 'it is deleted already' : key.status === 'altered' ? 'it is altered: revoke or purge it' : undefined,
		about: 'Every request with these keys is denied from now on, and they leave the list. For 30 days you can restore them; then they are gone, with the record of their use.',
	},
	restore: {
		method: 'keys.restore', text: 'Restore', past: 'restored',
		skip: (key) => deleted(key) ? undefined : 'it is not deleted',
		about: 'These keys are in the list again, switched off. Those that were revoked stay revoked.',
	},
	purge: {
		method: 'keys.purge', text: 'Purge', past: 'purged', danger: true,
		skip: (key) => deleted(key) || key.status === 'altered' ? undefined : 'it is not deleted',
		about: 'These keys and the record of their use are removed now. This cannot be undone; the audit trail keeps what was done with them.',
	},
};

/* {chosen: the keys that the action is for, skipped: [{key, why}]}. may(action, path): has the caller the right? */
export function plan(action, keys, may = () => true) {
	const chosen = [], skipped = [];

	for (const key of keys) {
		const why = ACTIONS[action].skip(key) || (may(action === 'purge' ? 'delete' : action, `/keys/${key.id}`) ? undefined : 'you may not');
		if (why === undefined) {
			chosen.push(key);
		} else {
			skipped.push({ key, why });
		}
	}
	return { chosen, skipped };
}

/*
 * Calls run(key) for all, some at a time. on_step({done: [{key, result}], failed: [{key, error}], left}) comes after each answer.
 * is_stopped() ends it before the next call. Resolves to the last step.
 */
export async function run_all(keys, run, on_step = () => {}, is_stopped = () => false) {
	const done = [], failed = [];
	let next = 0, is_fatal = false;
	const step = () => ({ done, failed, left: keys.length - done.length - failed.length });
	const work = async () => {
		while (next < keys.length && !is_fatal && !is_stopped()) {
			const key = keys[next++];
			try {
				done.push({ key, result: await run(key) });
			} catch (error) {
				failed.push({ key, error });
				is_fatal = is_fatal || FATAL.includes(error.code);
			}
			on_step(step());
		}
	};

	await Promise.all(Array.from({ length: Math.min(AT_ONCE, keys.length) }, work));
	return step();
}
