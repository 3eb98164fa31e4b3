/* SPDX-License-Identifier: Apache-2.0 */
/* assign: the dialog that gives a role to a principal, to everyone or to anyone. */
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { wrong_place } from '../lib/key_form.js';
import { changed, useLoad } from '../lib/load.js';
import { ask, ask_list } from '../lib/tenant_calls.js';
import { now } from '../lib/time.js';
import { load_trees } from '../lib/trees.js';
import { Form } from '../parts/dialog.js';
import { Ends, Select, Words } from '../parts/form.js';
import { say } from '../parts/toast.js';
import { name_of } from './assignments.js';

/* What a place can begin with: nodes without parameters, and what stands before a parameter. */
function place_options(index) {
	const found = new Set();

	for (const resource of index.by_resource.keys()) {
		const open = resource.indexOf('{');

		found.add(open < 0 ? resource : resource.slice(0, open));
	}
	return [...found];
}

export function Assign({ holder, role: chosen = '', close }) {
	const [role, set_role] = useState(chosen);
	const [at, set_at] = useState([]);
	const [until, set_until] = useState({});
	const roles = useLoad(async () => (await ask_list('roles.list')).items.filter((one) => one.name !== 'anyone' && !one.shadowed));
	const trees = useLoad(() => load_trees().catch(() => null));
	const options = useMemo(() => trees.data ? place_options(trees.data.index) : [], [trees.data]);
	const about = roles.data?.find((one) => one.name === role)?.description;
	const send = async () => {
		await ask('assignments.create', { ...holder, role, at: at.length > 0 ? at : undefined,
			until: until.expires_at ?? (until.expires_in === undefined ? undefined : now() + until.expires_in) });
		say(`${name_of(holder)} holds ${role}.`);
		close();
		changed();
	};

	return html`<${Form} title=${`Assign a role to ${name_of(holder)}`} action="Assign" send=${send} close=${close}
		disabled=${role === '' || at.some((place) => wrong_place(place) !== undefined) || holder.anyone && at.length === 0}>${(wrong) => html`
		<${Select} label="Role" value=${role} set=${set_role} wrong=${wrong('role')} hint=${about} options=${[['', 'choose one …'], ...(roles.data || []).map((one) => one.name)]} />
		<${Words} label="At" value=${at} set=${set_at} wrong=${wrong('at')} check=${wrong_place} options=${options} placeholder="everywhere"
			hint=${`Places where the role counts, and all below them: api:/loans/7. ${holder.anyone ? 'One at least.' : 'Without one it counts everywhere.'}`} />
		<${Ends} label="Until" value=${until} set=${set_until} wrong=${wrong('until')} />`}<//>`;
}
