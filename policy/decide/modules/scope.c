/* SPDX-License-Identifier: Apache-2.0 */
/* scope: allows what the role `anyone` allows, and for a key that is bound to scopes what these
 * allow. The scopes of other keys only narrow what roles allow; eval has checked that before. */
#include "policy/decide/modules/modules.h"

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	bool alone = request->facts->binding == POL_BOUND_TO_SCOPES;

	(void)state;
	if (request->anyone_allows || (alone && request->scopes_allow)) {
		return (struct pol_answer){ .verdict = POL_ALLOW };
	}
	if (!alone) {
		return (struct pol_answer){ .verdict = POL_IGNORE };
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("scope") };
}

const struct pol_module pol_module_scope = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "scope",
	.version = "1",
	.groups = 1U << POL_GROUP_AUTHORIZE,
	.decide = decide,
};
