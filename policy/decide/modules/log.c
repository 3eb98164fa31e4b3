/* SPDX-License-Identifier: Apache-2.0 */
/* log: writes decisions to the decision log: all of them, or denials, or a sample. */
#include "policy/decide/modules/modules.h"
#include "policy/text/diag.h"

#define SAMPLE_MAX 1000000000

struct log_state {
	bool denials;    /* denials only */
	uint32_t sample; /* one in this many; 0 and 1: each */
};

enum { ONLY, SAMPLE, NAMES };
static const char *const names[NAMES] = { [ONLY] = "only", [SAMPLE] = "sample" };

/* `1/100` */
static bool read_sample(
	const struct pol_prepare *prepare, const struct pol_word *word, uint32_t *out)
{
	struct pol_str text = word->text;
	uint32_t value = 0;
	bool good = text.len > 2 && text.ptr[0] == '1' && text.ptr[1] == '/';

	for (size_t i = 2; i < text.len && good; i++) {
		good = text.ptr[i] >= '0' && text.ptr[i] <= '9' && value <= SAMPLE_MAX / 10;
		value = good ? value * 10 + (uint32_t)(text.ptr[i] - '0') : 0;
	}
	if (!good || value == 0) {
		pol_diag_error(prepare->diags, word->at,
			"'%.*s' is not a sample: write one of a number, as in '1/100'",
			POL_STR_ARGS(text));
		return false;
	}
	*out = value;
	return true;
}

static bool prepare(const struct pol_prepare *prepare, const void **out)
{
	struct pol_option options[NAMES];
	struct log_state *state;

	if (!prepare->options(prepare, names, NAMES, options)) {
		return false;
	}
	state = pol_arena_alloc(prepare->arena, 1, sizeof *state);
	if (state == NULL) {
		return false;
	}
	for (size_t i = 0; i < NAMES; i++) {
		if (options[i].count > 1) {
			pol_diag_error(prepare->diags, options[i].values[1].at,
				"argument '%s' has one value", names[i]);
			return false;
		}
	}
	state->denials = options[ONLY].count > 0;
	if (state->denials && !pol_str_equal(options[ONLY].values[0].text, POL_STR("deny"))) {
		pol_diag_error(prepare->diags, options[ONLY].values[0].at,
			"argument 'only' has one value alone: 'only=deny'");
		return false;
	}
	*out = state;
	return options[SAMPLE].count == 0 ||
	       read_sample(prepare, &options[SAMPLE].values[0], &state->sample);
}

static struct pol_answer decide(const void *opaque, const struct pol_request *request)
{
	const struct log_state *state = opaque;
	struct pol_answer answer = { .verdict = POL_IGNORE };

	if ((!state->denials || !request->allowed) &&
		(state->sample <= 1 || request->facts->dice % state->sample == 0)) {
		answer.marks = POL_MARK_LOG;
	}
	return answer;
}

const struct pol_module pol_module_log = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "log",
	.version = "1",
	.groups = 1U << POL_GROUP_RECORD,
	.prepare = prepare,
	.decide = decide,
};
