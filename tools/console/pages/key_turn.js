/* SPDX-License-Identifier: Apache-2.0 */
/* key_turn: a key is switched on or off with one press. */
import { html } from 'htm/preact';
import { call, may } from '../lib/api.js';
import { can_turn } from '../lib/status.js';
import { now } from '../lib/time.js';
import { Status } from '../parts/bits.js';
import { Switch } from '../parts/form.js';
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

/* The switch of a key that can be on or off, else its status. turn(key, on): the switch was used. */
export function KeySwitch({ of, turn, tab }) {
	const waits = of.not_before !== undefined && of.not_before > now();

	if (!can_turn(of)) {
		return html`<${Status} status=${of.deleted_at !== undefined ? 'deleted' : of.status} />`;
	}
	const is_on = of.status === 'active';
	return html`<${Switch} label=${`Key ${of.name || of.id} is on`} value=${is_on} tab=${tab}
		disabled=${!may(is_on ? 'disable' : 'enable', `/keys/${of.id}`)} set=${(on) => turn(of, on)} word=${!is_on && waits ? 'not yet' : undefined} />`;
}
