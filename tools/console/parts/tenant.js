/* SPDX-License-Identifier: Apache-2.0 */
/* tenant: the chooser of the tenant whose records the pages show. */
import { html } from 'htm/preact';
import { useId } from 'preact/hooks';
import { is_peer, list } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { set_query } from '../lib/route.js';
import { status_word } from '../lib/status.js';
import { tenant, tenant_param } from '../lib/tenant.js';

/* The chooser, where there is a choice. `all`: can the page show all tenants together? */
export function Tenant({ all = false }) {
	const id = useId();
	const tenants = useLoad(async () => is_peer() ? (await list('tenants.list').catch(() => ({ items: [] }))).items : []);
	const set = (value) => {
		tenant.value = value === 'default' ? undefined : value;
		set_query({ tenant: tenant.value });
	};

	if (!tenants.data || tenants.data.length < 2) {
		return null;
	}
	return html`<span class="labelled"><label for=${id}>Tenant</label>
		<select id=${id} value=${tenant_param(all) ?? 'default'} onChange=${(event) => set(event.currentTarget.value)}>
			${all && html`<option value="*">all tenants</option>`}
			${tenants.data.map((one) => html`<option key=${one.id} value=${one.id}>${one.id}${one.status === 'active' ? '' : ` (${status_word(one.status)})`}</option>`)}
		</select></span>`;
}
