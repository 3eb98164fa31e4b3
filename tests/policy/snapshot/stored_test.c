/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/stored.h"

#include "policy/decide/eval.h"
#include "tests/policy/compiled_text.h"
#include "tests/policy/kept_lines.h"

static const char policy[] = "tree api {\n"
			     "  /loans { list GET, create POST\n"
			     "    /{loan} { read GET, update PUT PATCH, delete DELETE } }\n"
			     "  /files/{path...} { GET }\n"
			     "  /health { GET }\n"
			     "}\n"
			     "tree ui { /settings { view, manage } }\n"
			     "role anyone { allow GET on api:/health }\n"
			     "role viewer { allow GET on api:/loans/** }\n"
			     "role collector inherits viewer { allow create on api:/loans }\n"
			     "role auditor { allow GET on api:/files/{path...} }\n"
			     "scope files { allow GET on api:/files/{path...} }\n"
			     "exclusive collector, auditor\n";

/* Without {loan}'s DELETE, and without tree ui. */
static const char smaller[] = "tree api {\n"
			      "  /loans { list GET, create POST\n"
			      "    /{loan} { read GET, update PUT PATCH } }\n"
			      "}\n"
			      "role viewer { allow GET on api:/loans/** }\n";

static struct pol_stored *parse(const struct pol_snapshot *snapshot, const char *grant)
{
	struct pol_str text = pol_str_of(grant);
	struct pol_stored_fault fault = { .why = "" };
	struct pol_stored *stored = NULL;

	cr_assert_eq(pol_stored_text_parse(snapshot, &text, grant[0] != '\0', &fault, &stored),
		POL_OK, "%s", fault.why);
	return stored;
}

Test(stored, the_selected_permissions_are_written_out)
{
	static const struct {
		const char *grant;
		const char *lines[4];
	} cases[] = {
		{ "allow GET on api:/loans/**", { "+GET api:/loans", "+GET api:/loans/{loan}" } },
		{ "allow update on api:/loans/{loan}", { "+PUT,PATCH api:/loans/{loan}" } },
		{ "deny all on ui:/**", { "-view,manage ui:/settings" } },
		{ "allow all on api:/files/** except GET on api:/health", { NULL } },
		{ "allow all on api:/loans/** except delete",
			{ "+GET,POST api:/loans", "+GET,PUT,PATCH api:/loans/{loan}" } },
		{ "allow GET on api:/files/{path...}", { "+GET api:/files/{path...}" } },
	};
	struct pol_snapshot *snapshot = compiled_text_good(policy);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct kept_lines text = { .count = 0 };
		struct pol_stored *stored;

		if (cases[i].lines[0] == NULL) {
			continue;
		}
		stored = parse(snapshot, cases[i].grant);
		cr_assert_eq(
			pol_stored_lines_write(snapshot, stored, kept_lines_keep, &text), POL_OK);
		for (size_t k = 0; k < text.count; k++) {
			cr_assert_not_null(cases[i].lines[k]);
			cr_expect_str_eq(text.items[k], cases[i].lines[k]);
		}
		cr_expect_null(cases[i].lines[text.count]);
		pol_stored_unref(stored);
	}
	pol_snapshot_unref(snapshot);
}

Test(stored, a_mistake_is_reported_with_its_column)
{
	static const struct {
		const char *grant;
		uint32_t column;
		const char *why;
	} cases[] = {
		{ "allow GTE on api:/loans", 7, "GTE" },
		{ "allow GET on api:/nowhere", 19, "nowhere" },
		{ "grant GET on api:/loans", 1, "" },
		{ "allow GET on api:/loans }\nrole x {", 0, "one line" },
		{ "allow GET on api:/loans } role x {", 27, "" },
		{ "", 0, "is not a grant" },
	};
	struct pol_snapshot *snapshot = compiled_text_good(policy);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pol_str text = pol_str_of(cases[i].grant);
		struct pol_stored_fault fault = { .entry = 7 };
		struct pol_stored *stored = NULL;

		cr_assert_eq(pol_stored_text_parse(snapshot, &text, 1, &fault, &stored),
			POL_EINVALID, "%s", cases[i].grant);
		cr_expect_eq(fault.entry, 0);
		cr_expect_eq(fault.column, cases[i].column, "%s: %u", fault.why, fault.column);
		cr_expect_not_null(strstr(fault.why, cases[i].why), "%s", fault.why);
	}
	pol_snapshot_unref(snapshot);
}

