/* SPDX-License-Identifier: Apache-2.0 */
/* deny: the answer is always no. Copy this file to begin a module of your own. */
#include "policy/modules/modules.h"

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
