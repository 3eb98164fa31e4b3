/* SPDX-License-Identifier: Apache-2.0 */
/* policy_files: the files of the policy folder, and one of them with a line that is meant. */
import { html } from 'htm/preact';
import { call } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { href } from '../lib/route.js';
import { count } from '../lib/text.js';
import { Card, Head, Loaded } from '../parts/bits.js';
import { Source } from '../parts/source.js';

export function Files() {
	const folder = useLoad(() => call('folder.status'));

	return html`<${Card}><${Loaded} of=${folder}>${({ files = [], readable, problem }) => readable === false ? html`<p>The folder cannot be read here: ${problem}</p>`
		: html`<ul class="lines">${files.map((file) => html`<li key=${file.name}><a href=${href('policy', file.name)}><code>${file.name}</code></a> <span class="dim">${count(file.lines, 'line')}</span></li>`)}</ul>`}<//><//>`;
}

export function FilePage({ name, line }) {
	const file = useLoad(() => call('folder.file', { name }), [name]);

	return html`<${Head} title=${name} back=${{ href: href('policy', null, { show: 'files' }), text: 'Policy' }} about=${`As it is in the folder now. It is changed there, not here.${line ? ` Line ${line} is marked.` : ''}`} />
		<${Card}><${Loaded} of=${file}>${({ text }) => html`<${Source} key=${name} lines=${text.split('\n')} is_meant=${(number) => number === line} scrolls_to=${line} label=${name} />`}<//><//>`;
}
