/* SPDX-License-Identifier: Apache-2.0 */
/* role_holders: who holds a role, or one that inherits it. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { may } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { href } from '../lib/route.js';
import { ask_list } from '../lib/tenant_calls.js';
import { count } from '../lib/text.js';
import { Card, Chips, Loaded, Status, Time } from '../parts/bits.js';
import { Scroll } from '../parts/scroll.js';

const MOST = 5000;  /* holders that are looked up */
const SHOWN = 25;

/* Everything that holds the role: {items, more}. */
export function load_holders(name) {
	return ask_list('roles.holders', { name }, () => true, MOST);
}

export function may_list_holders() {
	return ['/roles', '/principals', '/keys'].every((node) => may('list', node));
}

/* "every principal, 3 principals and 200 keys" */
export function in_words({ items, more }) {
	const of = (kind) => items.filter((item) => item.kind === kind).length;
	const parts = [of('everyone') && 'every principal', of('anyone') && 'every caller', of('principal') && count(of('principal'), 'principal'),
		of('key') && count(of('key'), 'key'), of('role') && count(of('role'), 'role that inherits it', 'roles that inherit it')].filter(Boolean);

	return (parts.length === 0 ? 'nobody' : parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`) + (more ? ', and more' : '');
}

const PAGES = { role: 'roles', principal: 'people', key: 'keys' };

function Through({ of = [], name }) {
	return of.map((one, i) => html`<span class="together" key=${i}>${one.role !== name && html`<span>by <a href=${href('roles', one.role)}>${one.role}</a></span>`}
		${one.at && html`<span>at <${Chips} items=${one.at} /></span>`}${one.until !== undefined && html`<span>until <${Time} at=${one.until} /></span>`}</span>`);
}

export function Holders({ name }) {
	const [shown, set_shown] = useState(SHOWN);
	const of = useLoad(() => may_list_holders() && name !== 'anyone' ? load_holders(name) : null, [name]);

	if (name === 'anyone') {
		return html`<${Card} title="Held by"><p>Every caller, with any key and without one, as the policy’s files say. It cannot be assigned.</p><//>`;
	}
	if (!may_list_holders()) {
		return null;
	}
	return html`<${Card} title="Held by" aside=${of.data?.items.length > 0 && html`<span class="dim">${in_words(of.data)}</span>`}><${Loaded} of=${of}>${({ items }) => items.length === 0
		? html`<p class="dim">Nobody. Assign it on the page of a person or a service, or create a key that holds it.</p>`
		: html`<${Scroll} label="Held by"><table class="plain"><thead><tr><th scope="col">Kind</th><th scope="col">Who</th><th scope="col">Status</th><th scope="col">How</th></tr></thead><tbody>
			${items.slice(0, shown).map((item) => html`<tr key=${`${item.kind} ${item.id}`}><td class="dim">${item.kind}</td>
				<td>${item.id ? html`<a href=${href(PAGES[item.kind], item.id)}>${item.kind === 'key' ? item.name || item.id : item.id}</a>${item.kind === 'key' ? html` <code class="dim">${item.id}</code>` : item.name && html` <span class="dim">${item.name}</span>`}`
					: item.kind === 'everyone' ? 'every principal' : 'every caller'}</td>
				<td>${item.status ? html`<${Status} status=${item.status} />` : ''}</td><td>${item.kind === 'role' ? html`<span class="dim">inherits it</span>` : html`<${Through} of=${item.through} name=${name} />`}</td></tr>`)}
		</tbody></table><//>
		${items.length > shown && html`<p class="more"><button type="button" onClick=${() => set_shown(shown * 8)}>Show more of ${items.length.toLocaleString('en')}</button></p>`}`}<//><//>`;
}
