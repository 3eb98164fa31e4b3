/* SPDX-License-Identifier: Apache-2.0 */

/*
 * deny: the answer is always no.
 *
 * A module, whole. To begin one of your own, copy this file to NAME.c; there include
 * <authz/module.h> instead, call the table authz_module, and the module NAME. MODULES.md leads on.
 */

#include "policy/decide/modules/modules.h"

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	(void)state;
	(void)request;
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("deny") };
}

const struct pol_module pol_module_deny = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "deny",
	.version = "1",
	.groups = POL_GROUPS_ALL,
	.decide = decide,
};
