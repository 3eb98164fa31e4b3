/* SPDX-License-Identifier: Apache-2.0 */
/* key_use: how a key is used: over time, with which permissions, and why it was denied. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { used_words } from '../lib/findings.js';
import { count, matches } from '../lib/text.js';
import { Card, Facts, Time } from '../parts/bits.js';
import { Days } from '../parts/plot.js';
import { Reasons } from '../parts/share.js';

export function UseCard({ record }) {
	return html`<${Card} title="Use">
		<div class="stack">
			${record.days && html`<${Days} of=${record.days} />`}
			<${Facts} rows=${[
				['Last use', html`<${Time} at=${record.last_used_at} none="never" />`],
				['From', record.last_used_ip && html`<code>${record.last_used_ip}</code>`],
				['Requests', (record.uses ?? 0).toLocaleString('en')],
				['Denied', record.denials ? `${record.denials.toLocaleString('en')} of them` : html`<span class="dim">none</span>`],
			]} />
		</div><//>`;
}

export function DenialsCard({ record }) {
	const rows = Object.entries(record.denied_for || {}).sort((a, b) => b[1] - a[1]);

	if (rows.length === 0) {
		return null;
	}
	return html`<${Card} title="Why it was denied" aside=${html`<span class="dim">since the daemon started</span>`}>
		<${Reasons} rows=${rows} /><//>`;
}

const SHOWN = 12; /* names before "show all" */

function Names({ title, names, none, tone }) {
	const [text, set_text] = useState('');
	const [is_open, open] = useState(false);
	const found = names.filter((name) => matches(text, name));
	const shown = is_open ? found : found.slice(0, SHOWN);

	return html`<section><h3>${title} <span class="count">${names.length}</span></h3>
		${names.length === 0 && html`<p class="dim">${none}</p>`}
		${is_open && html`<input type="search" aria-label=${`Search: ${title}`} placeholder="Search" value=${text} onInput=${(event) => set_text(event.currentTarget.value)} />`}
		<ul class="names ${tone}">${shown.map((name) => html`<li key=${name}><code>${name}</code></li>`)}</ul>
		${names.length > SHOWN && html`<button type="button" class="quiet" aria-expanded=${is_open ? 'true' : 'false'} onClick=${() => { open(!is_open); set_text(''); }}>${is_open ? 'Show fewer' : `Show all ${names.length}`}</button>`}
	</section>`;
}

/* item: of keys.audit about this key, or undefined. */
export function PermissionsCard({ item }) {
	if (item?.granted === undefined && item?.used_permissions === undefined) {
		return null;
	}
	const left = item.granted - item.used - (item.unused || []).length;

	return html`<${Card} title="Permissions" wide aside=${html`<span class="dim">${used_words(item)}</span>`}>
		${item.granted > 0 && html`<progress class="used" max=${item.granted} value=${item.used} aria-label=${used_words(item)}></progress>`}
		<div class="columns tight">
			${item.used_permissions && html`<${Names} title="Used" names=${item.used_permissions} none="Nothing yet." tone="good" />`}
			<${Names} title="Not used" names=${item.unused || []} none="None: all are used." />
		</div>
		${left > 0 && html`<p class="dim">${count(left, 'further permission')} not used.</p>`}<//>`;
}