Test(stored, permissions_that_a_later_policy_lacks_are_ignored)
{
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	struct pol_snapshot *later = compiled_text_good(smaller);
	struct pol_stored *stored = parse(snapshot, "allow all on api:/loans/**, ui:/**"), *read;
	struct kept_lines text = { .count = 0 };
	struct pol_stored_source source = { kept_lines_next, kept_lines_missing, &text };
	size_t allowed, denied;

	cr_assert_eq(pol_stored_lines_write(snapshot, stored, kept_lines_keep, &text), POL_OK);
	cr_assert_eq(pol_stored_lines_read(later, &source, &read), POL_OK);
	pol_stored_count(read, &allowed, &denied);
	cr_expect_eq(text.missing_count, 2);
	cr_expect_eq(allowed, 5);
	cr_expect_eq(denied, 0);
	pol_stored_unref(read);
	text.next = 0;
	text.missing_count = 0;
	cr_assert_eq(pol_stored_lines_read(snapshot, &source, &read), POL_OK);
	pol_stored_count(read, &allowed, &denied);
	cr_expect_eq(text.missing_count, 0);
	cr_expect_eq(allowed, 8);
	pol_stored_unref(read);
	pol_stored_unref(stored);
	pol_snapshot_unref(later);
	pol_snapshot_unref(snapshot);
}

Test(stored, an_extension_decides_by_its_roles_and_its_tenants)
{
	struct pol_snapshot *base = compiled_text_good(policy), *snapshot = NULL;
	struct pol_stored *own = parse(base, "allow delete on api:/loans/{loan}");
	const struct pol_stored_parent viewer = { 0, POL_STR("viewer") }, first = { 3, { 0 } };
	const struct pol_stored_parent both[] = { { 0, POL_STR("collector") },
		{ 0, POL_STR("auditor") } };
	const struct pol_stored_role roles[] = {
		{ 3, 1, POL_STR("cleaner"), { 0 }, own, &viewer, 1, false },
		{ 5, 1, POL_STR("boss"), { 0 }, own, &first, 1, false },
		{ 6, 2, POL_STR("foreign"), { 0 }, own, &first, 1, false },
		{ 9, 1, POL_STR("both"), { 0 }, own, both, 2, false },
	};
	uint64_t number;
	uint32_t members[2];
	size_t fault;

	cr_assert_eq(pol_stored_extend(base, roles, 4, &fault, &snapshot), POL_OK);
	pol_stored_unref(own);
	cr_expect_eq(pol_stored_find(snapshot, 3, 2), POL_NONE);
	cr_expect_eq(pol_stored_find(snapshot, 4, 1), POL_NONE);
	cr_expect_eq(pol_stored_named(snapshot, 1, POL_STR("boss"), &number),
		pol_stored_find(snapshot, 5, 1));
	cr_expect_eq(number, 5);
	cr_expect_eq(pol_snapshot_role(snapshot, POL_STR("boss")), POL_NONE);
	cr_expect(pol_stored_breaches(snapshot, pol_stored_find(snapshot, 9, 1), members));
	cr_expect_eq(members[0], pol_snapshot_role(snapshot, POL_STR("collector")));
	cr_expect_eq(members[1], pol_snapshot_role(snapshot, POL_STR("auditor")));
	cr_expect_not(pol_stored_breaches(snapshot, pol_stored_find(snapshot, 5, 1), members));
	for (int i = 0; i < 4; i++) {
		const struct pol_held held = { .role = pol_stored_find(snapshot, roles[i].number,
						       roles[i].tenant) };
		const struct pol_facts facts = {
			.principal_state = POL_PRINCIPAL_ACTIVE,
			.principal = POL_STR("p"),
			.held = &held,
			.held_count = 1,
			.path = POL_STR("api:/loans/7"),
			.verb = POL_STR("GET"),
		};
		struct pol_decision decision;

		pol_eval(snapshot, &facts, &decision);
		cr_expect_eq(decision.allow, i != 2, "%d", i);
	}
	pol_snapshot_unref(snapshot);
	pol_snapshot_unref(base);
}

