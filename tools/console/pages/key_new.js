/* SPDX-License-Identifier: Apache-2.0 */
/* key_new: the dialog that creates a key. */
import { html } from 'htm/preact';
import { useRef, useState } from 'preact/hooks';
import { call, list, may, request_id, session } from '../lib/api.js';
import { create_params, empty_form, ids_for, problems, wrong_place } from '../lib/key_form.js';
import { changed, useLoad } from '../lib/load.js';
import { tenant as chosen_tenant, tenant_param } from '../lib/tenant.js';
import { from_local, to_local } from '../lib/time.js';
import { Chip } from '../parts/bits.js';
import { Form, open_dialog } from '../parts/dialog.js';
import { Choice, Select, Several, Text, Words } from '../parts/form.js';
import { Pick } from '../parts/pick.js';
import { Secret } from '../parts/secret.js';
import { Expiry, Names, Networks, Schedule, Scopes, usePolicyNames } from './key_fields.js';

const none = () => ({ items: [] });

/* Those who may hold a key that this caller may create. */
function usePrincipals(tenant) {
	return useLoad(async () => {
		const { items } = await list('principals.list', { tenant }).catch(none);
		const own = session.value.caller.principal;

		return items.filter((one) => one.api_access !== false && one.status === 'active' && (one.id === own || may('issue', `/principals/${one.id}`)))
			.map((one) => ({ key: one.id, text: one.id, about: [one.name, one.kind === 'service' ? 'service' : ''].filter(Boolean).join(', ') }));
	}, [tenant]);
}

function useRoles(tenant) {
	return useLoad(async () => (await list('roles.list', { tenant }).catch(none)).items.filter((one) => !one.shadowed && one.status !== 'altered')
		.map((one) => ({ key: one.name, text: one.name, about: one.description })), [tenant]);
}

/* What a principal holds, so that one sees what a key of it will allow. */
function Holds({ principal, tenant }) {
	const held = useLoad(async () => principal === '' ? undefined : (await list('assignments.list', { principal, tenant })).items, [principal, tenant]);

	if (principal === '' || held.error || !held.data) {
		return null;
	}
	return html`<p class="dim">${held.data.length === 0 ? `${principal} holds no role: a key of it is denied everything that is not for all.` : 'With it comes what this principal holds, now and later: '}
		<span class="chips">${held.data.map((one, i) => html`<${Chip} key=${i}>${one.role}${one.at?.length > 0 ? ` at ${one.at.join(', ')}` : ''}<//>`)}</span></p>`;
}

/* given: fields that are filled in already, such as {principal}. */
export function KeyNew({ given, close }) {
	const tenant = tenant_param();
	const names = usePolicyNames();
	const principals = usePrincipals(tenant);
	const roles = useRoles(tenant);
	const [form, set_form] = useState(() => empty_form(given));
	const [tried, set_tried] = useState(false);
	const id_for = useRef(ids_for(request_id));
	const set = (part) => set_form((was) => ({ ...was, ...part }));
	const kinds = [
		(principals.data === undefined || principals.data.length > 0) && ['principal', 'A principal', 'a person or a service: the key may do what its holder may, now and later'],
		(roles.data === undefined || roles.data.length > 0) && ['roles', 'Roles', 'the key stands for itself, with these roles'],
		names.scopes?.length !== 0 && ['scopes', 'Scopes alone', 'the key stands for itself, and may do what these scopes name'],
	].filter(Boolean);
	const bound = kinds.some(([key]) => key === form.bound) ? form.bound : kinds[0]?.[0];
	const filled = { ...form, bound };
	const own = problems(filled);
	const send = async () => {
		set_tried(true);
		if (Object.keys(own).length > 0) {
			throw Object.assign(new Error('Something is missing or wrong above.'), { param: undefined });
		}
		const params = create_params(filled, tenant);
		const key = await call('keys.create', { ...params, request_id: id_for.current(params) });

		open_dialog(Secret, { title: `Key ${key.name || key.id}`, secret: key.secret, name: `${key.id}.key`, about: `Its id is ${key.id}: that is safe to show, and cannot be used to sign in.` });
		changed();
	};

	return html`<${Form} title="New key" about=${chosen_tenant.value === undefined ? undefined : `In the tenant ${tenant ?? 'default'}.`} action="Create" send=${send} close=${close} wide
		again="The key may have been created. Send it again within ten minutes without a change: then it is the same key, with the same secret.">${(told) => {
		const wrong = (name) => told(name) || (tried || ['at', 'networks'].includes(name) ? own[name] : undefined);
		return html`
		<${Names} form=${form} set=${set} wrong=${wrong} />
		${!given?.principal && kinds.length > 1 && html`<${Choice} label="What it may do comes from" value=${bound} set=${(to) => set({ bound: to })} options=${kinds} />`}
		${bound === 'principal' && html`<div class="stack tight"><${Pick} label="Principal" placeholder="Type a name" value=${form.principal} set=${(principal) => set({ principal })}
			options=${principals.data || []} hint=${principals.data ? 'Those who are switched on and may hold keys. To add another: People and services.' : 'Loading …'} wrong=${wrong('principal')} />
			<${Holds} principal=${form.principal} tenant=${tenant} /></div>`}
		${bound === 'roles' && html`<${Several} label="Roles" value=${form.roles} set=${(to) => set({ roles: to })} options=${roles.data || []} wrong=${wrong('roles')} />`}
		${bound === 'scopes' && html`<${Scopes} label="Scopes" form=${form} set=${set} names=${names} wrong=${wrong('scopes')} />`}
		<details class="more-fields"><summary>Narrow it<span class="dim"> ${bound === 'scopes' ? 'to places and networks' : 'to scopes, places and networks'}</span></summary>
			<div class="stack">
				${bound !== 'scopes' && html`<${Scopes} label="Only these scopes" hint="None: all that its holder may." form=${form} set=${set} names=${names} wrong=${wrong('scopes')} />`}
				<${Words} label="Only at these places" hint="TREE:/path: the key counts there and below. Empty: everywhere." placeholder="api:/loans/7" value=${form.at} set=${(at) => set({ at })}
					options=${names.places} check=${wrong_place} wrong=${wrong('at')} />
				<${Networks} form=${form} set=${set} wrong=${wrong} />
			</div></details>
		<div class="pair">
			${names.environments.length > 1 && html`<${Select} label="Environment" value=${form.environment || names.environments[0]} options=${names.environments} set=${(environment) => set({ environment })} wrong=${wrong('environment')} />`}
			<${Expiry} form=${form} set=${set} wrong=${wrong} unset="as the policy says" />
			<${Schedule} form=${form} set=${set} wrong=${wrong} />
			<${Text} label="Not before" type="datetime-local" hint="Empty: at once." value=${form.not_before === undefined ? '' : to_local(form.not_before)} set=${(text) => set({ not_before: from_local(text) })} wrong=${wrong('not_before')} />
		</div>`;
	}}<//>`;
}
