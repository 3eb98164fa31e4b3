/* SPDX-License-Identifier: Apache-2.0 */
/* legend: what the chips of a tree of permissions mean. */
import { html } from 'htm/preact';

export const SIGNS = {
	allowed: { tone: 'good', sign: '✓', text: 'allowed' },
	denied: { tone: 'bad', sign: '⊘', text: 'denied' },
	sometimes: { tone: 'info', sign: '◐', text: 'only when its condition is true' },
	unless: { tone: 'warn', sign: 'not when', text: 'denied when this is true' },
	inherited: { tone: 'good inherited', sign: '✓', text: 'dashed: from a role that it inherits' },
};

/* kinds: a Set of the names above; nothing is drawn where all are simply allowed. */
export function Legend({ kinds }) {
	const shown = Object.keys(SIGNS).filter((kind) => kinds.has(kind));

	return shown.some((kind) => kind !== 'allowed') && html`<p class="legend">${shown.map((kind) => {
		const { tone, sign, text } = SIGNS[kind];

		return html`<span key=${kind}><span class="chip ${tone}" aria-hidden="true">${sign}</span> ${text}</span>`;
	})}</p>`;
}
