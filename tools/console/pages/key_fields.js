/* SPDX-License-Identifier: Apache-2.0 */
/* key_fields: the fields of a key that its forms share, and what the policy has for them to offer. */
import { html } from 'htm/preact';
import { call, is_peer, list, may } from '../lib/api.js';
import { wrong_network } from '../lib/cidr.js';
import { useLoad } from '../lib/load.js';
import { duration } from '../lib/time.js';
import { Ends, Select, Several, Text, Words } from '../parts/form.js';

const SCHEDULES = [['', 'no schedule'], ['2592000', 'every 30 days'], ['5184000', 'every 60 days'], ['7776000', 'every 90 days'], ['15552000', 'every 180 days'], ['31536000', 'every year']];
const LIVES = [['2592000', 'in 30 days'], ['7776000', 'in 90 days'], ['15552000', 'in 180 days'], ['31536000', 'in a year'], ['other', 'at a time …']];

/* What a call that the caller may not make would have given: nothing to offer. */
const or_none = (promise, none) => promise.catch(() => none);

const NO_NAMES = { scopes: undefined, environments: [] };

/* {scopes, environments, places} of the policy: texts to choose from. scopes is undefined where the caller may not see them. */
export function usePolicyNames() {
	return useLoad(async () => {
		const [names, tree] = await Promise.all([
			is_peer() ? or_none(call('policy.names'), NO_NAMES) : NO_NAMES,
			may('list', '/roles') ? or_none(list('policy.tree'), { items: [] }) : { items: [] },
		]);

		return { scopes: names.scopes, environments: names.environments, places: [...new Set(tree.items.map((item) => item.resource))] };
	}).data || { scopes: [], environments: [], places: [] };
}

/* Scopes to choose from, or to type where they are not known. names: of usePolicyNames(). */
export function Scopes({ label, hint, form, set, wrong, names }) {
	if (names.scopes === undefined) {
		return html`<${Words} label=${label} hint=${hint || 'Names of scopes of the policy'} value=${form.scopes} set=${(scopes) => set({ scopes })} wrong=${wrong} />`;
	}
	const all = [...new Set([...names.scopes, ...form.scopes])];

	return all.length > 0 && html`<${Several} label=${label} hint=${hint} value=${form.scopes} set=${(scopes) => set({ scopes })} options=${all.map((key) => ({ key }))} wrong=${wrong} />`;
}

export function Names({ form, set, wrong }) {
	return html`<div class="pair">
		<${Text} label="Name" hint="What it is for: Billing export, Ann’s laptop" value=${form.name} set=${(name) => set({ name })} wrong=${wrong('name')} autofocus />
		<${Text} label="Label" hint="A word to find it by, such as a team" value=${form.label} set=${(label) => set({ label })} wrong=${wrong('label')} />
	</div>`;
}

export function Networks({ form, set, wrong }) {
	return html`<${Words} label="Networks" hint="Addresses from which it counts, such as 10.1.0.0/16. Empty: from everywhere." placeholder="everywhere"
		value=${form.networks} set=${(networks) => set({ networks })} check=${wrong_network} wrong=${wrong('networks')} />`;
}

/* unset: what it means that no end is chosen. */
export function Expiry({ form, set, wrong, unset }) {
	return html`<${Ends} label="Expires" value=${form.ends} set=${(ends) => set({ ends })} options=${[['', unset], ...LIVES]}
		wrong=${wrong('expires_at') || wrong('expires_in')} />`;
}

export function Schedule({ form, set, wrong }) {
	const is_known = SCHEDULES.some(([key]) => key === form.rotate);

	return html`<${Select} label="Rotation" hint="When it is due, its program fetches a new secret." value=${form.rotate}
		options=${is_known ? SCHEDULES : [...SCHEDULES, [form.rotate, `every ${duration(Number(form.rotate))}`]]}
		set=${(rotate) => set({ rotate })} wrong=${wrong('rotate_every')} />`;
}
