/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor_effect: "gains 3, loses 1", with the permissions as trees, and for whom. */
import { html } from 'htm/preact';
import { useLoad } from '../lib/load.js';
import { Allowed } from '../parts/allowed.js';
import { Loaded } from '../parts/bits.js';
import { in_words, load_holders, may_list_holders } from './role_holders.js';

function ForWhom({ name }) {
	const of = useLoad(() => load_holders(name), [name]);

	return html`<${Loaded} of=${of}>${(holders) => {
		const some = holders.items.filter((item) => item.id).slice(0, 8).map((item) => item.name || item.id);
		const others = holders.items.length - some.length;

		return html`<p>For <strong>${in_words(holders)}</strong>${some.length > 0 && html`<span class="dim">: ${some.join(', ')}${others > 0 ? ` and ${others.toLocaleString('en')} more` : ''}</span>`}.</p>`;
	}}<//>`;
}

function Part({ title, items, total, tone, mark }) {
	const drawn = items.reduce((sum, item) => sum + item.count, 0);

	return items.length > 0 && html`<section><h3>${title}</h3>
		<${Allowed} items=${items} label=${title} tone=${tone} mark=${mark} />
		${drawn < total && html`<p class="dim">${drawn.toLocaleString('en')} of ${total.toLocaleString('en')} are drawn.</p>`}</section>`;
}

/* record: as a dry run answers it */
export function Effect({ record, name, is_new }) {
	const { gains = [], loses = [], gains_total = 0, loses_total = 0 } = record;

	return html`<section class="effect" role="status">
		<p class="sum"><span class=${gains_total > 0 ? 'good' : 'dim'}>gains ${gains_total.toLocaleString('en')}</span>, <span class=${loses_total > 0 ? 'wrong' : 'dim'}>loses ${loses_total.toLocaleString('en')}</span></p>
		${gains_total + loses_total === 0 && html`<p class="dim">Nothing changes for those who hold the role.</p>`}
		${is_new ? html`<p class="dim">Nobody holds it yet.</p>` : may_list_holders() && html`<${ForWhom} name=${name} />`}
		</section>
		<div class="columns">
			<${Part} title="What it gains" items=${gains} total=${gains_total} tone="good" mark="+ " />
			<${Part} title="What it loses" items=${loses} total=${loses_total} tone="bad" mark="− " />
		</div>`;
}
