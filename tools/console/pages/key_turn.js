/* SPDX-License-Identifier: Apache-2.0 */
/* key_turn: a key is switched on or off with one press. */
import { call } from '../lib/api.js';
import { say, say_error } from '../parts/toast.js';

/* The record as it is now; undefined if it could not be done, which was said. */
export async function turn(key, on) {
	try {
		const record = await call(on ? 'keys.enable' : 'keys.disable', { id: key.id });

		say(on ? `Key ${key.name || key.id} is on.` : `Key ${key.name || key.id} is off: requests with it are denied from now on.`);
		return record;
	} catch (error) {
		say_error(error);
		return undefined;
	}
}
