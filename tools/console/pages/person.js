/* SPDX-License-Identifier: Apache-2.0 */
/* person: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function PersonPage({ id }) {
	return html`<${Head} title=${id || 'person'} />`;
}
