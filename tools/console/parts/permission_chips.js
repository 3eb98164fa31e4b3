/* SPDX-License-Identifier: Apache-2.0 */
/* permission_chips: the actions of a node and their methods, each of which can be allowed or denied by itself. */
import { html } from 'htm/preact';
import { outcome } from '../lib/role_effect.js';
import { SIGNS } from './legend.js';

/* One press for some permissions. `layer`: which of allowed and denied a press changes. label: what they are, if the text alone does not say it. */
export function Chip({ text, label = text, permissions, draft, layer, inherited, press, tab }) {
	const all = (ids) => permissions.every((one) => ids.has(one.id)), any = (ids) => permissions.some((one) => ids.has(one.id));
	const state = all(draft.deny) ? 'denied' : all(draft.allow) ? 'allowed' : any(draft.deny) || any(draft.allow) ? 'partly' : 'none';
	const above = permissions.map((one) => inherited.get(one.id));
	const is_denied_above = above.every((entry) => outcome(entry) === 'denied');
	const is_allowed_above = !is_denied_above && above.every((entry) => outcome(entry) === 'allowed');
	const roles = [...new Set(above.flatMap((entry) => entry ? [...entry.allow, ...entry.deny] : []))].join(', ');
	const is_both = state === 'denied' && all(draft.allow);
	const said = { denied: is_both ? 'allowed by a box, but denied: the denial wins' : 'denied', allowed: 'allowed', partly: 'allowed or denied in part', none: 'not allowed' }[state];
	const mark = state === 'denied' || state === 'allowed' ? SIGNS[state].sign : state === 'partly' ? '◐' : is_denied_above ? SIGNS.denied.sign : is_allowed_above ? '↑' : '';
	const title = `${label}: ${said}${is_denied_above ? `; denied by ${roles}, which it inherits` : is_allowed_above ? `; allowed by ${roles}, which it inherits` : ''}`;

	return html`<button type="button" tabIndex=${tab} class="pchip ${state} ${is_denied_above ? 'denied-above' : is_allowed_above ? 'allowed-above' : ''}" title=${title} aria-label=${title}
		aria-pressed=${all(draft[layer]) ? 'true' : any(draft[layer]) ? 'mixed' : 'false'} onClick=${() => press(permissions)}>
		${mark !== '' && html`<span class="sign" aria-hidden="true">${mark}</span>`}<span class="text">${text}</span>${is_both && html`<span class="also" aria-hidden="true">${SIGNS.allowed.sign}</span>`}</button>`;
}

/* An action with its methods: one press for the action, and one for each of several methods. */
function Action({ action, permissions, ...rest }) {
	const is_alone = permissions.length === 1;
	if (is_alone) {
		return html`<${Chip} text=${permissions[0].word === action ? action : `${action} ${permissions[0].word}`} permissions=${permissions} ...${rest} />`;
	}
	return html`<span class="pgroup" role="group" aria-label=${action}><${Chip} text=${action} permissions=${permissions} ...${rest} />
		${permissions.map((one) => html`<${Chip} key=${one.id} text=${one.word} permissions=${[one]} ...${rest} />`)}</span>`;
}

export function PermissionChips({ node, when, ...rest }) {
	const actions = [...new Set(node.permissions.map((one) => one.action))];
	const lines = [...new Map(node.permissions.flatMap((one) => (when.get(one.id) || []).map((line) => [`${line.line}`, { ...line, words: node.permissions.filter((other) => (when.get(other.id) || []).some((each) => each.line === line.line)).map((other) => other.action) }]))).values()];

	return html`${actions.map((action) => html`<${Action} key=${action} action=${action} permissions=${node.permissions.filter((one) => one.action === action)} ...${rest} />`)}
		${lines.map((line) => html`<span class="chip ${line.deny ? 'warn' : 'info'}" key=${line.line} title="A line with a condition, as written below">${line.deny ? 'deny ' : ''}${[...new Set(line.words)].join(', ')} when ${line.when}</span>`)}
		${node.item?.description && html`<span class="dim">${node.item.description}</span>`}`;
}
