/* SPDX-License-Identifier: Apache-2.0 */
/* people: being written. */
import { html } from 'htm/preact';
import { Head } from '../parts/bits.js';

export function PeoplePage({ id }) {
	return html`<${Head} title=${id || 'people'} />`;
}
