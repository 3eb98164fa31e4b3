/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/narrow.h"

#include "tests/policy/compiled_text.h"

static const char text[] =
	"facts { context.urgent bool }\n"
	"tree api {\n"
	"  /loans { list GET, create POST\n"
	"    /{loan} { read GET, update PUT PATCH, delete DELETE } }\n"
	"  /files/{path...} { GET, PUT }\n"
	"  /health { GET }\n"
	"}\n"
	"role viewer { allow GET on api:/** }\n"
	"role writer { allow all on api:/loans/** }\n"
	"role putter { allow PUT on api:/loans/* }\n"
	"role anyone { allow GET on api:/health }\n"
	"scope reading { allow GET on api:/loans/** }\n"
	"scope one { allow read on api:/loans/* }\n"
	"scope changing { allow update on api:/loans/* }\n"
	"scope everything { allow all on api:/** }\n"
	"role hasty { allow GET on api:/loans/**\n"
	"  allow update on api:/loans/* when context.urgent }\n"
	"scope sometimes { allow read, update on api:/loans/* when context.urgent\n"
	"  allow list on api:/loans }\n"
	"scope guarded { allow GET on api:/loans/**\n"
	"  deny read on api:/loans/* when context.urgent }\n"
	"scope careful { allow all on api:/loans/**\n deny DELETE on api:/loans/** }\n";

/* The names that count as used, and those that were reported as not used. */
struct asked {
	const char *const *used;
	char unused[1024];
};

static bool was_used(void *context, uint32_t action, struct pol_str name)
{
	const struct asked *asked = context;

	(void)action;
	for (size_t i = 0; asked->used[i] != NULL; i++) {
		if (pol_str_equal(name, pol_str_of(asked->used[i]))) {
			return true;
		}
	}
	return false;
}

static void on_unused(void *context, struct pol_str name)
{
	struct asked *asked = context;
	size_t len = strlen(asked->unused);

	snprintf(asked->unused + len, sizeof asked->unused - len, "%.*s;", POL_STR_ARGS(name));
}

/* A key with these scopes (NULL: none were given) whose owner has this role (NULL: the key is bound
 * to its scopes alone). */
struct subject {
	const char *role;
	const char *scopes[4];
	const char *used[8];
};

struct found {
	struct pol_narrow_result narrowed;
	char scopes[256];
	char unused_scopes[256];
	char unused[1024];
};

static void name_scopes(
	const struct pol_snapshot *snapshot, const uint32_t *scopes, uint32_t count, char *out)
{
	for (uint32_t i = 0; i < count; i++) {
		struct pol_str name = pol_snapshot_scope_name(snapshot, scopes[i]);

		snprintf(out + strlen(out), 256 - strlen(out), "%s%.*s", i > 0 ? "," : "",
			POL_STR_ARGS(name));
	}
}

static struct found judge(const struct subject *subject)
{
	const char *const texts[] = { text };
	struct compiled_text compiled;
	struct pol_held held = { .role = POL_NONE };
	uint32_t scopes[4];
	struct pol_facts facts = { .key_state = POL_KEY_ACTIVE,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.binding = subject->role != NULL ? POL_BOUND_TO_PRINCIPAL : POL_BOUND_TO_SCOPES,
		.held = &held,
		.scopes = scopes };
	struct asked asked = { .used = subject->used };
	struct pol_narrow_usage ask = { was_used, on_unused, &asked };
	struct found found = { .scopes = "" };
	struct pol_narrow *narrow;

	compiled_text_of(&compiled, texts, 1);
	cr_assert_not_null(compiled.snapshot, "%s", compiled.said);
	if (subject->role != NULL) {
		held.role = pol_snapshot_role(compiled.snapshot, pol_str_of(subject->role));
		facts.held_count = 1;
	}
	while (facts.scope_count < 4 && subject->scopes[facts.scope_count] != NULL) {
		scopes[facts.scope_count] = pol_snapshot_scope(
			compiled.snapshot, pol_str_of(subject->scopes[facts.scope_count]));
		cr_assert_neq(scopes[facts.scope_count++], POL_NONE);
	}
	facts.narrowed = facts.narrowed_by_scopes = facts.scope_count > 0;
	cr_assert_eq(pol_narrow_create(compiled.snapshot, &narrow), POL_OK);
	/* Twice: what the first search left must not matter. */
	pol_narrow_find(narrow, &facts, &ask, &found.narrowed);
	asked.unused[0] = '\0';
	pol_narrow_find(narrow, &facts, &ask, &found.narrowed);
	name_scopes(
		compiled.snapshot, found.narrowed.scopes, found.narrowed.scope_count, found.scopes);
	name_scopes(compiled.snapshot, found.narrowed.unused_scopes, found.narrowed.unused_count,
		found.unused_scopes);
	memcpy(found.unused, asked.unused, sizeof found.unused);
	cr_assert_gt(pol_narrow_steps(narrow), 0);
	pol_narrow_destroy(narrow);
	pol_snapshot_unref(compiled.snapshot);
	return found;
}

