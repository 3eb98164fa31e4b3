/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/narrow.h"

#include "tests/policy/compiled_text.h"

static const char text[] =
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
	"scope careful { allow all on api:/loans/**\n deny DELETE on api:/loans/** }\n";

/* The names that count as used, and those that were told to be not. */
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

/* A key with these scopes (NULL: none were given) of somebody with this role (NULL: bound to the
 * scopes alone). */
struct subject {
	const char *role;
	const char *scopes[4];
	const char *used[8];
};

struct judged {
	struct pol_narrowed narrowed;
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

static struct judged judge(const struct subject *subject)
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
	struct pol_narrow_ask ask = { was_used, on_unused, &asked };
	struct judged judged = { .scopes = "" };
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
	/* Twice: what it kept of the first must not matter. */
	pol_narrow_judge(narrow, &facts, &ask, &judged.narrowed);
	asked.unused[0] = '\0';
	pol_narrow_judge(narrow, &facts, &ask, &judged.narrowed);
	name_scopes(compiled.snapshot, judged.narrowed.scopes, judged.narrowed.scope_count,
		judged.scopes);
	name_scopes(compiled.snapshot, judged.narrowed.unused_scopes, judged.narrowed.unused_count,
		judged.unused_scopes);
	memcpy(judged.unused, asked.unused, sizeof judged.unused);
	cr_assert_gt(pol_narrow_steps(narrow), 0);
	pol_narrow_destroy(narrow);
	pol_snapshot_unref(compiled.snapshot);
	return judged;
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
	/* Nothing narrower: no scope leaves out what was not used. */
	{ { "viewer", { "reading" }, { "api:/loans list", "api:/loans/{loan} read" } }, 2, 2, "",
		"", "" },
	{ { NULL, { "reading" }, { "api:/loans list" } }, 2, 1, "", "", "api:/loans/{loan} read;" },
	/* What no scope covers cannot be kept by any. */
	{ { "viewer", { NULL }, { "api:/files/{path...} GET", "api:/loans list" } }, 3, 2, "", "",
		"api:/loans/{loan} read;" },
	/* One method of an action is the action. */
	{ { "putter", { NULL }, { "api:/loans/{loan} update" } }, 1, 1, "", "", "" },
	/* What everybody may is neither granted nor used. */
	{ { "putter", { NULL }, { "api:/health GET" } }, 1, 0, "", "",
		"api:/loans/{loan} update;" },
	{ { "nobody", { NULL }, { NULL } }, 0, 0, "", "", "" },
};

Test(narrow, tells_what_a_key_had_and_used_and_the_scopes_that_would_have_done)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct judged judged = judge(&cases[i].subject);

		cr_expect_eq(judged.narrowed.granted, cases[i].granted, "case %zu: %u", i,
			judged.narrowed.granted);
		cr_expect_eq(judged.narrowed.used, cases[i].used, "case %zu: %u", i,
			judged.narrowed.used);
		cr_expect_str_eq(judged.scopes, cases[i].scopes, "case %zu", i);
		cr_expect_str_eq(judged.unused_scopes, cases[i].unused_scopes, "case %zu", i);
		cr_expect_str_eq(judged.unused, cases[i].unused, "case %zu", i);
	}
}

Test(narrow, a_permission_is_named_by_its_action_as_declared)
{
	const char *const texts[] = { text };
	struct compiled_text compiled;
	char name[POL_USED_NAME], all[4096] = "";

	compiled_text_of(&compiled, texts, 1);
	for (uint32_t p = 0; p < compiled.snapshot->permission_count; p++) {
		size_t len = pol_narrow_used_name(compiled.snapshot, p, name);

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
