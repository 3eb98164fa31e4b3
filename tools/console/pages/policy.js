/* SPDX-License-Identifier: Apache-2.0 */
/* policy: the policy that decides now, what became of the last change of it, and what is in it. */
import { html } from 'htm/preact';
import { call, session } from '../lib/api.js';
import { changed } from '../lib/load.js';
import { set_query } from '../lib/route.js';
import { Head, Tabs } from '../parts/bits.js';
import { say, say_error } from '../parts/toast.js';
import { Coverage } from './policy_coverage.js';
import { FilePage, Files } from './policy_files.js';
import { Matrix } from './policy_matrix.js';
import { Now } from './policy_now.js';
import { ResourceTree } from './policy_tree.js';

async function reload() {
	try {
		const { revision } = await call('policy.reload');
		say(`The policy is reloaded: revision ${revision} decides.`);
	} catch (error) {
		say_error(error);
	}
	changed();
}

export function PolicyPage({ id, query }) {
	const { caller, folder } = session.value;
	const tabs = [
		caller.everything && { key: 'now', text: 'Now', part: Now },
		{ key: 'tree', text: 'Tree', part: ResourceTree },
		folder && { key: 'matrix', text: 'Matrix', part: Matrix },
		folder && { key: 'coverage', text: 'Tests', part: Coverage },
		folder && { key: 'files', text: 'Files', part: Files },
	].filter(Boolean);
	const chosen = tabs.find((tab) => tab.key === query.show) || tabs[0];

	if (id !== undefined) {
		return html`<${FilePage} name=${id} line=${Number(query.line)} />`;
	}
	return html`<${Head} title="Policy" about="Roles of the files, trees of resources, and stacks, the checks that each service runs, are files in git: change them there. Roles of the store are changed on the page Roles.">
			${caller.everything && html`<button type="button" onClick=${reload}>Reload the policy</button>`}<//>
		<${Tabs} tabs=${tabs} chosen=${chosen.key} choose=${(key) => set_query({ show: key })} label="Parts of the policy" />
		<div role="tabpanel"><${chosen.part} query=${query} /></div>`;
}
