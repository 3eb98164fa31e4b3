/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/when.h"

#include "policy/ask/query.h"
#include "policy/ask/who.h"
#include "policy/snapshot/compiled.h"
#include "tests/policy/compiled_text.h"

/* --- texts ------------------------------------------------------------------------------------ */

static const char one_fact[] = "facts { resource.a string }\ntree api { /a { GET } }\n"
			       "role r { allow GET on api:/a when resource.a is \"x\" }\n";

/* `resource.a is "…"`, as long as that. */
static struct pol_str text_of_length(size_t length, char out[POL_WHEN_TEXT])
{
	static char letters[2 * POL_WHEN_TEXT];
	struct pol_snapshot *snapshot = compiled_text_good(one_fact);
	struct pol_predicate predicate = { .comparison = POL_COMPARE_IS,
		.left = { .kind = POL_OPERAND_FACT,
			.number = pol_condition_fact(snapshot, POL_STR("resource.a")) },
		.right = { .kind = POL_OPERAND_VALUE } };
	const struct pol_formula formula = { .kind = POL_FORMULA_COMPARE, .predicate = &predicate };
	const struct pol_when when = { POL_WHEN_SOMETIMES, &formula };
	struct pol_str text;

	memset(letters, 'x', sizeof letters);
	predicate.right.value = (struct pol_value){ .type = POL_TYPE_STRING,
		.text = { letters, length - strlen("resource.a is \"\"") } };
	cr_assert_eq(pol_formula_format(snapshot, &formula, NULL, 0), length);
	text = pol_when_text(snapshot, &when, out);
	pol_snapshot_unref(snapshot);
	return text;
}

Test(when, a_text_that_is_too_long_is_cut_and_says_so)
{
	const size_t most = POL_WHEN_TEXT - sizeof POL_WHEN_LARGE - 1;
	char out[POL_WHEN_TEXT];
	struct pol_str whole = text_of_length(most, out);
	struct pol_str cut;

	cr_expect_eq(whole.len, most);
	cr_expect_eq(whole.ptr[most - 1], '"');
	cut = text_of_length(most + 1, out);
	cr_expect_lt(cut.len, POL_WHEN_TEXT);
	cr_expect_str_eq(cut.ptr + cut.len - 5, "x ...");
}

Test(when, a_formula_that_had_no_memory_is_sometimes_and_equals_none)
{
	struct pol_snapshot *snapshot = compiled_text_good(one_fact);
	size_t steps = 0;
	struct pol_when when = pol_when_of(snapshot, NULL, &steps);
	char out[POL_WHEN_TEXT];

	cr_expect_eq(when.kind, POL_WHEN_SOMETIMES);
	cr_expect_not(pol_when_equal(&when, &when));
	cr_expect_str_eq(pol_when_text(snapshot, &when, out).ptr, POL_WHEN_LARGE);
	pol_snapshot_unref(snapshot);
}

/* --- work ------------------------------------------------------------------------------------- */

/* `b and not b`, and as many other facts. */
static enum pol_when_kind contradiction(int others)
{
	char text[2048], when[POL_WHEN_TEXT];
	size_t used = (size_t)snprintf(text, sizeof text, "facts {\n");
	struct pol_snapshot *snapshot;
	struct pol_str reason;
	struct pol_who who;
	enum pol_when_kind kind;

	for (int i = 0; i <= others; i++) {
		used += (size_t)snprintf(text + used, sizeof text - used, "resource.b%d bool\n", i);
	}
	used += (size_t)snprintf(text + used, sizeof text - used,
		"}\ntree api { /a { GET } }\nrole r {\ndeny GET on api:/a when resource.b0\n"
		"allow GET on api:/a when resource.b0");
	for (int i = 1; i <= others; i++) {
		used += (size_t)snprintf(text + used, sizeof text - used, " and resource.b%d", i);
	}
	snprintf(text + used, sizeof text - used, "\n}\n");
	snapshot = compiled_text_good(text);
	cr_assert(pol_who_read(snapshot, POL_STR("GET"), POL_STR("api:/a"), true, &who, &reason));
	kind = pol_who_role_may(&who, pol_snapshot_role(snapshot, POL_STR("r")), when);
	pol_snapshot_unref(snapshot);
	return kind;
}

/* b is true, false or neither, each other fact true or not: 3 * 2^8 and 3 * 2^9 combinations. */
Test(when, what_never_holds_is_found_by_a_bounded_number_of_combinations)
{
	cr_expect_eq(contradiction(1), POL_WHEN_NEVER);
	cr_expect_eq(contradiction(8), POL_WHEN_NEVER);
	cr_expect_eq(contradiction(9), POL_WHEN_SOMETIMES);
}

enum { NODES = 40, ITEMS = 60 };

/* A role with that number of grants on every node, each with a list of its own. */
static struct pol_snapshot *large_policy(int grants)
{
	size_t room = (size_t)4 * 1024 * 1024, used;
	char *text = malloc(room);
	struct pol_snapshot *snapshot;

	cr_assert_not_null(text);
	used = (size_t)snprintf(text, room, "facts { resource.a string }\ntree api {\n");
	for (int i = 0; i < NODES; i++) {
		used += (size_t)snprintf(text + used, room - used, "/n%d { GET }\n", i);
	}
	used += (size_t)snprintf(text + used, room - used, "}\nrole r {\n");
	for (int g = 0; g < grants; g++) {
		used += (size_t)snprintf(
			text + used, room - used, "allow GET on api:/** when resource.a in ");
		for (int i = 0; i < ITEMS; i++) {
			used += (size_t)snprintf(
				text + used, room - used, "%s\"%d.%d\"", i > 0 ? ", " : "", g, i);
		}
		used += (size_t)snprintf(text + used, room - used, "\n");
	}
	snprintf(text + used, room - used, "}\n");
	snapshot = compiled_text_good(text);
	free(text);
	return snapshot;
}

struct counted {
	size_t entries, large;
};

static bool on_allowed(void *context, const struct pol_allowed *allowed)
{
	struct counted *counted = context;

	counted->entries++;
	counted->large += pol_str_equal(allowed->when, POL_STR(POL_WHEN_LARGE));
	return true;
}

static struct counted walk(int grants, size_t *out_pages)
{
	struct pol_snapshot *snapshot = large_policy(grants);
	const struct pol_held held = { .role = pol_snapshot_role(snapshot, POL_STR("r")) };
	const struct pol_facts facts = pol_who_principal(&held, 1);
	struct counted counted = { 0, 0 };
	struct pol_query query = { .visit = on_allowed, .context = &counted };
	struct pol_query_result walked = { .more = true };

	for (*out_pages = 0; walked.more; (*out_pages)++) {
		cr_assert_eq(pol_query_permissions(snapshot, &facts, &query, &walked), POL_OK);
		cr_assert_lt(walked.steps, 2 * POL_QUERY_STEPS);
		query.from = walked.next;
	}
	pol_snapshot_unref(snapshot);
	return counted;
}

Test(when, a_formula_beyond_its_memory_is_listed_without_its_text)
{
	size_t pages;
	struct counted counted = walk(10, &pages);

	cr_expect_eq(counted.entries, NODES);
	cr_expect_eq(counted.large, 0);
	counted = walk(300, &pages);
	cr_expect_eq(counted.entries, NODES);
	cr_expect_eq(counted.large, NODES);
	cr_expect_gt(pages, 5, "%zu", pages);
}
