/* SPDX-License-Identifier: Apache-2.0 */
/* share: how much of a whole something is, as a bar on a track; and the reasons of denials with their shares. */
import { html } from 'htm/preact';
import { REASONS } from '../lib/text.js';

const UNKNOWN = 'a module of the policy denies it';

/* value of `all`, which the whole bar stands for; label: what it is, for those who do not see it. */
export function Share({ value, all, label }) {
	return html`<div class="share" role="meter" aria-valuemin="0" aria-valuemax=${all} aria-valuenow=${value} aria-label=${label}><div style=${{ width: `${100 * value / Math.max(1, all)}%` }}></div></div>`;
}

/* rows: [[reason, number], …] */
export function Reasons({ rows }) {
	const all = rows.reduce((sum, [, number]) => sum + number, 0);

	return html`<ul class="bars">${rows.map(([reason, number]) => html`<li key=${reason}>
		<span>${REASONS[reason] || UNKNOWN} <code class="dim">${reason}</code></span><${Share} value=${number} all=${all} label=${reason} /><strong>${number.toLocaleString('en')}</strong></li>`)}</ul>`;
}
