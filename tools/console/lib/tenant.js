/* SPDX-License-Identifier: Apache-2.0 */
/* tenant: whose records the pages show, where there are several tenants. A caller with a token sees its own alone. */
import { signal } from '@preact/signals';

/* An id; undefined: the caller's own, "default" for a peer; '*': all of them. */
export const tenant = signal(undefined);

/* The parameter of a call. With `all` false a page that shows one tenant alone gets the usual one instead of '*'. */
export function tenant_param(all = false) {
	return tenant.value === '*' && !all ? undefined : tenant.value;
}

/* To be called as a page is drawn: a tenant that its address names is chosen. */
export function use_tenant_of(query) {
	if (query.tenant !== undefined && query.tenant !== tenant.peek()) {
		tenant.value = query.tenant;
	}
}
