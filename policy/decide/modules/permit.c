/* SPDX-License-Identifier: Apache-2.0 */
/* permit: allows every request. */
#include "policy/decide/modules/modules.h"

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	(void)state;
	(void)request;
	return (struct pol_answer){ .verdict = POL_ALLOW };
}

const struct pol_module pol_module_permit = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "permit",
	.version = "1",
	.groups = POL_GROUPS_ALL,
	.decide = decide,
};
