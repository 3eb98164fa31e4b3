/* SPDX-License-Identifier: Apache-2.0 */
/* try_form: the fields of a request that is tried: whose it is, what it asks for, and what else a decision reads. */
import { html } from 'htm/preact';
import { Select, Text } from '../parts/form.js';
import { Facts } from './try_facts.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

/* Of all: form: the values; set(key): the function that puts one in; wrong(key): what the daemon says of it. */
export function Whose({ form, set, wrong }) {
	return html`<div class="pair">
		<${Select} label="As" value=${form.as} set=${set('as')} options=${[['principal', 'a principal'], ['key', 'the holder of a key'], ['nobody', 'nobody: no token']]} />
		${form.as !== 'nobody' && html`<${Text} label=${form.as === 'key' ? 'Key ID' : 'Principal'} value=${form.id} set=${set('id')} required=${true} mono=${true}
			wrong=${wrong(form.as)} placeholder=${form.as === 'key' ? 'e.g. 1BHQ9R1Xzd0E' : 'e.g. alice'} />`}
	</div>`;
}

/* trees: the names of those that are asked about. */
export function What({ form, set, wrong, trees }) {
	return html`<${Select} label="Asks for" value=${form.ask} set=${set('ask')} options=${[['path', 'a method and a path'], ['action', 'an action on a resource']]} />
	${form.ask === 'path' ? html`<div class="pair path">
		<${Select} label="Method" value=${form.method} set=${set('method')} options=${METHODS.includes(form.method) ? METHODS : [...METHODS, form.method]} />
		<${Text} label="Path" value=${form.path} set=${set('path')} required=${true} mono=${true} placeholder="/loans/7" wrong=${wrong('path')} />
		${trees.length > 1 && html`<${Select} label="Tree" value=${form.tree} set=${set('tree')} options=${trees.includes(form.tree) ? trees : [...trees, form.tree]} />`}
	</div>` : html`<div class="pair">
		<${Text} label="Action" value=${form.action} set=${set('action')} required=${true} mono=${true} placeholder="e.g. read" wrong=${wrong('action')} />
		<${Text} label="Resource" value=${form.resource} set=${set('resource')} required=${true} mono=${true} placeholder="e.g. api:/loans/7" wrong=${wrong('resource')} />
	</div>`}`;
}

/* names: of policy.names, or undefined; types: its fact_types. error: what the daemon says. */
export function WhereAndWhen({ form, set, wrong, names, types, error }) {
	return html`<details open=${form.service + form.environment + form.tenant + form.ip + form.time + form.mfa + form.facts + Object.values(form.given).join('') !== ''}>
		<summary>Where, when, and facts</summary>
		<div class="stack">
		<div class="pair">
			<${Text} label="Service" value=${form.service} set=${set('service')} wrong=${wrong('service')} hint="Its stack decides. Empty: the stack named other." />
			${(names?.environments || []).length > 1 && html`<${Select} label="Environment" value=${form.environment} set=${set('environment')}
				options=${[['', 'the first'], ...names.environments, ['*', 'any']]} />`}
		</div>
		<div class="pair">
			<${Text} label="Address" value=${form.ip} set=${set('ip')} mono=${true} placeholder="e.g. 10.1.2.3" wrong=${wrong('ip')} />
			<${Text} label="Tenant" value=${form.tenant} set=${set('tenant')} wrong=${wrong('tenant')} />
		</div>
		<div class="pair">
			<${Text} label="Time" type="datetime-local" value=${form.time} set=${set('time')} hint="For rules with hours. Empty: now." />
			<${Text} label="Second factor at" type="datetime-local" value=${form.mfa} set=${set('mfa')} />
		</div>
		${types.length > 0 ? html`<${Facts} types=${types} given=${form.given} set=${set('given')} wrong=${(name) => wrong(`facts.${name}`)} />`
		: html`<${Text} label="Facts" lines=${3} mono=${true} value=${form.facts} set=${set('facts')} placeholder=${'resource.owner=bob\ncontext.amount=500'}
			wrong=${error?.param?.startsWith('facts') ? error.message : undefined} hint="NAME=VALUE, one a line" />`}
		</div>
	</details>`;
}