static const struct {
	struct subject subject;
	uint32_t granted, used;
	const char *scopes, *unused_scopes, *unused;
} cases[] = {
	{ { "viewer", { NULL }, { "api:/loans list" } }, 3, 1, "reading", "",
		"api:/loans/{loan} read;api:/files/{path...} GET;" },
	{ { "viewer", { NULL }, { "api:/loans/{loan} read" } }, 3, 1, "one", "",
		"api:/loans list;api:/files/{path...} GET;" },
	{ { "writer", { "everything" }, { "api:/loans/{loan} read", "api:/loans/{loan} update" } },
		5, 2, "one,changing", "",
		"api:/loans list;api:/loans create;api:/loans/{loan} delete;" },
	{ { NULL, { "reading", "changing" }, { "api:/loans list" } }, 3, 1, "reading", "changing",
		"api:/loans/{loan} read;api:/loans/{loan} update;" },
	/* What a role allows on a condition was granted, and the condition stays. */
	{ { "hasty", { NULL }, { "api:/loans/{loan} update" } }, 3, 1, "changing", "",
		"api:/loans list;api:/loans/{loan} read;" },
	/* Without the condition of its scope, or its denial, it would have more. */
	{ { NULL, { "sometimes" }, { "api:/loans/{loan} read" } }, 3, 1, "", "",
		"api:/loans list;api:/loans/{loan} update;" },
	{ { NULL, { "sometimes", "changing" }, { "api:/loans/{loan} update" } }, 3, 1, "changing",
		"", "api:/loans list;api:/loans/{loan} read;" },
	{ { NULL, { "guarded" }, { "api:/loans/{loan} read" } }, 2, 1, "", "", "api:/loans list;" },
	/* Nothing narrower: every scope has what was not used. */
	{ { "viewer", { "reading" }, { "api:/loans list", "api:/loans/{loan} read" } }, 2, 2, "",
		"", "" },
	{ { NULL, { "reading" }, { "api:/loans list" } }, 2, 1, "", "", "api:/loans/{loan} read;" },
	/* No scope covers what was used. */
	{ { "viewer", { NULL }, { "api:/files/{path...} GET", "api:/loans list" } }, 3, 2, "", "",
		"api:/loans/{loan} read;" },
	/* A method of an action counts as the action. */
	{ { "putter", { NULL }, { "api:/loans/{loan} update" } }, 1, 1, "", "", "" },
	/* What `anyone` allows counts neither as granted nor as used. */
	{ { "putter", { NULL }, { "api:/health GET" } }, 1, 0, "", "",
		"api:/loans/{loan} update;" },
	{ { "nobody", { NULL }, { NULL } }, 0, 0, "", "", "" },
};

Test(narrow, finds_what_a_key_had_and_used_and_the_scopes_that_would_suffice)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct found found = judge(&cases[i].subject);

		cr_expect_eq(found.narrowed.granted, cases[i].granted, "case %zu: %u", i,
			found.narrowed.granted);
		cr_expect_eq(
			found.narrowed.used, cases[i].used, "case %zu: %u", i, found.narrowed.used);
		cr_expect_str_eq(found.scopes, cases[i].scopes, "case %zu", i);
		cr_expect_str_eq(found.unused_scopes, cases[i].unused_scopes, "case %zu", i);
		cr_expect_str_eq(found.unused, cases[i].unused, "case %zu", i);
	}
}

Test(narrow, a_permission_is_named_by_its_action_as_declared)
{
	const char *const texts[] = { text };
	struct compiled_text compiled;
	char name[POL_NARROW_NAME], all[4096] = "";

	compiled_text_of(&compiled, texts, 1);
	for (uint32_t p = 0; p < compiled.snapshot->permission_count; p++) {
		size_t len = pol_narrow_action_name(compiled.snapshot, p, name);

		if (strncmp(name, "api:", 4) == 0) {
			snprintf(all + strlen(all), sizeof all - strlen(all), "%.*s;", (int)len,
				name);
		}
	}
	cr_assert_str_eq(all,
		"api:/loans list;api:/loans create;api:/loans/{loan} read;"
		"api:/loans/{loan} update;api:/loans/{loan} update;api:/loans/{loan} delete;"
		"api:/files/{path...} GET;api:/files/{path...} PUT;api:/health GET;");
	pol_snapshot_unref(compiled.snapshot);
}
