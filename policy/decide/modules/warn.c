/* SPDX-License-Identifier: Apache-2.0 */
/* warn: ignores every request; its decision is logged as a warning. */
#include "policy/decide/modules/modules.h"

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	(void)state;
	(void)request;
	return (struct pol_answer){ .verdict = POL_IGNORE, .marks = POL_MARK_WARN };
}

const struct pol_module pol_module_warn = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "warn",
	.version = "1",
	.groups = POL_GROUPS_ALL,
	.decide = decide,
};
