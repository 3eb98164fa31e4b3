/* SPDX-License-Identifier: Apache-2.0 */
/* assignments: the roles of one holder, with their places and ends: a principal, everyone or anyone. */
import { html } from 'htm/preact';
import { may } from '../lib/api.js';
import { changed, useLoad } from '../lib/load.js';
import { href } from '../lib/route.js';
import { date } from '../lib/time.js';
import { tenant_param } from '../lib/tenant.js';
import { ask, ask_list } from '../lib/tenant_calls.js';
import { Badge, Chips, Loaded, Time } from '../parts/bits.js';
import { confirm, open_dialog } from '../parts/dialog.js';
import { say } from '../parts/toast.js';
import { Assign } from './assign.js';

export function name_of(holder) {
	return holder.principal || (holder.everyone ? 'every principal' : 'every caller');
}

function take(holder, one) {
	confirm({ title: `Take ${one.role} from ${name_of(holder)}?`, action: 'Take the role away',
		about: `${one.at ? `It counts at ${one.at.join(', ')}. ` : ''}From the next decision on the role does not count for ${name_of(holder)} there.`,
		doing: async () => {
			await ask('assignments.delete', { ...holder, role: one.role, at: one.at });
			say(`${name_of(holder)} does not hold ${one.role} any more.`);
			changed();
		} });
}

/* One assignment: its role, where it counts and until when. */
function Assignment({ one, children }) {
	return html`<li class="assignment">
		<span class="row"><a href=${href('roles', one.role)}><strong>${one.role}</strong></a>
			${one.declared && html`<${Badge} tone="info">by the files<//>`}
			${one.shadowed && html`<${Badge} tone="warn">shadowed<//>`}
			${one.until !== undefined && html`<span class="dim">until ${date(one.until)}, <${Time} at=${one.until} /></span>`}</span>
		<span class="where">${one.at ? html`at <${Chips} items=${one.at} most=${6} />` : html`<span class="dim">everywhere</span>`}</span>
		${one.dangling?.length > 0 && html`<span class="wrong">Missing from the policy: ${one.dangling.join(', ')}. This has no effect.</span>`}
		${children && html`<span class="acts">${children}</span>`}
	</li>`;
}

/* holder: {principal: ID}, {everyone: true} or {anyone: true} */
export function Assignments({ holder, is_fixed = false }) {
	const of = useLoad(async () => may('list', '/assignments') ? (await ask_list('assignments.list', holder)).items : null, [JSON.stringify(holder), tenant_param()]);

	if (of.data === null) {
		return html`<p class="dim">You may not list assignments.</p>`;
	}
	return html`<${Loaded} of=${of}>${(items) => html`
		${items.length === 0 ? html`<p class="dim">None.</p>`
		: html`<ul class="assignments">${items.map((one) => html`<${Assignment} key=${`${one.role} ${one.at}`} one=${one}>
			${!is_fixed && !one.declared && may('delete', '/assignments') && html`<button type="button" class="quiet" aria-label=${`Take away ${one.role}`} onClick=${() => take(holder, one)}>Take away</button>`}<//>`)}</ul>`}
		${!is_fixed && may('create', '/assignments') && html`<div class="row below"><button type="button" onClick=${() => open_dialog(Assign, { holder })}>Assign a role</button></div>`}`}<//>`;
}
