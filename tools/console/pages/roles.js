/* SPDX-License-Identifier: Apache-2.0 */
/* roles: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function RolesPage({ id }) {
	return html`<${Head} title=${id || 'roles'} />`;
}
