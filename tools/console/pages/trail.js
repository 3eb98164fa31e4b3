/* SPDX-License-Identifier: Apache-2.0 */
/* trail: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function TrailPage({ id }) {
	return html`<${Head} title=${id || 'trail'} />`;
}
