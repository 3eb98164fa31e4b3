/* SPDX-License-Identifier: Apache-2.0 */
/* key: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function KeyPage({ id }) {
	return html`<${Head} title=${id || 'key'} />`;
}
