/* SPDX-License-Identifier: Apache-2.0 */
/* role: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function RolePage({ id }) {
	return html`<${Head} title=${id || 'role'} />`;
}