/* Does role `number` of tenant 1 decide so about GET api:/loans/7? */
static bool decides(const struct pol_snapshot *snapshot, uint64_t number, const char *reason)
{
	const struct pol_held held = { .role = pol_stored_find(snapshot, number, 1) };
	const struct pol_facts facts = {
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.principal = POL_STR("p"),
		.held = &held,
		.held_count = 1,
		.path = POL_STR("api:/loans/7"),
		.verb = POL_STR("GET"),
	};
	struct pol_decision decision;

	pol_eval(snapshot, &facts, &decision);
	return pol_str_equal(decision.reason, pol_str_of(reason));
}

Test(stored, a_shadowed_role_allows_nothing_and_denies_as_before)
{
	struct pol_snapshot *base = compiled_text_good(policy), *snapshot = NULL;
	struct pol_stored *reads = parse(base, "allow GET on api:/loans/**");
	struct pol_stored *bars = parse(base, "deny GET on api:/loans/**");
	const struct pol_stored_parent viewer = { 0, POL_STR("viewer") }, first = { 1, { 0 } };
	const struct pol_stored_parent both[] = { { 0, POL_STR("viewer") }, { 4, { 0 } } };
	const struct pol_stored_role roles[] = {
		{ 1, 1, POL_STR("own"), { 0 }, reads, NULL, 0, true },
		{ 2, 1, POL_STR("heir"), { 0 }, reads, &viewer, 1, true },
		{ 3, 1, POL_STR("child"), { 0 }, bars, &first, 1, false },
		{ 4, 1, POL_STR("bar"), { 0 }, bars, NULL, 0, true },
		{ 5, 1, POL_STR("barred"), { 0 }, reads, both, 2, false },
		{ 6, 1, POL_STR("plain"), { 0 }, reads, &first, 1, false },
	};
	size_t fault;

	cr_assert_eq(pol_stored_extend(base, roles, 6, &fault, &snapshot), POL_OK);
	pol_stored_unref(reads);
	pol_stored_unref(bars);
	for (uint64_t number = 1; number <= 6; number++) {
		uint32_t role = pol_stored_find(snapshot, number, 1);

		cr_expect_eq(pol_stored_is_shadowed(snapshot, role), number < 3 || number == 4);
	}
	cr_expect_not(pol_stored_is_shadowed(snapshot, 0));
	cr_expect(decides(snapshot, 1, "role"));
	cr_expect(decides(snapshot, 2, "role"));
	cr_expect(decides(snapshot, 3, "denied"));
	cr_expect(decides(snapshot, 4, "denied"));
	cr_expect(decides(snapshot, 5, "denied"));
	cr_expect(decides(snapshot, 6, "ok"));
	pol_snapshot_unref(snapshot);
	pol_snapshot_unref(base);
}

