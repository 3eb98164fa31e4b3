/* SPDX-License-Identifier: Apache-2.0 */
/* use: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function UsePage({ id }) {
	return html`<${Head} title=${id || 'use'} />`;
}
