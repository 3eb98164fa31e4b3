/* SPDX-License-Identifier: Apache-2.0 */
/* peer: accepts the principal that the policy declares for the user or group of the peer's socket.
 */
#include "policy/decide/modules/modules.h"

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	const struct pol_facts *facts = request->facts;

	(void)state;
	/* The request has a token, or its principal was named by the peer. */
	if (facts->key_state != POL_KEY_MISSING ||
		(facts->principal_state != POL_PRINCIPAL_NONE && !facts->by_peer)) {
		return (struct pol_answer){ .verdict = POL_IGNORE };
	}
	if (facts->by_peer && facts->principal_state == POL_PRINCIPAL_ACTIVE) {
		return (struct pol_answer){ .verdict = POL_ALLOW, .marks = POL_MARK_PEER };
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("missing_token") };
}

const struct pol_module pol_module_peer = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "peer",
	.version = "1",
	.groups = 1U << POL_GROUP_AUTHENTICATE,
	.decide = decide,
};
