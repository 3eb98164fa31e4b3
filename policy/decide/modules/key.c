/* SPDX-License-Identifier: Apache-2.0 */
/* key: allows a request with a verified token, and with `anonymous=allow` one without a token. */
#include "policy/decide/modules/modules.h"
#include "policy/text/diag.h"

struct key_state {
	bool anonymous;
};

static const char *const names[] = { "anonymous" };

static bool prepare(const struct pol_prepare *prepare, const void **out)
{
	struct pol_option anonymous;
	struct key_state *state;

	if (!prepare->options(prepare, names, 1, &anonymous)) {
		return false;
	}
	for (size_t i = 0; i < anonymous.count; i++) {
		if (i > 0 || !pol_str_equal(anonymous.values[i].text, POL_STR("allow"))) {
			pol_diag_error(prepare->diags, anonymous.values[i].at,
				"argument 'anonymous' has one value alone: 'anonymous=allow'");
			return false;
		}
	}
	state = pol_arena_alloc(prepare->arena, 1, sizeof *state);
	if (state == NULL) {
		return false;
	}
	state->anonymous = anonymous.count > 0;
	*out = state;
	return true;
}

static struct pol_answer decide(const void *opaque, const struct pol_request *request)
{
	const struct key_state *state = opaque;
	enum pol_key_state key = request->facts->key_state;

	/* Lines of the built-in stacks have no state. */
	if (key == POL_KEY_ACTIVE ||
		(key == POL_KEY_MISSING && state != NULL && state->anonymous)) {
		return (struct pol_answer){ .verdict = POL_ALLOW };
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("missing_token") };
}

const struct pol_module pol_module_key = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "key",
	.version = "1",
	.groups = 1U << POL_GROUP_AUTHENTICATE,
	.prepare = prepare,
	.decide = decide,
};
