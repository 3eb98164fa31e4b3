/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decide/eval.h"
#include "policy/text/cidr.h"
#include "policy/text/reason.h"
#include "tests/policy/load.h"

/*
 * Runs the decision tables of tests/cases. tests/cases/README.md has the format.
 */

#define WORDS  32
#define HELD   8
#define PLACES 8

struct row {
	struct pol_facts facts;
	uint32_t marks;
	struct pol_held held[HELD];
	struct pol_str places[HELD][PLACES];
	uint32_t scopes[HELD];
	struct pol_str key_places[PLACES];
	struct pol_network networks[PLACES];
};

struct choice {
	const char *word;
	int value;
};

static const struct choice key_states[] = { { "missing", POL_KEY_MISSING },
	{ "malformed", POL_KEY_MALFORMED }, { "unknown", POL_KEY_UNKNOWN },
	{ "revoked", POL_KEY_REVOKED }, { "inactive", POL_KEY_INACTIVE },
	{ "expired", POL_KEY_EXPIRED }, { "active", POL_KEY_ACTIVE }, { NULL, 0 } };
static const struct choice principal_states[] = { { "none", POL_PRINCIPAL_NONE },
	{ "unknown", POL_PRINCIPAL_UNKNOWN }, { "inactive", POL_PRINCIPAL_INACTIVE },
	{ "active", POL_PRINCIPAL_ACTIVE }, { NULL, 0 } };
static const struct choice bindings[] = { { "nothing", POL_BOUND_TO_NOTHING },
	{ "principal", POL_BOUND_TO_PRINCIPAL }, { "roles", POL_BOUND_TO_ROLES },
	{ "scopes", POL_BOUND_TO_SCOPES }, { NULL, 0 } };

static int choose(const struct choice *choices, const char *word)
{
	for (; choices->word != NULL; choices++) {
		if (strcmp(choices->word, word) == 0) {
			return choices->value;
		}
	}
	cr_assert_fail("unknown word '%s'", word);
	return 0;
}

/* ROLE or ROLE@PLACE@PLACE */
static void add_role(const struct pol_snapshot *snapshot, struct row *row, char *value)
{
	uint32_t i = row->facts.held_count++;
	char *rest = NULL;
	char *word = strtok_r(value, "@", &rest);

	cr_assert_lt(i, HELD);
	row->held[i].role = pol_snapshot_role(snapshot, pol_str_of(word));
	row->held[i].places = row->places[i];
	while ((word = strtok_r(NULL, "@", &rest)) != NULL) {
		cr_assert_lt(row->held[i].place_count, PLACES);
		row->places[i][row->held[i].place_count++] = pol_str_of(word);
	}
}

static struct pol_str take_none(const struct pol_counter *counter, const struct pol_facts *facts,
	const struct pol_charge *const *charges, uint32_t count)
{
	(void)counter;
	(void)facts;
	(void)charges;
	(void)count;
	return POL_STR("quota");
}

static const struct pol_counter used_up = { .take = take_none };

static void set_flag(struct row *row, const char *word)
{
	struct pol_facts *facts = &row->facts;

	if (strcmp(word, "wrong_environment") == 0) {
		facts->wrong_environment = true;
	} else if (strcmp(word, "wrong_tenant") == 0) {
		facts->wrong_tenant = true;
	} else if (strcmp(word, "inactive_tenant") == 0) {
		facts->tenant_inactive = true;
	} else if (strcmp(word, "narrowed") == 0) {
		facts->narrowed = true;
	} else if (strcmp(word, "scopes_gone") == 0) {
		facts->narrowed = true;
		facts->narrowed_by_scopes = true;
	} else if (strcmp(word, "http") == 0) {
		facts->http = true;
	} else if (strcmp(word, "used_up") == 0) {
		facts->counter = &used_up;
	} else if (strcmp(word, "by_peer") == 0) {
		facts->by_peer = true;
	} else if (strcmp(word, "warned") == 0) {
		row->marks = POL_MARK_WARN;
	} else if (strcmp(word, "as_peer") == 0) {
		row->marks = POL_MARK_PEER;
	} else {
		cr_assert_fail("unknown word '%s'", word);
	}
}

