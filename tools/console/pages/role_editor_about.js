/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor_about: the first step: name, description, and the roles that it inherits. */
import { html } from 'htm/preact';
import { ordered } from '../lib/order.js';
import { ancestors } from '../lib/role_effect.js';
import { Several, Text } from '../parts/form.js';

export function About({ draft, set, is_new, by_name, wrong }) {
	/* A role cannot inherit itself, nor one that inherits it. */
	const others = [...by_name.values()].filter((one) => one.name !== draft.name && one.name !== 'anyone' && !one.shadowed && one.status !== 'altered' && !ancestors(one.name, by_name).includes(draft.name));
	const options = ordered(others, { value: ({ name }) => name }).map((one) => ({ key: one.name, text: one.name, about: one.description }));

	return html`<div class="stack">
		${is_new ? html`<${Text} label="Name" value=${draft.name} set=${(name) => set({ ...draft, name })} mono=${true} wrong=${wrong('name')} hint="Such as night-desk or loans.reader. It cannot be changed later." />`
			: html`<p><code>${draft.name}</code> <span class="dim">is its name. It cannot be changed: duplicate the role instead.</span></p>`}
		<${Text} label="Description" value=${draft.description} set=${(description) => set({ ...draft, description })} wrong=${wrong('description')} hint="Who it is for, in a sentence." spellcheck=${true} />
		<${Several} label="Inherits" value=${draft.inherits} set=${(inherits) => set({ ...draft, inherits })} wrong=${wrong('inherits')} options=${options}
			hint="All that these allow and deny, this role does too. What they get later, it gets." />
	</div>`;
}
