/* SPDX-License-Identifier: Apache-2.0 */
/* tenant_calls: calls about the records of the tenant that the pages show. */
import { useEffect } from 'preact/hooks';
import { call, list } from './api.js';
import { set_query } from './route.js';
import { tenant_param, use_tenant_of } from './tenant.js';

export function ask(method, params = {}) {
	return call(method, { tenant: tenant_param(), ...params });
}

export function ask_list(method, params = {}, ...rest) {
	return list(method, { tenant: tenant_param(), ...params }, ...rest);
}

/* For the page of one record: its address names the tenant, so that it can be sent and loaded again. */
export function use_tenant(query) {
	use_tenant_of(query);
	useEffect(() => {
		if (tenant_param() !== undefined && query.tenant !== tenant_param()) {
			set_query({ tenant: tenant_param() });
		}
	}, []);
}
