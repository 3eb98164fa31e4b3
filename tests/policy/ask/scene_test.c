/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/scene.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/policy/load.h"

static const char text[] =
	"environment live prefix a_live_\n"
	"environment test prefix a_test_\n"
	"tree api { /loans { list GET, create POST, /{loan} { read GET, delete DELETE } } }\n"
	"role viewer { allow GET on api:/** }\n"
	"role clerk inherits viewer { allow create on api:/loans }\n"
	"scope reading { allow GET on api:/** }\n"
	"stack bank {\n"
	"    authenticate required key\n"
	"    account required network allow=10.0.0.0/8\n"
	"    authorize required role\n"
	"    authorize required scope\n"
	"}\n";

/* What a scene answered: "GET api:/loans allow;" and so on, with a '!' when it does not hold. */
struct heard {
	char said[4096];
	size_t used;
};

static void hear(void *context, const struct pol_scene_answer *answer)
{
	struct heard *heard = context;

	cr_assert_neq(answer->explanation, NULL);
	heard->used += (size_t)snprintf(heard->said + heard->used, sizeof heard->said - heard->used,
		"%.*s %.*s %s%.*s%s;", POL_STR_ARGS(answer->verb), POL_STR_ARGS(answer->resource),
		answer->decision.allow ? "allow" : "",
		answer->decision.allow ? 0 : (int)answer->decision.reason.len,
		answer->decision.reason.ptr, answer->holds ? "" : "!");
}

struct said {
	const char *line;
	const char *heard; /* NULL: a fact; else what is answered, or begins the error */
	bool wrong;
};

/* Each line with those before it. */
static const struct said lines[] = {
	{ "allow GET api:/loans", "GET api:/loans role!;", false },
	{ "as role viewer", NULL, false },
	{ "allow GET, POST api:/loans", "GET api:/loans allow;POST api:/loans role!;", false },
	{ "deny POST api:/loans because role", "POST api:/loans role;", false },
	{ "deny POST api:/loans because network", "POST api:/loans role!;", false },
	{ "as role viewr", "unknown role 'viewr': did you mean 'viewer'?", true },
	{ "with scope reding", "unknown scope 'reding': did you mean 'reading'?", true },
	{ "environment tst", "unknown environment 'tst': did you mean 'test'?", true },
	{ "from 10.0.0", "'10.0.0' is not an address", true },
	{ "allow GET apy:/loans", "unknown tree 'apy': did you mean 'api'?", true },
	{ "allow delet api:/loans/1", "no resource has the action 'delet'", true },
	{ "key activ", "", true },
	{ "} role x {", "", true },
	{ "}", "", true },
	{ "", "one line of a test is expected", true },
	{ "service bnk", NULL, false },
	{ "allow GET api:/loans", "no stack is declared for service 'bnk': did you mean 'bank'?",
		true },
	{ "service bank", NULL, false },
	{ "allow GET api:/loans", "GET api:/loans network!;", false },
	{ "from 10.1.2.3", NULL, false },
	{ "allow GET api:/loans, api:/loans/7", "GET api:/loans allow;GET api:/loans/7 allow;",
		false },
	{ "key at api:/loans/7", NULL, false },
	{ "allow GET api:/loans/7, api:/loans/8", "GET api:/loans/7 allow;GET api:/loans/8 scope!;",
		false },
	{ "key expired", NULL, false },
	{ "deny GET api:/loans/7", "GET api:/loans/7 expired_key;", false },
	{ "as nobody", NULL, false },
	{ "deny GET api:/loans/7", "GET api:/loans/7 missing_token;", false },
};

static void expect_error(const struct pol_scene *scene, const struct said *said)
{
	const struct pol_diags *diags = pol_scene_diags(scene);

	cr_assert_neq(diags->first, NULL, "'%s' is wrong without an error", said->line);
	cr_expect(pol_str_starts(diags->first->message, pol_str_of(said->heard)),
		"'%s' says '%.*s'", said->line, POL_STR_ARGS(diags->first->message));
}

Test(scene, facts_stand_and_questions_are_decided_with_them)
{
	struct loaded loaded = load_text(text);
	struct pol_scene *scene = pol_scene_create(loaded.snapshot);

	cr_assert_neq(scene, NULL);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		const struct said *said = &lines[i];
		struct heard heard = { .used = 0 };
		bool question = false;
		enum pol_status status =
			pol_scene_line(scene, pol_str_of(said->line), hear, &heard, &question);

		cr_assert_eq(status, said->wrong ? POL_EINVALID : POL_OK, "'%s' has status %d",
			said->line, (int)status);
		if (said->wrong) {
			expect_error(scene, said);
			continue;
		}
		cr_expect_eq(question, said->heard != NULL, "'%s'", said->line);
		cr_expect_str_eq(heard.said, said->heard != NULL ? said->heard : "",
			"'%s' has '%s'", said->line, heard.said);
	}
	pol_scene_destroy(scene);
	unload(&loaded);
}

Test(scene, a_scene_of_bounded_memory_says_when_that_is_used_up)
{
	struct loaded loaded = load_text(text);
	struct pol_scene *scene = pol_scene_create(loaded.snapshot);
	char *line = malloc(POL_SCENE_LINE + 1);
	enum pol_status status = POL_OK;
	struct heard heard = { .used = 0 };
	bool question;
	size_t count = 0;

	cr_assert_neq(line, NULL);
	memset(line, 'x', POL_SCENE_LINE + 1);
	cr_expect_eq(pol_scene_line(scene, (struct pol_str){ line, POL_SCENE_LINE + 1 }, hear,
			     &heard, &question),
		POL_ELIMIT);
	memset(line, ' ', POL_SCENE_LINE);
	memcpy(line, "mfa", 3);
	while (status == POL_OK && count < 10000) {
		status = pol_scene_line(
			scene, (struct pol_str){ line, POL_SCENE_LINE }, hear, &heard, &question);
		count++;
	}
	cr_expect_eq(status, POL_ELIMIT);
	free(line);
	pol_scene_destroy(scene);
	pol_scene_destroy(NULL);
	unload(&loaded);
}

Test(scene, a_line_has_a_bounded_number_of_questions)
{
	struct loaded loaded = load_text(text);
	struct pol_scene *scene = pol_scene_create(loaded.snapshot);
	char line[16 * POL_SCENE_QUESTIONS] = "allow GET api:/loans";
	size_t len = strlen(line);
	struct heard heard = { .used = 0 };
	bool question;

	for (size_t i = 0; i < POL_SCENE_QUESTIONS; i++) {
		memcpy(line + len, ",api:/loans", 11);
		len += 11;
	}
	cr_expect_eq(pol_scene_line(scene, (struct pol_str){ line, len }, hear, &heard, &question),
		POL_EINVALID);
	cr_expect_eq(heard.used, 0);
	pol_scene_destroy(scene);
	unload(&loaded);
}
