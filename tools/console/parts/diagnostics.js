/* SPDX-License-Identifier: Apache-2.0 */
/* diagnostics: what is wrong with a policy, each with its place in the text. */
import { html } from 'htm/preact';
import { call, session } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { file_name } from '../lib/position.js';
import { Badge } from './bits.js';
import { Source } from './source.js';
import { At } from './story.js';

const AROUND = 2; /* lines of the text before and after the one that is meant */

/* The lines of a file around one, with a mark under the column. */
function Excerpt({ file, line, column }) {
	const name = file_name(file);
	const text = useLoad(() => call('folder.file', { name }).then((one) => one.text).catch(() => ''), [name]);

	if (!text.data) {
		return null;
	}
	const lines = text.data.split('\n');
	const first = Math.max(0, line - 1 - AROUND);

	return html`<${Source} lines=${lines.slice(first, line + AROUND)} first=${first + 1} is_meant=${(number) => number === line} column=${column} label=${`${name}, around line ${line}`} />`;
}

export function Diagnostics({ of }) {
	return html`<ul class="diagnostics">${of.map((one, i) => html`<li key=${i}>
		<div class="row"><${Badge} tone=${one.severity === 'error' ? 'bad' : 'warn'}>${one.severity}<//> <span>${one.message}</span> ${one.line > 0 && html`<${At} of=${one} />`}</div>
		${one.line > 0 && session.value.folder && html`<${Excerpt} file=${one.file} line=${one.line} column=${one.column} />`}
		${(one.notes || []).map((note, j) => html`<p key=${j} class="dim">${note.message} ${note.line > 0 && html`<${At} of=${note} />`}</p>`)}
	</li>`)}</ul>`;
}