Test(stored, a_cycle_is_refused)
{
	struct pol_snapshot *base = compiled_text_good(policy), *snapshot = NULL;
	struct pol_stored *own = parse(base, "");
	const struct pol_stored_parent parents[] = { { 2, { 0 } }, { 1, { 0 } } };
	const struct pol_stored_role roles[] = {
		{ 1, 1, POL_STR("a"), { 0 }, own, &parents[0], 1, false },
		{ 2, 1, POL_STR("b"), { 0 }, own, &parents[1], 1, false },
	};
	size_t fault;

	cr_expect_eq(pol_stored_extend(base, roles, 2, &fault, &snapshot), POL_EINVALID);
	cr_expect_lt(fault, 2);
	pol_stored_unref(own);
	pol_snapshot_unref(base);
}

Test(stored, a_role_gains_exclusions_by_what_it_inherits)
{
	struct pol_snapshot *base = compiled_text_good(policy), *before = NULL, *next = NULL;
	struct pol_stored *own = parse(base, "");
	const struct pol_stored_parent viewer = { 0, POL_STR("viewer") };
	const struct pol_stored_parent collector = { 0, POL_STR("collector") },
				       first = { 1, { 0 } };
	struct pol_stored_role roles[] = {
		{ 1, 1, POL_STR("first"), { 0 }, own, &viewer, 1, false },
		{ 2, 1, POL_STR("heir"), { 0 }, own, &first, 1, false },
	};
	size_t fault;

	cr_assert_eq(pol_stored_extend(base, roles, 2, &fault, &before), POL_OK);
	cr_expect_not(pol_stored_gains_exclusions(base, before, 1));
	roles[0].parents = &collector;
	cr_assert_eq(pol_stored_extend(base, roles, 2, &fault, &next), POL_OK);
	cr_expect(pol_stored_gains_exclusions(before, next, 1));
	cr_expect(pol_stored_gains_exclusions(base, next, 1));
	cr_expect_not(pol_stored_gains_exclusions(before, next, 2));
	cr_expect_not(pol_stored_gains_exclusions(next, next, 1));
	cr_expect_not(pol_stored_gains_exclusions(next, before, 1));
	pol_stored_unref(own);
	pol_snapshot_unref(next);
	pol_snapshot_unref(before);
	pol_snapshot_unref(base);
}

/* Each role inherits the next one, or the one before: whichever order the roles come in, the last
 * of the chain gets what the first allows. */
Test(stored, a_long_chain_is_closed_in_both_directions)
{
	enum { LENGTH = 5000 };
	static struct pol_stored_parent parents[LENGTH];
	static struct pol_stored_role roles[LENGTH];
	struct pol_snapshot *base = compiled_text_good(policy), *snapshot = NULL;
	struct pol_stored *own = parse(base, "allow delete on api:/loans/{loan}");
	struct pol_stored *none = parse(base, "");
	size_t fault;

	for (int down = 0; down < 2; down++) {
		size_t first = down ? 0 : LENGTH - 1, last = LENGTH - 1 - first;

		for (size_t i = 0; i < LENGTH; i++) {
			parents[i] = (struct pol_stored_parent){ .number = down ? i : i + 2 };
			roles[i] = (struct pol_stored_role){ .number = i + 1,
				.tenant = 1,
				.name = POL_STR("r"),
				.own = i == first ? own : none,
				.parents = &parents[i],
				.parent_count = i == first ? 0 : 1 };
		}
		cr_assert_eq(pol_stored_extend(base, roles, LENGTH, &fault, &snapshot), POL_OK);
		const struct pol_held held = { .role = pol_stored_find(snapshot, last + 1, 1) };
		const struct pol_facts facts = {
			.principal_state = POL_PRINCIPAL_ACTIVE,
			.principal = POL_STR("p"),
			.held = &held,
			.held_count = 1,
			.path = POL_STR("api:/loans/7"),
			.verb = POL_STR("DELETE"),
		};
		struct pol_decision decision;

		pol_eval(snapshot, &facts, &decision);
		cr_expect(decision.allow, "%d", down);
		pol_snapshot_unref(snapshot);
	}
	pol_stored_unref(own);
	pol_stored_unref(none);
	pol_snapshot_unref(base);
}
