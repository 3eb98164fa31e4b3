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

function Tests() {
	const tests = useLoad(async () => (await call('folder.tests')).tests);

	return html`<${Card} title="Tests"><${Loaded} of=${tests}>${(all) => all.length === 0 ? html`<p class="dim">The policy has no tests.</p>` : all.map((test, i) => html`
		<details key=${i} open=${!test.passed}><summary><${Badge} tone=${test.passed ? 'good' : 'bad'}>${test.passed ? 'passed' : 'failed'}<//> ${test.name}</summary>
			<p><${At} of=${test} /></p><ul class="lines">${test.cases.map((one, j) => html`<li key=${j}><${Badge} tone=${one.passed ? 'good' : 'bad'}>${one.passed ? 'ok' : 'failed'}<//> <code>${one.text}</code></li>`)}</ul></details>`)}<//><//>`;
}

function Grants() {
	const coverage = useLoad(() => call('folder.coverage'));

	return html`<${Card} title="Coverage" aside=${coverage.data && html`<span class="count">${coverage.data.covered} of ${coverage.data.total}</span>`}>
		<p class="dim">A grant is covered when a test decides by it.</p>
		<${Loaded} of=${coverage}>${({ grants, covered, total }) => html`
			<progress max=${Math.max(1, total)} value=${covered} aria-label="Covered grants"></progress>
			${covered === total ? html`<p>Every grant is noticed by a test.</p>` : html`<p>No test notices these:</p><ul class="lines">${grants.filter((grant) => !grant.covered).map((grant, i) => html`<li key=${i}>
				${grant.role ? html`<a href=${href('roles', grant.role)}>${grant.role}</a>` : html`<strong>${grant.scope}</strong>`} <code>${grant.text}</code> <${At} of=${grant} /></li>`)}</ul>`}`}<//><//>`;
}

export function Coverage() {
	const check = useLoad(() => call('folder.check'));

	return html`<div class="stack"><${Card} title="The folder as it is now"><${Loaded} of=${check}>${(result) => html`
			<p>${result.ok ? html`<${Badge} tone="good">it compiles<//>` : html`<${Badge} tone="bad">it would be refused<//>`}
			${' '}${count(result.tests.passed, 'test')} passed, ${result.tests.failed} failed</p>
			<${Diagnostics} of=${result.diagnostics} />`}<//><//>
		<div class="columns"><${Grants} /><${Tests} /></div></div>`;
}
