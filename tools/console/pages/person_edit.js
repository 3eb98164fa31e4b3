/* SPDX-License-Identifier: Apache-2.0 */
/* person_edit: the dialog that makes a principal or changes one. */
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

/* A fact of policy.names as {name, type}: a name alone, or a map where the daemon gives types. */
function attribute_of(fact) {
	const name = typeof fact === 'string' ? fact : fact.name;

	return name.startsWith(PREFIX) ? { name: name.slice(PREFIX.length), type: fact.type, words: fact.words } : null;
}

const EXAMPLES = { int: 'such as 500', bool: 'true or false', time: 'such as 2026-11-30T12:00:00Z', duration: 'such as 8h', strings: 'members with commas between them: EU,US', address: 'such as 192.0.2.1' };

function hint_of({ type, words, name }) {
	const kind = words ? `: ${words.join(' or ')}` : type ? `: ${type}${EXAMPLES[type] ? `, ${EXAMPLES[type]}` : ''}` : '';

	return `${PREFIX}${name}${kind}. Empty: not set.`;
}

/* The attribute that an error's message names. */
function is_about(message, name) {
	return message !== undefined && (message.includes(`'${PREFIX}${name}'`) || message.includes(`'${name}'`));
}

function Attributes({ declared, value, set, wrong }) {
	const [name, set_name] = useState('');
	const others = Object.keys(value).filter((key) => !declared.some((one) => one.name === key));
	const put = (key, text) => set({ ...value, [key]: text });
	const rows = [...declared, ...others.map((key) => ({ name: key, other: true }))];

	return html`<fieldset class="attributes"><legend>Attributes</legend>
		<p class="tip">Conditions of the policy read those that it declares. A change of them gives and takes rights.</p>
		${wrong && !rows.some((one) => is_about(wrong, one.name)) && html`<p class="tip bad" role="alert">${wrong}</p>`}
		<div class="pair">${rows.map((one) => html`<${Text} key=${one.name} label=${one.name} value=${value[one.name] ?? ''} set=${(text) => put(one.name, text)} mono=${true}
			hint=${one.other ? 'No condition reads it.' : hint_of(one)} wrong=${is_about(wrong, one.name) ? wrong : undefined} />`)}</div>
		<div class="row"><input aria-label="Name of another attribute" placeholder="another attribute" value=${name} spellcheck=${false} autocomplete="off" onInput=${(event) => set_name(event.currentTarget.value)} />
			<button type="button" disabled=${name.trim() === '' || name.trim() in value} onClick=${() => { put(name.trim(), ''); set_name(''); }}>Add</button></div>
	</fieldset>`;
}

/* `one`: the record to change; without it a new one is made. */
export function PersonEdit({ one, close }) {
	const [id, set_id] = useState('');
	const [kind, set_kind] = useState('user');
	const [name, set_name] = useState(one?.name || '');
	const [attributes, set_attributes] = useState({ ...one?.attributes });
	const [api_access, set_api_access] = useState(one ? one.api_access !== false : true);
	const names = useLoad(() => call('policy.names').catch(() => ({ facts: [] })));
	const declared = (names.data?.facts || []).map(attribute_of).filter((fact) => fact !== null);
	/* An attribute that was and is empty stays what it is: an empty set differs from none. */
	const filled = Object.fromEntries(Object.entries(attributes).filter(([key, text]) => text !== '' || one?.attributes?.[key] === ''));
	const send = async () => {
		const is_same = JSON.stringify(Object.entries(filled).sort()) === JSON.stringify(Object.entries(one?.attributes || {}).sort());

		if (one) {
			await ask('principals.update', { id: one.id, name: name.trim() === (one.name || '') ? undefined : name.trim() || null,
				attributes: is_same ? undefined : filled, api_access: api_access === (one.api_access !== false) ? undefined : api_access });
			say(`${one.id} is changed.`);
		} else {
			await ask('principals.create', { id: id.trim(), kind, name: name.trim() || undefined, attributes: Object.keys(filled).length > 0 ? filled : undefined, api_access });
			say(`${id.trim()} is made. Assign a role to it next.`);
		}
		close();
		changed();
		if (!one) {
			go('people', id.trim());
		}
	};

	return html`<${Form} title=${one ? `Edit ${one.id}` : 'New person or service'} action=${one ? 'Save' : 'Create'} send=${send} close=${close} disabled=${!one && id.trim() === ''}>${(wrong) => html`
		${!one && html`<${Text} label="Id" value=${id} set=${set_id} autofocus=${true} mono=${true} wrong=${wrong('id')} hint="As your programs name it: ann, crm-sync, ann@example.com. It cannot be changed later." />
		<${Choice} label="Kind" value=${kind} set=${set_kind} options=${[['user', 'A person'], ['service', 'A service', 'A program that asks for itself']]} />`}
		<${Text} label="Name" value=${name} set=${set_name} wrong=${wrong('name')} hint="For those who read the list; it may be empty." />
		<${Attributes} declared=${declared} value=${attributes} set=${set_attributes} wrong=${wrong('attributes')} />
		<${Check} label="May hold keys" value=${api_access} set=${set_api_access} hint="Without it no key of it is valid. Its roles still count where a program asks for it by its id." />`}<//>`;
}
