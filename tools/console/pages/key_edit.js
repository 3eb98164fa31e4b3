/* SPDX-License-Identifier: Apache-2.0 */
/* key_edit: the dialog that changes a key: all that may change of it but its secret and its status. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { call } from '../lib/api.js';
import { consequences, form_of, is_changed, problems, update_params } from '../lib/key_form.js';
import { changed } from '../lib/load.js';
import { now } from '../lib/time.js';
import { Form } from '../parts/dialog.js';
import { say } from '../parts/toast.js';
import { Expiry, Names, Networks, Schedule, Scopes, usePolicyNames } from './key_fields.js';

export function KeyEdit({ record, close }) {
	const names = usePolicyNames();
	const [form, set_form] = useState(() => form_of(record));
	const set = (part) => set_form((was) => ({ ...was, ...part }));
	const params = update_params(record, form, now());
	const own = problems(form);
	const needs_one = record.scopes !== undefined && form.scopes.length === 0;
	const send = async () => {
		await call('keys.update', params);
		say(`Key ${record.id} is changed.`);
		changed();
		close();
	};

	return html`<${Form} title=${`Edit ${record.name || record.id}`} about="The principal or the roles, the places and the environment of a key cannot be changed: create another key instead."
		action="Save" send=${send} close=${close} disabled=${!is_changed(params) || Object.keys(own).length > 0 || needs_one}>${(told) => {
		const wrong = (name) => told(name) || own[name];
		return html`
		<${Names} form=${form} set=${set} wrong=${wrong} />
		<${Scopes} label=${record.principal || record.roles ? 'Only these scopes' : 'Scopes'} form=${form} set=${set} names=${names}
			hint=${record.scopes === undefined ? 'None: all that its holder may.' : undefined} wrong=${needs_one ? 'One scope at least. To take everything away, switch the key off.' : wrong('scopes')} />
		<${Networks} form=${form} set=${set} wrong=${wrong} />
		<div class="pair"><${Expiry} form=${form} set=${set} wrong=${wrong} unset="never" />
			<${Schedule} form=${form} set=${set} wrong=${wrong} /></div>
		${consequences(record, params).map((text) => html`<p class="box" key=${text}>${text}</p>`)}`;
	}}<//>`;
}
