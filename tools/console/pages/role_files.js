/* SPDX-License-Identifier: Apache-2.0 */
/* role_files: the text of a role in the policy's files, which of its grants tests notice, and those tests. */
import { html } from 'htm/preact';
import { call } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { count } from '../lib/text.js';
import { Card, Loaded } from '../parts/bits.js';
import { Source } from '../parts/source.js';
import { At } from '../parts/story.js';
import { Tests } from '../parts/tests.js';

/* Its text with the numbers of its lines; those whose grants no test notices are marked. */
function Text({ role }) {
	const unnoticed = new Set((role.grants || []).filter((grant) => !grant.covered && grant.file === role.file).map((grant) => grant.line));

	return html`<${Source} lines=${role.text.replace(/\n$/, '').split('\n')} first=${role.line} is_meant=${(number) => unnoticed.has(number)} label=${`The text of ${role.name}`} />
		${role.cut && html`<p class="dim">It is longer than this.</p>`}
		${unnoticed.size > 0 && html`<p class="tip">No test notices ${unnoticed.size === 1 ? 'the grant' : 'the grants'} on the marked ${unnoticed.size === 1 ? 'line' : 'lines'}.</p>`}`;
}

export function RoleFiles({ name }) {
	const of = useLoad(() => call('folder.role', { name }).catch((error) => {
		if (error.code === 'unknown_method') {
			return null;
		}
		throw error;
	}), [name]);

	if (of.data === null) {
		return null;
	}
	return html`<div class="columns">
		<${Card} title="Source" aside=${of.data && html`<${At} of=${of.data} />`}><${Loaded} of=${of}>${(role) => html`<${Text} role=${role} />`}<//><//>
		<${Card} title="Tests" aside=${of.data && html`<span class="dim">${count((of.data.tests || []).length, 'test')}</span>`}><${Loaded} of=${of}>${({ tests = [] }) => tests.length === 0 ? html`<p class="dim">No test has a subject with this role.</p>` : html`<${Tests} of=${tests} />`}<//><//>
	</div>`;
}
