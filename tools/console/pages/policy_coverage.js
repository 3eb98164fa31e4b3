/* SPDX-License-Identifier: Apache-2.0 */
/* policy_coverage: the folder as it is now: does it compile, do its tests pass, and which grants does no test notice? */
import { html } from 'htm/preact';
import { call } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { href } from '../lib/route.js';
import { count } from '../lib/text.js';
import { Badge, Card, Loaded } from '../parts/bits.js';
import { Diagnostics } from '../parts/diagnostics.js';
import { At } from '../parts/story.js';
import { Tests } from '../parts/tests.js';

const SHOWN = 500; /* of each list */

function AllTests() {
	const tests = useLoad(async () => {
		const { tests: all } = await call('folder.tests');

		return [...all.filter((test) => !test.passed), ...all.filter((test) => test.passed)];
	});

	return html`<${Card} title="Tests"><${Loaded} of=${tests}>${(all) => all.length === 0 ? html`<p class="dim">The policy has no tests.</p>` : html`<${Tests} of=${all.slice(0, SHOWN)} />`}<//>
		${tests.data?.length > SHOWN && html`<p class="dim">and ${count(tests.data.length - SHOWN, 'other test')}</p>`}<//>`;
}

/* What has the grant or the line: a role, a scope, or a stack. */
function Owner({ of }) {
	return of.role ? html`<a href=${href('roles', of.role)}>${of.role}</a>` : html`<strong>${of.scope || of.stack}</strong>`;
}

function Grants() {
	const coverage = useLoad(async () => {
		const { counts, grants, lines } = await call('folder.coverage');

		return { covered: counts.rules.covered + counts.lines.covered, total: counts.rules.total + counts.lines.total,
			left: [...grants, ...lines].filter((one) => !one.covered) };
	});

	return html`<${Card} title="Coverage" aside=${coverage.data && html`<span class="count">${coverage.data.covered.toLocaleString('en')} of ${coverage.data.total.toLocaleString('en')}</span>`}>
		<p class="dim">A grant, or a line of a stack, is covered when a test decides by it.</p>
		<${Loaded} of=${coverage}>${({ left, covered, total }) => html`
			<progress max=${Math.max(1, total)} value=${covered} aria-label="Covered grants and lines"></progress>
			${covered === total ? html`<p>Every one is noticed by a test.</p>` : html`<p>No test notices these:</p><ul class="lines">${left.slice(0, SHOWN).map((one, i) => html`<li key=${i}>
				<${Owner} of=${one} /> <code>${one.text}</code> <${At} of=${one} /></li>`)}</ul>`}
			${left.length > SHOWN && html`<p class="dim">and ${count(total - covered - SHOWN, 'other')}</p>`}`}<//><//>`;
}

export function Coverage() {
	const check = useLoad(() => call('folder.check'));

	const has_errors = check.data?.diagnostics.some((one) => one.severity === 'error');

	return html`<div class="stack"><${Card} title="The folder as it is now"><${Loaded} of=${check}>${(result) => html`
			<p>${result.ok ? html`<${Badge} tone="good">it compiles<//>` : html`<${Badge} tone="bad">it would be refused<//>`}
			${' '}${has_errors ? html`<span class="dim">No test runs until the errors are corrected.</span>` : `${count(result.tests.passed, 'test')} passed, ${result.tests.failed} failed`}</p>
			${result.diagnostics.length > 0 && html`<${Diagnostics} of=${result.diagnostics} />`}`}<//><//>
		${check.data && !has_errors && html`<div class="columns"><${Grants} /><${AllTests} /></div>`}</div>`;
}
