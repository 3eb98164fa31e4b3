/* SPDX-License-Identifier: Apache-2.0 */
/* principal: allows a request without a token whose principal was named by a trusted peer. */
#include "policy/decide/modules/modules.h"

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	const struct pol_facts *facts = request->facts;

	(void)state;
	if (facts->key_state == POL_KEY_MISSING && !facts->by_peer &&
		facts->principal_state == POL_PRINCIPAL_ACTIVE) {
		return (struct pol_answer){ .verdict = POL_ALLOW };
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("missing_token") };
}

const struct pol_module pol_module_principal = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "principal",
	.version = "1",
	.groups = 1U << POL_GROUP_AUTHENTICATE,
	.decide = decide,
};
