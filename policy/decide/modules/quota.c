/* SPDX-License-Identifier: Apache-2.0 */
/* quota: limits the number of requests in a period. The module names a charge, which eval counts
 * when all else allows, so that denied requests are not counted. */
#include <stdio.h>

#include "policy/decide/modules/modules.h"
#include "policy/text/diag.h"
#include "policy/text/timetext.h"

enum { NAME, LIMIT, PERIOD, PER, PREFIX6, NAMES };
static const char *const names[NAMES] = {
	[NAME] = "name",
	[LIMIT] = "limit",
	[PERIOD] = "period",
	[PER] = "per",
	[PREFIX6] = "prefix6",
};

static bool read_name(
	const struct pol_prepare *prepare, const struct pol_word *word, struct pol_charge *out)
{
	struct pol_str text = word->text;
	bool good = text.len <= POL_CHARGE_NAME && text.ptr[0] >= 'a' && text.ptr[0] <= 'z';

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		good = good &&
		       ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-');
	}
	if (!good) {
		pol_diag_error(prepare->diags, word->at,
			"'%.*s' is not a name: write small letters, digits, '_' and '-', at most "
			"%d, "
			"beginning with a letter",
			POL_STR_ARGS(text), POL_CHARGE_NAME);
		return false;
	}
	out->name = pol_arena_copy(prepare->arena, text);
	return out->name.ptr != NULL;
}

/* A number from 1 to `most`; 0: the text is not such a number. */
static uint64_t read_number(struct pol_str text, uint64_t most)
{
	uint64_t value = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c < '0' || c > '9') {
			return 0;
		}
		value = value * 10 + (uint64_t)(c - '0');
		if (value > most) {
			return 0;
		}
	}
	return value;
}

static bool read_limit(
	const struct pol_prepare *prepare, const struct pol_word *word, struct pol_charge *out)
{
	uint64_t value = read_number(word->text, POL_CHARGE_LIMIT);

	if (value == 0) {
		pol_diag_error(prepare->diags, word->at,
			"'%.*s' is not a limit: write a number from 1 to 1000000000000000",
			POL_STR_ARGS(word->text));
		return false;
	}
	out->limit = value;
	return true;
}

static bool read_period(
	const struct pol_prepare *prepare, const struct pol_word *word, struct pol_charge *out)
{
	if (pol_timetext_parse_duration(word->text, &out->period) != POL_OK ||
		out->period > POL_CHARGE_PERIOD) {
		pol_diag_error(prepare->diags, word->at,
			"'%.*s' is not a period: write a number and s, m, h or d, as in '1h', at "
			"most "
			"3650d",
			POL_STR_ARGS(word->text));
		return false;
	}
	return true;
}

static bool read_per(
	const struct pol_prepare *prepare, const struct pol_word *word, struct pol_charge *out)
{
	static const struct {
		struct pol_str word;
		enum pol_per per;
	} words[] = {
		{ POL_STR_INIT("key"), POL_PER_KEY },
		{ POL_STR_INIT("principal"), POL_PER_PRINCIPAL },
		{ POL_STR_INIT("tenant"), POL_PER_TENANT },
		{ POL_STR_INIT("ip"), POL_PER_IP },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (pol_str_equal(words[i].word, word->text)) {
			out->per = words[i].per;
			return true;
		}
	}
	pol_diag_error(prepare->diags, word->at,
		"'%.*s' is nothing to count by: write key, principal, tenant or ip",
		POL_STR_ARGS(word->text));
	return false;
}

static bool read_prefix6(
	const struct pol_prepare *prepare, const struct pol_word *word, struct pol_charge *out)
{
	out->prefix6 = (uint32_t)read_number(word->text, 128);
	if (out->prefix6 == 0) {
		pol_diag_error(prepare->diags, word->at,
			"'%.*s' is not a length of an IPv6 prefix: write a number from 1 to 128, "
			"as "
			"in "
			"'prefix6=48'",
			POL_STR_ARGS(word->text));
	}
	return out->prefix6 != 0;
}

