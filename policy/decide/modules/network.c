/* SPDX-License-Identifier: Apache-2.0 */
/* network: allows requests by the address of the caller; `deny` wins over `allow`. */
#include "policy/decide/fact.h"
#include "policy/decide/modules/modules.h"
#include "policy/text/cidr.h"
#include "policy/text/diag.h"

struct networks {
	struct pol_network *items;
	size_t count;
};

struct network_state {
	struct networks allow; /* empty: all */
	struct networks deny;
};

enum { ALLOW, DENY, NAMES };
static const char *const names[NAMES] = { [ALLOW] = "allow", [DENY] = "deny" };

static bool read_network(
	const struct pol_prepare *prepare, const struct pol_word *word, struct pol_network *out)
{
	switch (pol_cidr_parse(word->text, out)) {
	case POL_OK:
		return true;
	case POL_ELIMIT:
		pol_diag_error(prepare->diags, word->at,
			"'%.*s' has bits set after its prefix: is the address or the length "
			"wrong?",
			POL_STR_ARGS(word->text));
		return false;
	case POL_EINVALID:
	case POL_ENOMEM:
	case POL_ENOTFOUND:
		break;
	}
	pol_diag_error(prepare->diags, word->at,
		"'%.*s' is not a network: write '10.0.0.0/8', '2001:db8::/32' or an address",
		POL_STR_ARGS(word->text));
	return false;
}

static bool read_networks(
	const struct pol_prepare *prepare, const struct pol_option *option, struct networks *out)
{
	bool good = true;

	out->items = pol_arena_alloc(prepare->arena, option->count, sizeof *out->items);
	if (out->items == NULL) {
		return false;
	}
	out->count = option->count;
	for (size_t i = 0; i < option->count; i++) {
		good = read_network(prepare, &option->values[i], &out->items[i]) && good;
	}
	return good;
}

static bool prepare(const struct pol_prepare *prepare, const void **out)
{
	struct pol_option options[NAMES];
	struct network_state *state;
	bool good;

	if (!prepare->options(prepare, names, NAMES, options)) {
		return false;
	}
	if (options[ALLOW].count + options[DENY].count == 0) {
		pol_diag_error(prepare->diags, prepare->line->module.at,
			"module 'network' wants 'allow=', 'deny=' or both, as in "
			"'network allow=10.0.0.0/8'");
		return false;
	}
	state = pol_arena_alloc(prepare->arena, 1, sizeof *state);
	if (state == NULL) {
		return false;
	}
	good = read_networks(prepare, &options[ALLOW], &state->allow);
	good = read_networks(prepare, &options[DENY], &state->deny) && good;
	if (!good) {
		return false;
	}
	*out = state;
	return true;
}

static bool have(const struct networks *networks, const struct pol_ip *ip)
{
	for (size_t i = 0; i < networks->count; i++) {
		if (pol_cidr_contains(&networks->items[i], ip)) {
			return true;
		}
	}
	return false;
}

static struct pol_answer decide(const void *opaque, const struct pol_request *request)
{
	const struct network_state *state = opaque;
	const struct pol_ip *ip = &request->facts->ip;

	if (ip->known && (state->allow.count == 0 || have(&state->allow, ip)) &&
		!have(&state->deny, ip)) {
		return (struct pol_answer){ .verdict = POL_ALLOW };
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("network") };
}

static void fact(const void *state, const struct pol_request *request, char out[POL_FACT_TEXT])
{
	(void)state;
	pol_fact_address(&request->facts->ip, out);
}

const struct pol_module pol_module_network = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "network",
	.version = "1",
	.groups = 1U << POL_GROUP_ACCOUNT,
	.prepare = prepare,
	.decide = decide,
	.fact = fact,
};
