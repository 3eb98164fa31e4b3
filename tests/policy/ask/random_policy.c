/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/ask/random_policy.h"

#include <stdarg.h>

#include "tests/policy/compiled_text.h"

#define ROLES  4
#define SHAPES 3 /* literals of a node */

static const char *const literals[SHAPES] = { "a", "b", "c" };
static const char *const lines[] = { "GET", "GET, HEAD", "GET, POST", "update PUT PATCH", "view",
	"GET, POST\nupdate PUT PATCH" };
static const char *const verbs[] = { "all", "GET", "POST", "view", "update", "PUT", "HEAD" };
static const char *const patterns[] = { "api:/**", "api:/a/**", "api:/*", "api:/b", "api:/a/*",
	"api:/*/**" };
static const char *const predicates[] = { "context.n < 2", "context.n <= 2", "not context.n < 2",
	"context.n is 1", "context.n is not 1", "resource.s is x", "resource.s is not x",
	"not resource.s is y", "resource.s in x, y", "principal.roles has \"r1\"" };
static const char *const defaults[] = { "", " default x", " default y" };
static const char *const places[] = { "api:/a", "api:/b/v", "api:/v", "api:/", "api:/a/v/b",
	"api:/v/a" };

__attribute__((format(printf, 2, 3))) static void put(
	struct random_text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->used += (size_t)vsnprintf(
		text->bytes + text->used, sizeof text->bytes - text->used, format, args);
	va_end(args);
	cr_assert_lt(text->used, sizeof text->bytes);
}

static void put_node(struct dice *dice, struct random_text *text, int depth)
{
	if (roll(dice, 4) > 0 || depth == RANDOM_DEPTH) {
		put(text, "%s\n", PICK(dice, lines));
	}
	for (uint32_t i = 0; depth < RANDOM_DEPTH && i < SHAPES; i++) {
		if (roll(dice, 3) == 0) {
			put(text, "/%s {\n", literals[i]);
			put_node(dice, text, depth + 1);
			put(text, "}\n");
		}
	}
	if (depth < RANDOM_DEPTH && roll(dice, 2) == 0) {
		bool rest = roll(dice, 3) == 0;

		put(text, "/{p%u%s} {\n", roll(dice, 3), rest ? "..." : "");
		if (rest) {
			put(text, "%s\n", PICK(dice, lines));
		} else {
			put_node(dice, text, depth + 1);
		}
		put(text, "}\n");
	}
}

/* In the whole, or negated, or in parts. */
static void put_condition(struct dice *dice, struct random_text *text)
{
	uint32_t parts = 1 + roll(dice, 3);
	const char *joint = roll(dice, 2) == 0 ? " and " : " or ";

	put(text, " when ");
	for (uint32_t i = 0; i < parts; i++) {
		put(text, "%s%s", i > 0 ? joint : "", PICK(dice, predicates));
	}
}

static void put_grants(struct dice *dice, struct random_text *text, bool conditions)
{
	put(text, "allow GET on api:/**");
	if (conditions && roll(dice, 2) == 0) {
		put_condition(dice, text);
	}
	put(text, "\n");
	for (uint32_t k = roll(dice, conditions ? 4 : 3); k > 0; k--) {
		put(text, "%s %s on %s", roll(dice, 3) == 0 ? "deny" : "allow", PICK(dice, verbs),
			PICK(dice, patterns));
		if (conditions && roll(dice, 3) > 0) {
			put_condition(dice, text);
		}
		put(text, "\n");
	}
}

/* One whose grants select nothing is thrown away. */
static struct pol_snapshot *make(struct dice *dice, struct random_text *text, bool conditions)
{
	struct compiled_text *out = malloc(sizeof *out);
	struct pol_snapshot *snapshot;

	cr_assert_not_null(out);
	do {
		const char *bytes = text->bytes;

		text->used = 0;
		if (conditions) {
			put(text, "facts { context.n int\nresource.s x | y%s\n}\n",
				PICK(dice, defaults));
		}
		put(text, "tree api {\nGET\n");
		put_node(dice, text, 0);
		put(text, "}\n");
		for (int i = 0; i < ROLES; i++) {
			if (roll(dice, 8) == 0) {
				continue;
			}
			put(text, i == 0 ? "role anyone {\n" : "role r%d {\n", i);
			put_grants(dice, text, conditions);
			put(text, "}\n");
		}
		compiled_text_of(out, &bytes, 1);
	} while (out->snapshot == NULL);
	snapshot = out->snapshot;
	free(out);
	return snapshot;
}

struct pol_snapshot *random_policy_make(struct dice *dice, struct random_text *text)
{
	return make(dice, text, false);
}

struct pol_snapshot *random_policy_make_conditional(struct dice *dice, struct random_text *text)
{
	return make(dice, text, true);
}

void random_subject_make(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_subject *out)
{
	*out = (struct random_subject){ 0 };
	for (uint32_t i = 0; i < 2; i++) {
		char name[4];

		snprintf(name, sizeof name, "r%u", 1 + roll(dice, ROLES - 1));
		out->places[2 * i] = pol_str_of(PICK(dice, places));
		out->places[2 * i + 1] = pol_str_of(PICK(dice, places));
		out->held[i] =
			(struct pol_held){ .role = pol_snapshot_role(snapshot, pol_str_of(name)),
				.places = out->places + 2 * i,
				.place_count = roll(dice, 3) };
	}
	out->key_places[0] = pol_str_of(PICK(dice, places));
	out->facts = (struct pol_facts){
		.key_state = roll(dice, 2) == 0 ? POL_KEY_MISSING : POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_PRINCIPAL,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.held = out->held,
		.held_count = roll(dice, 3),
		.key_places = out->key_places,
		.key_place_count = roll(dice, 2),
	};
	out->facts.narrowed = out->facts.key_place_count > 0;
}