static void set_value(
	const struct pol_snapshot *snapshot, struct row *row, const char *name, char *value)
{
	struct pol_facts *facts = &row->facts;

	if (strcmp(name, "key") == 0) {
		facts->key_state = (enum pol_key_state)choose(key_states, value);
	} else if (strcmp(name, "principal") == 0) {
		facts->principal_state = (enum pol_principal_state)choose(principal_states, value);
	} else if (strcmp(name, "bound") == 0) {
		facts->binding = (enum pol_binding)choose(bindings, value);
	} else if (strcmp(name, "role") == 0) {
		add_role(snapshot, row, value);
	} else if (strcmp(name, "scope") == 0) {
		cr_assert_lt(facts->scope_count, HELD);
		row->scopes[facts->scope_count++] = pol_snapshot_scope(snapshot, pol_str_of(value));
		facts->narrowed = true;
		facts->narrowed_by_scopes = true;
	} else if (strcmp(name, "at") == 0) {
		cr_assert_lt(facts->key_place_count, PLACES);
		row->key_places[facts->key_place_count++] = pol_str_of(value);
		facts->narrowed = true;
	} else if (strcmp(name, "network") == 0) {
		cr_assert_lt(facts->key_network_count, PLACES);
		cr_assert_eq(pol_cidr_parse(
				     pol_str_of(value), &row->networks[facts->key_network_count++]),
			POL_OK);
	} else if (strcmp(name, "ip") == 0) {
		cr_assert_eq(pol_cidr_parse_ip(pol_str_of(value), &facts->ip), POL_OK);
	} else if (strcmp(name, "now") == 0) {
		facts->now = strtoll(value, NULL, 10);
	} else if (strcmp(name, "mfa") == 0) {
		facts->mfa_at = strtoll(value, NULL, 10);
	} else if (strcmp(name, "service") == 0) {
		facts->service = pol_str_of(value);
	} else if (strcmp(name, "tree") == 0) {
		facts->tree = pol_str_of(value);
	} else {
		cr_assert_fail("unknown word '%s='", name);
	}
}

static void set(const struct pol_snapshot *snapshot, struct row *row, char *word)
{
	char *equals = strchr(word, '=');

	if (equals == NULL) {
		set_flag(row, word);
		return;
	}
	*equals = 0;
	set_value(snapshot, row, word, equals + 1);
}

static void run_row(const struct pol_snapshot *snapshot, char *line, const char *file, int number)
{
	struct row row = { 0 };
	struct pol_decision decision = { .allow = true };
	char *words[WORDS];
	size_t count = 0;
	char *rest = NULL;
	char *word;

	row.facts.held = row.held;
	row.facts.scopes = row.scopes;
	row.facts.key_places = row.key_places;
	row.facts.key_networks = row.networks;
	for (word = strtok_r(line, " \t", &rest); word != NULL;
		word = strtok_r(NULL, " \t", &rest)) {
		cr_assert_lt(count, WORDS);
		words[count++] = word;
	}
	cr_assert_geq(count, 4, "%s:%d: too few words", file, number);
	for (size_t i = 0; i < count - 4; i++) {
		set(snapshot, &row, words[i]);
	}
	row.facts.verb = pol_str_of(words[count - 4]);
	row.facts.path = pol_str_of(words[count - 3]);
	pol_eval(snapshot, &row.facts, &decision);
	cr_expect(pol_str_equal(decision.reason, pol_str_of(words[count - 2])),
		"%s:%d: expected %s, got %.*s", file, number, words[count - 2],
		POL_STR_ARGS(decision.reason));
	cr_expect_eq(decision.status, strtol(words[count - 1], NULL, 10), "%s:%d: status %d", file,
		number, decision.status);
	cr_expect_eq(decision.allow, decision.status == 200, "%s:%d", file, number);
	cr_expect_eq(decision.marks, row.marks, "%s:%d: marks %x", file, number, decision.marks);
	cr_expect_eq(pol_reason_is_unauthenticated(decision.reason), decision.status == 401,
		"%s:%d", file, number);
}

/* The lines of a table, each as a string; what was before the line `cases` is the policy. */
static void run_table(const char *path, unsigned least)
{
	struct loaded text = load_file(path);
	char *all = (char *)(uintptr_t)text.sources[0].text.ptr;
	char *table = strstr(all, "\ncases\n");
	struct loaded loaded;
	unsigned rows = 0;
	int number = 1;

	cr_assert_not_null(table, "%s has no line 'cases'", path);
	table[1] = 0;
	loaded = load_text(all);
	cr_assert_eq(loaded.status, POL_OK, "%s: %s", path, loaded.said);
	for (const char *c = all; *c != 0; c++) {
		number += *c == '\n';
	}
	for (char *line = table + 7; *line != 0;) {
		size_t len = strcspn(line, "\n");
		char *next = line + len + (line[len] != 0);

		number++;
		line[len] = 0;
		if (len > 0 && line[0] != '#') {
			run_row(loaded.snapshot, line, path, number);
			rows++;
		}
		line = next;
	}
	cr_expect_geq(rows, least, "%s has %u rows", path, rows);
	unload(&loaded);
	unload(&text);
}

