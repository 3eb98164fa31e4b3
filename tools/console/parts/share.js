/* SPDX-License-Identifier: Apache-2.0 */
/* share: how much of a whole something is, as a bar on a track. */
import { html } from 'htm/preact';

/* value of `all`, which the whole bar stands for; label: what it is, for those who do not see it. */
export function Share({ value, all, label }) {
	return html`<div class="share" role="meter" aria-valuemin="0" aria-valuemax=${all} aria-valuenow=${value} aria-label=${label}><div style=${{ width: `${100 * value / Math.max(1, all)}%` }}></div></div>`;
}
