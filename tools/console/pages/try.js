/* SPDX-License-Identifier: Apache-2.0 */
/* try: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function TryPage({ id }) {
	return html`<${Head} title=${id || 'try'} />`;
}