Test(eval, the_first_step_that_denies_gives_the_reason)
{
	run_table("tests/cases/order.cases", 30);
}

Test(eval, of_two_neighbouring_steps_the_first_gives_the_reason)
{
	run_table("tests/cases/pairs.cases", 50);
}

Test(eval, literals_and_rests_match_as_the_reference_says)
{
	run_table("tests/cases/paths.cases", 30);
}

Test(eval, roles_and_scopes_combine_as_the_reference_says)
{
	run_table("tests/cases/subjects.cases", 50);
}

Test(eval, the_service_chooses_the_stack)
{
	run_table("tests/cases/services.cases", 10);
}

Test(eval, other_decides_for_every_service_without_a_stack)
{
	run_table("tests/cases/other.cases", 5);
}

Test(eval, the_principal_of_the_peer_counts_if_the_stack_accepts_it)
{
	run_table("tests/cases/peers.cases", 15);
}

Test(eval, zeroed_facts_deny_whatever_the_stack)
{
	struct loaded loaded = load_text("tree api {\n/a { GET }\n}\n"
					 "role anyone {\nallow all on api:/**\n}\n"
					 "stack other {\nauthenticate required permit\n"
					 "authorize required permit\n}\n");
	struct pol_facts facts = { 0 };
	struct pol_decision decision = { .allow = true };

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	pol_eval(loaded.snapshot, &facts, &decision);
	cr_expect(!decision.allow);
	cr_expect_eq(decision.status, 400);
	unload(&loaded);
}

Test(eval, states_that_do_not_exist_are_denied)
{
	struct loaded loaded = load_text("tree api {\n/a { GET }\n}\n"
					 "role r {\nallow all on api:/**\n}\n");
	struct pol_held held = { .role = 0 };
	struct pol_facts facts = { .key_state = (enum pol_key_state)99,
		.held = &held,
		.held_count = 1,
		.verb = POL_STR("GET"),
		.path = POL_STR("api:/a") };
	struct pol_decision decision;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	pol_eval(loaded.snapshot, &facts, &decision);
	cr_expect(pol_str_equal(decision.reason, POL_STR("unknown_key")));
	facts.key_state = POL_KEY_ACTIVE;
	facts.principal_state = (enum pol_principal_state)99;
	pol_eval(loaded.snapshot, &facts, &decision);
	cr_expect(pol_str_equal(decision.reason, POL_STR("unknown_principal")));
	facts.principal_state = POL_PRINCIPAL_ACTIVE;
	facts.binding = (enum pol_binding)99;
	pol_eval(loaded.snapshot, &facts, &decision);
	cr_expect(pol_str_equal(decision.reason, POL_STR("role")));
	unload(&loaded);
}

static struct pol_str answer_ok(const struct pol_counter *counter, const struct pol_facts *facts,
	const struct pol_charge *const *charges, uint32_t count)
{
	(void)counter;
	(void)facts;
	(void)charges;
	(void)count;
	return POL_STR("ok");
}

Test(eval, a_denial_never_has_the_status_of_an_allowed_request)
{
	struct loaded loaded = load_text("tree api { /a { GET } }\n"
					 "role anyone { allow all on api:/** }\n"
					 "stack other {\nauthenticate required permit\n"
					 "account required quota name=a limit=1 period=1m per=ip\n"
					 "authorize required role\n}\n");
	static const struct pol_counter wrong = { .take = answer_ok };
	struct pol_facts facts = { .ip = { .known = true, .bytes = { [15] = 1 } },
		.verb = POL_STR("GET"),
		.path = POL_STR("api:/a"),
		.counter = &wrong };
	const struct pol_str *reasons;
	size_t count = pol_reasons(&reasons);
	struct pol_decision decision;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	pol_eval(loaded.snapshot, &facts, &decision);
	cr_expect_not(decision.allow);
	cr_expect(pol_str_equal(decision.reason, POL_STR("module_error")));
	cr_expect_eq(decision.status, 503);
	unload(&loaded);
	for (size_t i = 0; i < count; i++) {
		uint16_t status = pol_reason_status(reasons[i]);
		bool denies = status == 400 || status == 401 || status == 403 || status == 404 ||
			      status == 429 || status == 503;

		cr_expect_eq(
			pol_reason_is_denial(reasons[i]), denies, "%.*s", POL_STR_ARGS(reasons[i]));
	}
}

