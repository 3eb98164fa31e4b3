/* SPDX-License-Identifier: Apache-2.0 */
/* policy: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function PolicyPage({ id }) {
	return html`<${Head} title=${id || 'policy'} />`;
}
