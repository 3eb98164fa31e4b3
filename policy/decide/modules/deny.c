/* SPDX-License-Identifier: Apache-2.0 */

/*
 * deny: denies every request.
 *
 * This is a complete module. To write your own, copy this file to NAME.c, include <authz/module.h>
 * instead, name the table authz_module and the module NAME. policy/MODULES.md explains the rest.
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
