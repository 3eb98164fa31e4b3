/* SPDX-License-Identifier: Apache-2.0 */
/* mfa: allows a request of a subject that has given a second factor, at most max_age ago. */
#include <stdio.h>

#include "policy/decide/modules/modules.h"
#include "policy/text/diag.h"
#include "policy/text/timetext.h"

struct mfa_state {
	uint64_t max_age; /* seconds; 0: any */
};

static const char *const names[] = { "max_age" };

static bool read_age(
	const struct pol_prepare *prepare, const struct pol_option *option, uint64_t *out)
{
	struct pol_word value = option->values[0];

	if (option->count > 1) {
		pol_diag_error(
			prepare->diags, option->values[1].at, "argument 'max_age' has one value");
		return false;
	}
	switch (pol_timetext_parse_duration(value.text, out)) {
	case POL_OK:
		return true;
	case POL_ELIMIT:
		pol_diag_error(prepare->diags, value.at, "'%.*s' is too long a time",
			POL_STR_ARGS(value.text));
		return false;
	case POL_EINVALID:
	case POL_ENOMEM:
	case POL_ENOTFOUND:
		break;
	}
	pol_diag_error(prepare->diags, value.at,
		"'%.*s' is not a duration: write a number and s, m, h or d, as in '12h'",
		POL_STR_ARGS(value.text));
	return false;
}

static bool prepare(const struct pol_prepare *prepare, const void **out)
{
	struct pol_option max_age;
	struct mfa_state *state;

	if (!prepare->options(prepare, names, 1, &max_age)) {
		return false;
	}
	state = pol_arena_alloc(prepare->arena, 1, sizeof *state);
	if (state == NULL) {
		return false;
	}
	if (max_age.count > 0 && !read_age(prepare, &max_age, &state->max_age)) {
		return false;
	}
	*out = state;
	return true;
}

static struct pol_answer decide(const void *opaque, const struct pol_request *request)
{
	const struct mfa_state *state = opaque;
	const struct pol_facts *facts = request->facts;

	/* A time in the future comes from a wrong clock or a false statement, and does not count.
	 */
	if (facts->mfa_at > 0 && facts->mfa_at <= facts->now &&
		(state->max_age == 0 || (uint64_t)(facts->now - facts->mfa_at) <= state->max_age)) {
		return (struct pol_answer){ .verdict = POL_ALLOW };
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("mfa") };
}

/* "a second factor at 2026-11-27T12:00:00Z, 3h 5m ago" */
static void fact(const void *state, const struct pol_request *request, char out[POL_FACT_TEXT])
{
	const struct pol_facts *facts = request->facts;
	char at[POL_TIME_TEXT];

	(void)state;
	if (facts->mfa_at == 0 || pol_timetext_format(facts->mfa_at, at) != POL_OK) {
		snprintf(out, POL_FACT_TEXT, "no second factor was stated");
	} else if (facts->mfa_at > facts->now) {
		snprintf(out, POL_FACT_TEXT, "the second factor's time, %s, is in the future", at);
	} else {
		snprintf(out, POL_FACT_TEXT, "the second factor was at %s, %lld s ago", at,
			(long long)(facts->now - facts->mfa_at));
	}
}

const struct pol_module pol_module_mfa = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "mfa",
	.version = "1",
	.groups = 1U << POL_GROUP_ACCOUNT,
	.prepare = prepare,
	.decide = decide,
	.fact = fact,
};