/* Without `prefix6=`: the default, where it has a meaning. */
static bool check_prefix6(const struct pol_prepare *prepare, const struct pol_option *option,
	struct pol_charge *charge)
{
	if (option->count == 0) {
		charge->prefix6 = charge->per == POL_PER_IP ? POL_CHARGE_PREFIX6 : 0;
	} else if (charge->per != POL_PER_IP) {
		pol_diag_error(prepare->diags, option->values[0].at,
			"argument 'prefix6' is for 'per=ip' alone");
		return false;
	}
	return true;
}

static bool prepare(const struct pol_prepare *prepare, const void **out)
{
	static bool (*const read[NAMES])(const struct pol_prepare *, const struct pol_word *,
		struct pol_charge *) = { [NAME] = read_name,
		[LIMIT] = read_limit,
		[PERIOD] = read_period,
		[PER] = read_per,
		[PREFIX6] = read_prefix6 };
	const struct pol_ast_line *line = prepare->line;
	struct pol_option options[NAMES];
	struct pol_charge *charge;
	bool good = true;

	if (!prepare->options(prepare, names, NAMES, options)) {
		return false;
	}
	if (line->control != POL_CONTROL_REQUIRED && line->control != POL_CONTROL_REQUISITE) {
		pol_diag_error(prepare->diags, line->module.at,
			"write 'required' or 'requisite' for module 'quota': else it would deny "
			"nothing");
		return false;
	}
	charge = pol_arena_alloc(prepare->arena, 1, sizeof *charge);
	if (charge == NULL) {
		return false;
	}
	for (size_t i = 0; i < NAMES; i++) {
		if (options[i].count == 0 && i != PREFIX6) {
			pol_diag_error(prepare->diags, line->module.at,
				"module 'quota' wants '%s=', as in 'quota name=api limit=1000 "
				"period=1h per=key'",
				names[i]);
			good = false;
		} else if (options[i].count > 1) {
			pol_diag_error(prepare->diags, options[i].values[1].at,
				"argument '%s' has one value", names[i]);
			good = false;
		} else if (options[i].count == 1) {
			good = read[i](prepare, &options[i].values[0], charge) && good;
		}
	}
	good = good && check_prefix6(prepare, &options[PREFIX6], charge);
	*out = charge;
	return good;
}

/* Is there a key, principal, tenant or address to count for? */
static bool is_known(const struct pol_facts *facts, enum pol_per per)
{
	switch (per) {
	case POL_PER_KEY:
		return facts->key_state == POL_KEY_ACTIVE && facts->key.len > 0;
	case POL_PER_PRINCIPAL:
		return facts->principal_state == POL_PRINCIPAL_ACTIVE && facts->principal.len > 0;
	case POL_PER_TENANT:
		return facts->tenant != 0;
	case POL_PER_IP:
		return facts->ip.known;
	}
	return false;
}

static struct pol_answer decide(const void *opaque, const struct pol_request *request)
{
	const struct pol_charge *charge = opaque;

	if (is_known(request->facts, charge->per)) {
		return (struct pol_answer){ .verdict = POL_ALLOW, .charge = charge };
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("quota") };
}

/* What there is none of. A quota that is used up is no denial of the module. */
static void fact(const void *opaque, const struct pol_request *request, char out[POL_FACT_TEXT])
{
	static const char *const missing[] = {
		[POL_PER_KEY] = "there is no key to count by",
		[POL_PER_PRINCIPAL] = "there is no principal to count by",
		[POL_PER_TENANT] = "there is no tenant to count by",
		[POL_PER_IP] = "no address was stated to count by",
	};
	const struct pol_charge *charge = opaque;

	(void)request;
	snprintf(out, POL_FACT_TEXT, "%s", missing[charge->per]);
}

const struct pol_module pol_module_quota = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "quota",
	.version = "1",
	.groups = 1U << POL_GROUP_ACCOUNT,
	.prepare = prepare,
	.decide = decide,
	.fact = fact,
};
