/* SPDX-License-Identifier: Apache-2.0 */
/* tests: tests of the policy, each with its cases and what failed; those that failed are open. */
import { html } from 'htm/preact';
import { Badge } from './bits.js';
import { At } from './story.js';

/* of: as folder.tests and folder.role have them. */
export function Tests({ of }) {
	return of.map((test, i) => html`<details key=${i} class="test" open=${!test.passed}>
		<summary><${Badge} tone=${test.passed ? 'good' : 'bad'}>${test.passed ? 'passed' : 'failed'}<//> ${test.name}</summary>
		<p><${At} of=${test} /></p>
		<ul class="lines">${test.cases.map((one, j) => html`<li key=${j}><${Badge} tone=${one.passed ? 'good' : 'bad'}>${one.passed ? 'passed' : 'failed'}<//> <code>${one.text}</code>
			${one.failures?.map((failure) => html`<span class="wrong" key=${failure}>${failure}</span>`)}</li>`)}</ul></details>`);
}
