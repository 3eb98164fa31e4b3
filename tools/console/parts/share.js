/* SPDX-License-Identifier: Apache-2.0 */
/* share: how much of a whole something is, as a bar on a track. */
import { html } from 'htm/preact';

/* value of `all`, which the whole bar stands for; label: what it is, for those who do not see it. */
export function Share({ value, all, label }) {
	return html`<meter class="share" min="0" max=${Math.max(1, all)} value=${value} aria-label=${label}></meter>`;
}
