/* SPDX-License-Identifier: Apache-2.0 */
/* share: the reasons of denials, each with a bar that is its share of all. */
import { html } from 'htm/preact';
import { REASONS } from '../lib/text.js';

const UNKNOWN = 'a module of the policy denies it';

/* value of `all`, which the whole bar stands for; label: what it is, for those who do not see it. */
function Share({ value, all, label }) {
	const whole = Math.max(1, all);

	return html`<div class="share" role="meter" aria-valuemin="0" aria-valuemax=${whole} aria-valuenow=${value} aria-valuetext=${`${value.toLocaleString('en')} of ${all.toLocaleString('en')}`} aria-label=${label}>
		<div style=${{ width: `${100 * value / whole}%` }}></div></div>`;
}

/* rows: [[reason, number], …] */
export function Reasons({ rows }) {
	const all = rows.reduce((sum, [, number]) => sum + number, 0);

	return html`<ul class="bars">${rows.map(([reason, number]) => html`<li key=${reason}>
		<span>${REASONS[reason] || UNKNOWN} <code class="dim">${reason}</code></span><${Share} value=${number} all=${all} label=${reason} /><strong>${number.toLocaleString('en')}</strong></li>`)}</ul>`;
}
