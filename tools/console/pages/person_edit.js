/* SPDX-License-Identifier: Apache-2.0 */
/* person_edit: the dialog that creates a principal or changes one. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { call } from '../lib/api.js';
import { changed, useLoad } from '../lib/load.js';
import { go } from '../lib/route.js';
import { ask } from '../lib/tenant_calls.js';
import { Form } from '../parts/dialog.js';
import { Check, Choice, Text } from '../parts/form.js';
import { say } from '../parts/toast.js';

const PREFIX = 'principal.';

/* The attribute that an error's message names. */
function is_about(message, name) {
	return message !== undefined && (message.includes(`'${PREFIX}${name}'`) || message.includes(`'${name}'`));
}

/* What was changed in the dialog alone, so that no other change made meanwhile is undone. */
function attribute_changes(before, after) {
	const set = Object.entries(after).filter(([key, text]) => before[key] !== text);
	const gone = Object.keys(before).filter((key) => !(key in after));

	return { set_attributes: set.length > 0 ? Object.fromEntries(set) : undefined, remove_attributes: gone.length > 0 ? gone : undefined };
}

/* declared: the names that conditions may read; undefined where the caller may not know them. */
function Attributes({ declared, value, set, wrong }) {
	const [name, set_name] = useState('');
	const others = Object.keys(value).filter((key) => !declared?.includes(key));
	const put = (key, text) => set({ ...value, [key]: text });
	const rows = [...(declared || []), ...others];

	return html`<fieldset class="attributes"><legend>Attributes</legend>
		<p class="tip">Conditions of the policy read them: a change can give or take rights.</p>
		${wrong && !rows.some((key) => is_about(wrong, key)) && html`<p class="tip bad" role="alert">${wrong}</p>`}
		<div class="pair">${rows.map((key) => html`<${Text} key=${key} label=${key} value=${value[key] ?? ''} set=${(text) => put(key, text)} mono=${true}
			hint=${declared?.includes(key) ? `${PREFIX}${key}. Empty: not set.` : declared && 'No condition reads this one.'} wrong=${is_about(wrong, key) ? wrong : undefined} />`)}</div>
		<div class="row"><input aria-label="Name of another attribute" placeholder="another attribute" value=${name} spellcheck=${false} autocomplete="off" onInput=${(event) => set_name(event.currentTarget.value)} />
			<button type="button" disabled=${name.trim() === '' || name.trim() in value} onClick=${() => { put(name.trim(), ''); set_name(''); }}>Add</button></div>
	</fieldset>`;
}

/* `one`: the record to change; without it a new one is created. */
export function PersonEdit({ one, close }) {
	const [id, set_id] = useState('');
	const [kind, set_kind] = useState('user');
	const [name, set_name] = useState(one?.name || '');
	const [attributes, set_attributes] = useState({ ...one?.attributes });
	const [api_access, set_api_access] = useState(one ? one.api_access !== false : true);
	const names = useLoad(() => call('policy.names').catch(() => ({})));
	const declared = names.data?.facts?.filter((fact) => fact.startsWith(PREFIX)).map((fact) => fact.slice(PREFIX.length));
	/* An attribute that was and is empty stays what it is: an empty set differs from none. */
	const filled = Object.fromEntries(Object.entries(attributes).filter(([key, text]) => text !== '' || one?.attributes?.[key] === ''));
	const send = async () => {
		if (one) {
			await ask('principals.update', { id: one.id, name: name.trim() === (one.name || '') ? undefined : name.trim() || null,
				...attribute_changes(one.attributes || {}, filled), api_access: api_access === (one.api_access !== false) ? undefined : api_access });
			say(`${one.id} is changed.`);
		} else {
			await ask('principals.create', { id: id.trim(), kind, name: name.trim() || undefined, attributes: Object.keys(filled).length > 0 ? filled : undefined, api_access });
			say(`${id.trim()} is created. Assign a role to it next.`);
		}
		close();
		changed();
		if (!one) {
			go('people', id.trim());
		}
	};

	return html`<${Form} title=${one ? `Edit ${one.id}` : 'New person or service'} action=${one ? 'Save' : 'Create'} send=${send} close=${close} disabled=${!one && id.trim() === ''}>${(wrong) => html`
		${!one && html`<${Text} label="ID" value=${id} set=${set_id} autofocus=${true} mono=${true} wrong=${wrong('id')} hint="The name that your programs use: ann, crm-sync, ann@example.com. It cannot be changed later." />
		<${Choice} label="Kind" value=${kind} set=${set_kind} options=${[['user', 'A person'], ['service', 'A service', 'A program that makes requests by itself']]} />`}
		<${Text} label="Name" value=${name} set=${set_name} wrong=${wrong('name')} hint="Shown in lists. It may be empty." />
		<${Attributes} declared=${declared} value=${attributes} set=${set_attributes} wrong=${wrong('attributes') || wrong('set_attributes')} />
		<${Check} label="May hold keys" value=${api_access} set=${set_api_access} hint="Without this no key is valid. The roles still count where a program asks by the id." />`}<//>`;
}
