/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sees: allows a request whose facts are those of its arguments, and names in its denial the first
 * that differs. It shows all that a module can see of the tenant, the node, its parameters and time
 * zones:
 *
 *	account required sees tenant=acme node=api:/loans/{loan} loan=7 zone=Europe/Berlin offset=1h
 */

#include <authz/module.h>
#include <stdio.h>
#include <stdlib.h>

/* A node's text that is longer is another one than the argument. */
#define NODE 256

/* Values of a parameter, joined by slashes. */
#define VALUE 256

enum { TENANT, NODE_NAME, LOAN, PATH, ZONE, OFFSET, NAMES };
static const char *const names[NAMES] = { [TENANT] = "tenant",
	[NODE_NAME] = "node",
	[LOAN] = "loan",
	[PATH] = "path",
	[ZONE] = "zone",
	[OFFSET] = "offset" };

struct sees {
	struct pol_str wanted[NAMES]; /* ptr NULL: not asked for */
	const struct pol_zone *zone;
	bool has_zone;
};

static bool keep(
	const struct pol_prepare *prepare, const struct pol_option *option, struct pol_str *out)
{
	struct pol_str text = option->values[0].text;
	char *copy = prepare->alloc(prepare, text.len + 1, 1);

	if (copy != NULL) {
		memcpy(copy, text.ptr, text.len);
		*out = (struct pol_str){ copy, text.len };
	}
	return copy != NULL;
}

static bool prepare_sees(const struct pol_prepare *prepare, const void **out)
{
	struct sees *sees = prepare->alloc(prepare, 1, sizeof *sees);
	struct pol_option options[NAMES];
	unsigned count = 0;

	if (sees == NULL || !prepare->options(prepare, names, NAMES, options)) {
		return false;
	}
	for (int i = 0; i < NAMES; i++) {
		if (options[i].count > 0 && !keep(prepare, &options[i], &sees->wanted[i])) {
			return false;
		}
		count += options[i].count > 0;
	}
	sees->has_zone = options[ZONE].count > 0;
	if (sees->has_zone && !prepare->zone(prepare, &options[ZONE].values[0], &sees->zone)) {
		return false;
	}
	prepare->note(prepare, "%u facts", count);
	*out = sees;
	return true;
}

static bool is(const struct sees *sees, int name, struct pol_str value)
{
	return sees->wanted[name].ptr == NULL || pol_str_equal(sees->wanted[name], value);
}

static bool is_at_node(const struct sees *sees, const struct pol_request *request)
{
	char text[NODE];
	size_t len = request->node(request, text, sizeof text);

	return is(sees, NODE_NAME, (struct pol_str){ text, len < sizeof text ? len : 0 });
}

/* All values of the parameter, with slashes between them. */
static bool has_parameter(const struct sees *sees, int name, const struct pol_request *request)
{
	char joined[VALUE];
	struct pol_str value;
	size_t len = 0;

	for (uint32_t i = 0; request->parameter(request, pol_str_of(names[name]), i, &value); i++) {
		if (len + value.len + 1 > sizeof joined) {
			return false;
		}
		if (i > 0) {
			joined[len++] = '/';
		}
		memcpy(joined + len, value.ptr, value.len);
		len += value.len;
	}
	return is(sees, name, (struct pol_str){ joined, len });
}

static bool is_in_zone(const struct sees *sees, const struct pol_request *request)
{
	char offset[16];

	if (!sees->has_zone) {
		return true;
	}
	snprintf(offset, sizeof offset, "%d",
		(int)request->zone_offset(sees->zone, request->facts->time));
	return is(sees, OFFSET, pol_str_of(offset));
}

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	const struct sees *sees = state;
	struct pol_answer answer = { .verdict = POL_DENY };

	if (!is(sees, TENANT, request->facts->tenant_name)) {
		answer.reason = POL_STR("tenant");
	} else if (!is_at_node(sees, request)) {
		answer.reason = POL_STR("node");
	} else if (!has_parameter(sees, LOAN, request)) {
		answer.reason = POL_STR("loan");
	} else if (!has_parameter(sees, PATH, request)) {
		answer.reason = POL_STR("path");
	} else if (!is_in_zone(sees, request)) {
		answer.reason = POL_STR("zone");
	} else {
		answer.verdict = POL_ALLOW;
	}
	return answer;
}

static void fact(const void *state, const struct pol_request *request, char out[POL_FACT_TEXT])
{
	(void)state;
	snprintf(out, POL_FACT_TEXT, "tenant %.*s", POL_STR_ARGS(request->facts->tenant_name));
}

const struct pol_module authz_module = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "sees",
	.version = "1",
	.groups = 1U << POL_GROUP_ACCOUNT | 1U << POL_GROUP_AUTHENTICATE,
	.prepare = prepare_sees,
	.decide = decide,
	.fact = fact,
};
