/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions about an action whose methods are in two words of the permissions: of some a condition
 * decides, of the others none.
 *
 * Each of the nodes has three permissions, so a few lie across the end of a word of 64 bits.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "policy/decide/eval.h"
#include "policy/snapshot/condition.h"
#include "policy/snapshot/given.h"
#include "policy/snapshot/tree.h"
#include "tests/policy/load.h"

enum { NODES = 64 };

static const char *const methods[] = { "PATCH", "POST", "PUT" };
#define METHODS (sizeof methods / sizeof *methods)

static const char grants[] = "facts { context.good bool }\n"
			     "stack roles {\nauthenticate required permit\n"
			     "authorize required role\nauthorize required scope\n}\n"
			     "role all { allow edit on api:/** }\n"
			     "scope all { allow edit on api:/** }\n";

static struct loaded loaded;

/* For each method M: `no-M` allows the others on a condition, `but-M` allows all and denies M, the
 * others on a condition, and `on-M` allows M always, and the others on a condition. */
static int add_method(char *at, size_t room, size_t number)
{
	const char *one = methods[number];
	const char *other = methods[(number + 1) % METHODS];
	const char *third = methods[(number + 2) % METHODS];
	int len = 0;

	for (int scope = 0; scope < 2; scope++) {
		const char *kind = scope == 1 ? "scope" : "role";

		len += snprintf(at + len, room - (size_t)len,
			"%s no-%s { allow %s, %s on api:/** when context.good }\n"
			"%s but-%s { allow edit on api:/**\ndeny %s on api:/**\n"
			"deny %s, %s on api:/** when context.good }\n"
			"%s on-%s { allow %s on api:/**\n"
			"allow %s, %s on api:/** when context.good }\n",
			kind, one, other, third, kind, one, one, other, third, kind, one, one,
			other, third);
	}
	return len;
}

static void begin(void)
{
	static char text[32768];
	size_t len = (size_t)snprintf(text, sizeof text, "tree api {\n");

	for (int i = 0; i < NODES; i++) {
		len += (size_t)snprintf(
			text + len, sizeof text - len, "/n%d { edit PATCH POST PUT }\n", i);
	}
	len += (size_t)snprintf(text + len, sizeof text - len, "}\n%s", grants);
	for (size_t i = 0; i < METHODS; i++) {
		len += (size_t)add_method(text + len, sizeof text - len, i);
	}
	cr_assert_lt(len, sizeof text);
	loaded = load_good(text);
}

static void end(void)
{
	unload(&loaded);
}

TestSuite(conditions_words, .init = begin, .fini = end);

enum good { ABSENT = 0, NO, YES };

/* Why `edit` on the node is decided as it is, by the role and the scope. */
static struct pol_str decide(int node, const char *role, const char *scope, enum good good)
{
	struct pol_given_fact fact = { pol_condition_fact(loaded.snapshot, POL_STR("context.good")),
		{ .type = POL_TYPE_BOOL, .number = good == YES } };
	const struct pol_given given = { &fact, good != ABSENT };
	struct pol_held held = { .role = pol_snapshot_role(loaded.snapshot, pol_str_of(role)) };
	uint32_t scopes[] = { pol_snapshot_scope(loaded.snapshot, pol_str_of(scope)) };
	struct pol_decision decision;
	char path[32];

	snprintf(path, sizeof path, "/n%d", node);
	pol_eval(loaded.snapshot,
		&(struct pol_facts){ .key_state = POL_KEY_ACTIVE,
			.binding = POL_BOUND_TO_PRINCIPAL,
			.principal_state = POL_PRINCIPAL_ACTIVE,
			.principal = POL_STR("ann"),
			.held = &held,
			.held_count = 1,
			.scopes = scopes,
			.scope_count = 1,
			.service = POL_STR("roles"),
			.tree = POL_STR("api"),
			.path = pol_str_of(path),
			.verb = POL_STR("edit"),
			.given = &given,
			.now = 1000 },
		&decision);
	return decision.reason;
}

/* Holds the reason of every node to the one of `want` for absent, false and true. */
static void expect(const char *role, const char *scope, const char *const want[3])
{
	for (int node = 0; node < NODES; node++) {
		for (int good = ABSENT; good <= YES; good++) {
			struct pol_str reason = decide(node, role, scope, (enum good)good);

			cr_expect(pol_str_equal(reason, pol_str_of(want[good])),
				"node %d, role %s, scope %s, %d: %.*s", node, role, scope, good,
				POL_STR_ARGS(reason));
		}
	}
}

static bool is_across(int node)
{
	struct pol_path path;
	struct pol_run_word word;
	struct pol_run run;
	char text[32];
	uint32_t number;

	snprintf(text, sizeof text, "/n%d", node);
	cr_assert_eq(pol_path_read(pol_str_of(text), &path), POL_OK);
	cr_assert_eq(pol_tree_find(loaded.snapshot,
			     pol_tree_number(loaded.snapshot, POL_STR("api")), &path, &number),
		POL_OK);
	cr_assert_eq(
		pol_tree_node_verb(loaded.snapshot, number, POL_STR("edit"), false, &run), POL_OK);
	return pol_run_next(&run, &word) && pol_run_next(&run, &word);
}

Test(conditions_words, some_actions_are_in_two_words)
{
	int across = 0;

	for (int node = 0; node < NODES; node++) {
		across += is_across(node);
	}
	cr_expect_geq(across, 2);
}

Test(conditions_words, all_methods_must_be_allowed)
{
	for (size_t i = 0; i < METHODS; i++) {
		char no[16], on[16];

		snprintf(no, sizeof no, "no-%s", methods[i]);
		snprintf(on, sizeof on, "on-%s", methods[i]);
		expect(no, "all", (const char *const[]){ "role", "role", "role" });
		expect(on, "all", (const char *const[]){ "missing_fact", "role", "ok" });
		expect("all", no, (const char *const[]){ "scope", "scope", "scope" });
		expect("all", on, (const char *const[]){ "missing_fact", "scope", "ok" });
	}
}

Test(conditions_words, no_method_may_be_denied)
{
	for (size_t i = 0; i < METHODS; i++) {
		char but[16];

		snprintf(but, sizeof but, "but-%s", methods[i]);
		expect(but, "all", (const char *const[]){ "denied", "denied", "denied" });
		expect("all", but, (const char *const[]){ "denied", "denied", "denied" });
	}
}
