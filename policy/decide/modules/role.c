/* SPDX-License-Identifier: Apache-2.0 */
/* role: allows what the subject's roles allow. Ignores a key that is bound to scopes. */
#include "policy/decide/modules/modules.h"

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	(void)state;
	if (request->facts->binding == POL_BOUND_TO_SCOPES) {
		return (struct pol_answer){ .verdict = POL_IGNORE };
	}
	if (request->roles_allow) {
		return (struct pol_answer){ .verdict = POL_ALLOW };
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("role") };
}

const struct pol_module pol_module_role = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "role",
	.version = "1",
	.groups = 1U << POL_GROUP_AUTHORIZE,
	.decide = decide,
};
