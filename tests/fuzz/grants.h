/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * grants: a policy whose grants have any conditions, for the targets that decide by them. Each line
 * of an input is a grant: its first byte chooses the role or scope, its second the effect and the
 * pattern, and the rest is the condition.
 */

#include "policy/compile/compile.h"
#include "policy/snapshot/compiled.h"
#include "tests/fuzz/fuzz.h"
#include "tests/policy/ask/random_grants.h"

enum { GRANTS_SEED = 4, GRANTS_MOST = 24, GRANTS_INPUT = 2048 };

/* What random_grants_who needs of a policy, without its facts. */
static const char grants_trees[] =
	"tree api { /loans { list GET, /{loan} { read GET, update PUT } } }\n"
	"tree other { /x { GET } }\n";

static const char *const grants_heads[] = { "role anyone", "role r1", "role r2 inherits r1",
	"role r3", "scope s1", "scope s2" };
#define GRANTS_HEADS (sizeof grants_heads / sizeof grants_heads[0])
static const char *const grants_patterns[] = { "GET on api:/loans/**", "read on api:/loans/{loan}",
	"all on api:/loans/{loan}", "update on api:/loans/*" };

static inline void grants_add(char *text, size_t *used, const char *input, size_t size, size_t head)
{
	size_t at = 0;

	for (int i = 0; i < GRANTS_MOST && at < size; i++) {
		const char *end = memchr(input + at, '\n', size - at);
		size_t len = end != NULL ? (size_t)(end - input) - at : size - at;
		unsigned char how = len >= 2 ? (unsigned char)input[at + 1] : 0;

		if (len > 2 && (unsigned char)input[at] % GRANTS_HEADS == head) {
			*used += (size_t)sprintf(text + *used, "  %s %s when %.*s\n",
				(how & 4) != 0 ? "deny" : "allow", grants_patterns[how % 4],
				(int)(len - 2), input + at + 2);
		}
		at += len + 1;
	}
}

/* The policy with these facts, or NULL: it does not compile. */
static inline struct pol_snapshot *grants_compile(const char *facts, const char *input, size_t size)
{
	static char text[4096 + GRANTS_INPUT + GRANTS_MOST * 64 + GRANTS_HEADS * 64];
	size_t used = (size_t)sprintf(text, "%.2048s%s", facts, grants_trees);
	struct pol_source source = { POL_STR_INIT("fuzz.policy"), { text, 0 } };
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	for (size_t i = 0; i < GRANTS_HEADS; i++) {
		used += (size_t)sprintf(text + used, "%s {\n", grants_heads[i]);
		grants_add(text, &used, input, size, i);
		used += (size_t)sprintf(text + used, "}\n");
	}
	source.text.len = used;
	pol_diags_init(&diags, &source, 1);
	fuzz_require(
		(pol_compile(&source, 1, NULL, &diags, &snapshot) == POL_OK) == (snapshot != NULL));
	pol_diags_finish(&diags);
	return snapshot;
}

/* An input's first bytes are the dice, the rest is the policy. Runs the check this many times, if
 * it compiles. */
static inline void grants_check(const char *facts, const uint8_t *data, size_t size, int rounds,
	void (*check)(struct dice *dice, const struct pol_snapshot *snapshot))
{
	struct dice dice = { 0 };
	struct pol_snapshot *snapshot;

	if (size <= GRANTS_SEED || size > GRANTS_INPUT) {
		return;
	}
	memcpy(&dice.state, data, GRANTS_SEED);
	snapshot = grants_compile(facts, (const char *)data + GRANTS_SEED, size - GRANTS_SEED);
	for (int i = 0; snapshot != NULL && i < rounds; i++) {
		check(&dice, snapshot);
	}
	pol_snapshot_unref(snapshot);
}

/* The facts that are not of the resource: those that a plan is made with. */
static inline void grants_keep(const struct pol_snapshot *snapshot, const struct pol_given *all,
	struct pol_given_fact *items, struct pol_given *out)
{
	*out = (struct pol_given){ items, 0 };
	for (uint32_t i = 0; i < all->count; i++) {
		if (snapshot->facts[all->items[i].fact].space != POL_SPACE_RESOURCE) {
			items[out->count++] = all->items[i];
		}
	}
}
