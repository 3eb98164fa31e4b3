/* SPDX-License-Identifier: Apache-2.0 */
/* person_acts: what is done to a principal with one press. */
import { html } from 'htm/preact';
import { may } from '../lib/api.js';
import { changed } from '../lib/load.js';
import { go } from '../lib/route.js';
import { can_turn } from '../lib/status.js';
import { ask } from '../lib/tenant_calls.js';
import { Status } from '../parts/bits.js';
import { confirm } from '../parts/dialog.js';
import { Switch } from '../parts/form.js';
import { say, say_error } from '../parts/toast.js';

async function turn(one, on) {
	try {
		await ask(on ? 'principals.enable' : 'principals.disable', { id: one.id });
		say(on ? `${one.id} is on: keys and roles count again.` : `${one.id} is off: requests in this name, and with these keys, are denied from now on.`);
	} catch (error) {
		say_error(error);
	}
	changed();
}

/* The switch of a principal that can be on or off, else the status. */
export function PersonSwitch({ one, tab }) {
	const is_on = one.status === 'active';

	if (!can_turn(one)) {
		return html`<${Status} status=${one.status} />`;
	}
	return html`<${Switch} label=${`${one.id} is on`} value=${is_on} tab=${tab}
		disabled=${one.declared || !may(is_on ? 'disable' : 'enable', `/principals/${one.id}`)} set=${(on) => turn(one, on)} />`;
}

export function remove(one) {
	confirm({ title: `Delete ${one.id}?`, action: 'Delete and revoke the keys',
		about: `All keys of ${one.id} are revoked at once and for ever, and all assignments are removed. This cannot be undone. Switch ${one.id} off instead to stop requests for a while.`,
		doing: async () => {
			await ask('principals.delete', { id: one.id });
			say(`${one.id} is deleted, and the keys are revoked.`);
			go('people');
			changed();
		} });
}
