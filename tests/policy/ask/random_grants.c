/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/ask/random_grants.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char declarations[] = "facts {\n"
				   "  principal.branch string\n"
				   "  principal.limit int default 2\n"
				   "  principal.regions strings\n"
				   "  resource.branch string\n"
				   "  resource.owner string default \"ann\"\n"
				   "  resource.status draft | active | archived default active\n"
				   "  resource.tags strings\n"
				   "  context.amount int\n"
				   "  context.urgent bool default false\n"
				   "}\n"
				   "tree api { /loans { list GET, /{loan} { read GET, update PUT, "
				   "approve POST PATCH, /notes/{note} { GET } } }, "
				   "/files/{path...} { GET } }\n"
				   "tree other { /x { GET } }\n";

static const char *const predicates[] = {
	"principal.branch is resource.branch",
	"resource.branch is not principal.branch",
	"resource.owner is principal.id",
	"not resource.owner is principal.id",
	"resource.status is active",
	"resource.status is not archived",
	"resource.status in draft, archived",
	"context.amount <= principal.limit",
	"context.amount > 1",
	"principal.limit >= 2",
	"principal.regions has resource.branch",
	"not principal.regions has \"north\"",
	"resource.tags has any \"a\", \"b\"",
	"resource.tags has all principal.regions",
	"context.urgent",
	"not context.urgent",
	"principal.roles has \"r2\"",
	"not principal.roles has \"r1\"",
	"principal.kind is user",
	"principal.kind is not none",
	"principal.id is \"ann\"",
};
/* These name a parameter of their pattern. */
static const char *const with_loan[] = { "{loan} is principal.id", "resource.owner is {loan}",
	"{loan} is not \"7\"" };

static const struct {
	const char *text;
	bool has_loan;
} patterns[] = {
	{ "GET on api:/loans", false },
	{ "GET on api:/loans/**", false },
	{ "read, update on api:/loans/{loan}", true },
	{ "PUT on api:/loans/{loan}", true },
	{ "approve on api:/loans/{loan}", true },
	{ "PATCH on api:/loans/*", false },
	{ "GET on api:/files/**", false },
	{ "GET on api:/loans/{loan}/notes/{note}", true },
};

void random_grants_put(struct random_grants_text *text, const char *part)
{
	text->used += (size_t)snprintf(
		text->bytes + text->used, sizeof text->bytes - text->used, "%s", part);
	cr_assert_lt(text->used, sizeof text->bytes);
}

static void put_condition(
	struct dice *dice, struct random_grants_text *text, bool has_loan, int depth)
{
	uint32_t parts = depth == 0 ? 1 : 1 + roll(dice, 3);
	const char *joint = roll(dice, 2) == 0 ? " and " : " or ";

	for (uint32_t i = 0; i < parts; i++) {
		random_grants_put(text, i > 0 ? joint : "");
		if (parts > 1 && roll(dice, 3) == 0) {
			random_grants_put(text, roll(dice, 2) == 0 ? "not (" : "(");
			put_condition(dice, text, has_loan, depth - 1);
			random_grants_put(text, ")");
		} else if (has_loan && roll(dice, 3) == 0) {
			random_grants_put(text, PICK(dice, with_loan));
		} else {
			random_grants_put(text, PICK(dice, predicates));
		}
	}
}

static void put_grants(struct dice *dice, struct random_grants_text *text, uint32_t most)
{
	uint32_t count = roll(dice, most + 1);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t pattern = roll(dice, sizeof patterns / sizeof patterns[0]);

		random_grants_put(text, roll(dice, 3) == 0 ? "  deny " : "  allow ");
		random_grants_put(text, patterns[pattern].text);
		if (roll(dice, 4) != 0) {
			random_grants_put(text, " when ");
			put_condition(dice, text, patterns[pattern].has_loan, 2);
		}
		random_grants_put(text, "\n");
	}
}

void random_grants_policy(struct dice *dice, struct random_grants_text *text)
{
	static const char *const heads[] = { "role anyone {\n", "role r1 {\n",
		"role r2 inherits r1 {\n", "role r3 {\n", "scope s1 {\n", "scope s2 {\n" };

	text->used = 0;
	random_grants_put(text, declarations);
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		random_grants_put(text, heads[i]);
		put_grants(dice, text, i == 0 ? 1 : 6);
		random_grants_put(text, "}\n");
	}
}
