/* SPDX-License-Identifier: Apache-2.0 */
/* person_keys: the keys that a principal holds. */
import { html } from 'htm/preact';
import { may, session } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { href } from '../lib/route.js';
import { ask_list } from '../lib/tenant_calls.js';
import { Card, Loaded, Status, Time } from '../parts/bits.js';
import { open_dialog } from '../parts/dialog.js';
import { Scroll } from '../parts/scroll.js';
import { KeyNew } from './key_new.js';

export function PersonKeys({ one }) {
	const of = useLoad(async () => may('list', '/keys') ? (await ask_list('keys.list', { principal: one.id })).items : [], [one.id]);

	const may_get_one = one.api_access !== false && one.status === 'active' && may('create', '/keys') && (may('issue', `/principals/${one.id}`) || session.value.caller.principal === one.id);

	if (!may('list', '/keys')) {
		return null;
	}
	return html`<${Card} title="Keys" aside=${may_get_one && html`<button type="button" onClick=${() => open_dialog(KeyNew, { given: { principal: one.id } })}>New key</button>`}>
		<${Loaded} of=${of}>${(keys) => keys.length === 0 ? html`<p class="dim">${one.api_access === false ? 'None, and none may be created.' : 'None.'}</p>`
		: html`<${Scroll} label="Keys"><table class="plain"><thead><tr><th scope="col">Key</th><th scope="col">Token</th><th scope="col">Status</th><th scope="col">Last use</th><th scope="col">Expires</th></tr></thead>
			<tbody>${keys.map((key) => html`<tr key=${key.id}><td><a href=${href('keys', key.id)}>${key.name || 'no name'}</a>${key.label && html`<br /><small class="dim">${key.label}</small>`}</td>
				<td><code>${key.prefix}${key.id}…</code></td><td><${Status} status=${key.status} /></td><td><${Time} at=${key.last_used_at} none="never" /></td><td><${Time} at=${key.expires_at} none="never" /></td></tr>`)}</tbody></table><//>`}<//>
		<p class="more"><a href=${href('keys', null, { holder: one.id })}>Show in the list of all keys</a></p><//>`;
}
