/* SPDX-License-Identifier: Apache-2.0 */
/* legend: what the chips of a tree of permissions mean. */
import { html } from 'htm/preact';

const TEXTS = { allowed: ['good', '✓', 'allowed'], denied: ['bad', '⊘', 'denied'], sometimes: ['info', '◐', 'only when its condition is true'],
	unless: ['warn', 'not when', 'denied when this is true'], inherited: ['good inherited', '✓', 'dashed: from a role that it inherits'] };

/* kinds: a Set of the names above; nothing is drawn where all are simply allowed. */
export function Legend({ kinds }) {
	const shown = Object.keys(TEXTS).filter((kind) => kinds.has(kind));

	return shown.some((kind) => kind !== 'allowed') && html`<p class="legend">${shown.map((kind) => {
		const [tone, sign, text] = TEXTS[kind];

		return html`<span key=${kind}><span class="chip ${tone}" aria-hidden="true">${sign}</span> ${text}</span>`;
	})}</p>`;
}