/* Two trees have the same path, and one lacks it; in one of them the role allows. */
Test(eval, a_memo_of_a_path_is_of_one_tree)
{
	struct loaded loaded = load_text("tree api {\n/a { /{b} { GET } }\n}\n"
					 "tree web {\n/{a} { /c { GET } }\n}\n"
					 "tree old {\n/z { GET }\n}\n"
					 "role r { allow GET on api:/a/{b} }\n");
	static const struct {
		struct pol_str tree, path;
		const char *reason;
	} rows[] = {
		{ POL_STR_INIT("api"), POL_STR_INIT("/a/c"), "ok" },
		{ POL_STR_INIT("web"), POL_STR_INIT("/a/c"), "role" },
		{ POL_STR_INIT("old"), POL_STR_INIT("/a/c"), "unknown_resource" },
		{ POL_STR_INIT("none"), POL_STR_INIT("/a/c"), "unknown_resource" },
		{ POL_STR_INIT(""), POL_STR_INIT("web:/a/c"), "role" },
		{ POL_STR_INIT(""), POL_STR_INIT("api:/a/c"), "ok" },
		{ POL_STR_INIT("api"), POL_STR_INIT("/a/c"), "ok" },
	};
	struct pol_path_memo memo = { .known = false };
	struct pol_held held = { .role = pol_snapshot_role(loaded.snapshot, POL_STR("r")) };
	struct pol_facts facts = {
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.principal = POL_STR("p"),
		.held = &held,
		.held_count = 1,
		.verb = POL_STR("GET"),
		.memo = &memo,
	};
	struct pol_decision decision;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		/* Each twice: the first time the node is found, the second time it is known. */
		facts.tree = rows[i / 2].tree;
		facts.path = rows[i / 2].path;
		facts.http = facts.tree.len > 0;
		pol_eval(loaded.snapshot, &facts, &decision);
		cr_expect(pol_str_equal(decision.reason, pol_str_of(rows[i / 2].reason)),
			"row %zu: %.*s", i / 2, POL_STR_ARGS(decision.reason));
		cr_expect_eq(decision.node == POL_NONE,
			strcmp(rows[i / 2].reason, "unknown_resource") == 0);
	}
	unload(&loaded);
}

/* A listing has no resource: what is about one is not asked, all else is, and in the same order. */
Test(eval, a_listing_is_decided_without_a_resource)
{
	struct loaded loaded = load_text("tree api {\n/a { GET }\n}\n"
					 "stack other {\nauthenticate required principal\n"
					 "account required network allow=10.0.0.0/8\n"
					 "authorize required role\n}\n"
					 "stack closed {\nauthenticate required principal\n"
					 "authorize requisite deny\nauthorize required role\n}\n");
	struct pol_facts facts = {
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.principal = POL_STR("p"),
		.ip = { .known = true, .bytes = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 } },
	};
	struct pol_decision decision;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	pol_eval_listing(loaded.snapshot, &facts, &decision);
	cr_expect(decision.allow);
	cr_expect_eq(decision.permission, POL_NONE);
	facts.service = POL_STR("closed");
	pol_eval_listing(loaded.snapshot, &facts, &decision);
	cr_expect_not(decision.allow);
	cr_expect(pol_str_equal(decision.reason, POL_STR("deny")));
	facts.service = (struct pol_str){ NULL, 0 };
	facts.ip.known = false;
	pol_eval_listing(loaded.snapshot, &facts, &decision);
	cr_expect(pol_str_equal(decision.reason, POL_STR("network")));
	facts.principal_state = POL_PRINCIPAL_INACTIVE;
	pol_eval_listing(loaded.snapshot, &facts, &decision);
	cr_expect(pol_str_equal(decision.reason, POL_STR("inactive_principal")));
	facts = (struct pol_facts){ 0 };
	pol_eval_listing(loaded.snapshot, &facts, &decision);
	cr_expect(pol_str_equal(decision.reason, POL_STR("missing_token")));
	unload(&loaded);
}
