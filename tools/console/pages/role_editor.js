/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function RoleEditor({ id }) {
	return html`<${Head} title=${id || 'role_editor'} />`;
}
