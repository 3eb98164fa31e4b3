/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/ask/covered.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Random policies whose tests expect what is decided. Each statement is left out with the shortcuts
 * of pol_mutation_known and without them; both must find the same.
 */

#define POLICIES 40
#define TESTS    24
#define ROLES    5

struct text {
	char bytes[32768];
	size_t used;
};

static unsigned pick(unsigned *seed, unsigned count)
{
	*seed = *seed * 1103515245U + 12345U;
	return (*seed >> 16) % count;
}

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text->used += (size_t)vsnprintf(
		text->bytes + text->used, sizeof text->bytes - text->used, format, arguments);
	va_end(arguments);
	cr_assert_lt(text->used, sizeof text->bytes);
}

#define PICK(seed, list) (list)[pick(seed, sizeof(list) / sizeof *(list))]

static const char *const grants[] = { "GET on api:/**", "GET on api:/a", "all on api:/a/**",
	"all on api:/**", "POST, PUT on api:/b/**", "edit on api:/b/{x}", "PUT on api:/a/c",
	"GET on api:/** except api:/a", "all on api:/** except GET on api:/a",
	"edit on api:/b/** except api:/b/{x}", "all on api:/b/** except GET, edit",
	"POST on api:/a/** except api:/a/c" };
static const char *const paths[] = { "api:/a", "api:/a/c", "api:/b", "api:/b/1", "api:/b/2" };

static void put_grants(struct text *text, unsigned *seed)
{
	unsigned count = 1 + pick(seed, 3);

	put(text, "{\n");
	for (unsigned i = 0; i < count; i++) {
		put(text, "    %s %s\n", pick(seed, 5) == 0 ? "deny" : "allow", PICK(seed, grants));
	}
	put(text, "}\n");
}

static void put_policy(struct text *text, unsigned *seed)
{
	put(text, "tree api {\n /a { GET, POST, PUT, edit, /c { GET, POST, PUT, edit } }\n"
		  " /b { GET, POST, PUT, edit, /{x} { GET, POST, PUT, edit } }\n}\n");
	for (unsigned i = 0; i < ROLES; i++) {
		put(text, "role r%u ", i);
		if (i > 0 && pick(seed, 2) == 0) {
			put(text, "inherits r%u ", pick(seed, i));
		}
		put_grants(text, seed);
	}
	if (pick(seed, 2) == 0) {
		put(text, "role anyone ");
		put_grants(text, seed);
	}
	for (unsigned i = 0; i < 3; i++) {
		put(text, "scope s%u ", i);
		if (i > 0 && pick(seed, 2) == 0) {
			put(text, "includes s%u ", pick(seed, i));
		}
		put_grants(text, seed);
	}
	put(text,
		"stack other {\n authenticate required key\n account include office\n"
		" authorize required role\n authorize %s scope\n}\n"
		"stack office {\n account required network allow=10.0.0.0/8\n"
		" account optional mfa max_age=1h\n}\n",
		pick(seed, 2) == 0 ? "required" : "sufficient");
}

/* Test `number`; `denied` has which of them expect a denial. */
static void put_test(struct text *text, unsigned *seed, unsigned number, bool denied)
{
	static const char *const places[] = { "", "", " at api:/b/1", " at api:/a" };
	static const char *const ips[] = { "10.0.0.1", "10.0.0.1", "10.0.0.1", "192.0.2.1" };
	static const char *const asked[] = { "GET", "POST", "PUT", "edit" };
	unsigned roles = pick(seed, 3);

	put(text, "test \"%u\" {\n    from %s\n", number, PICK(seed, ips));
	for (unsigned i = 0; i < roles; i++) {
		put(text, "    %s role r%u%s\n", i == 0 ? "as" : "and", pick(seed, ROLES),
			PICK(seed, places));
	}
	if (pick(seed, 3) == 0) {
		put(text, "    with scope s%u\n", pick(seed, 3));
	}
	put(text, "    %s %s %s\n}\n", denied ? "deny" : "allow", PICK(seed, asked),
		PICK(seed, paths));
}

static void on_test(void *context, struct pol_str test, struct pol_str file, uint32_t line,
	const struct pol_suite_failure *failure)
{
	bool *denied = context;

	(void)file;
	(void)line;
	denied[strtoul(test.ptr, NULL, 10)] = failure != NULL;
}

/* The text of a policy from this seed, whose tests pass. False: it does not compile. */
static bool make(struct text *text, unsigned seed)
{
	bool denied[TESTS] = { false };

	for (int round = 0; round < 2; round++) {
		unsigned next = seed;
		struct loaded loaded;
		bool compiles;

		text->used = 0;
		put_policy(text, &next);
		for (unsigned i = 0; i < TESTS; i++) {
			put_test(text, &next, i, denied[i]);
		}
		loaded = load_text(text->bytes);
		if (loaded.status == POL_OK) {
			(void)pol_suite_run(loaded.snapshot, NULL, on_test, denied);
		}
		compiles = loaded.status == POL_OK;
		unload(&loaded);
		if (!compiles) {
			return false;
		}
	}
	return true;
}

/* How many results came without compiling. */
static unsigned compare(struct loaded *loaded, const char *text)
{
	struct pol_coverage *coverage = covered(loaded, (struct pol_suite_options){ 0 });
	struct pol_mutation_base base = mutation_base(loaded, coverage);
	struct pol_mutations list;
	struct pol_arena arena;
	unsigned known = 0;

	pol_arena_init(&arena, POL_SNAPSHOT_LIMIT);
	cr_assert_eq(pol_mutations_list(loaded->sources, loaded->count, &arena, &list), POL_OK);
	for (size_t i = 0; i < list.count; i++) {
		enum pol_mutation_result fast;
		enum pol_mutation_result slow;

		if (!pol_mutation_known(&base, &list.items[i], &fast)) {
			continue;
		}
		known++;
		cr_assert_eq(pol_mutation_try(&base, &list.items[i], &slow), POL_OK);
		cr_assert_eq(fast, slow, "line %u: %d, compiled %d\n%s",
			(unsigned)list.items[i].position.line, (int)fast, (int)slow, text);
	}
	pol_coverage_destroy(coverage);
	pol_arena_finish(&arena);
	return known;
}

Test(mutation_random, the_shortcuts_agree_with_compiling)
{
	struct text *text = malloc(sizeof *text);
	unsigned compiled = 0;
	unsigned known = 0;

	cr_assert_not_null(text);
	for (unsigned seed = 1; compiled < POLICIES; seed++) {
		struct loaded loaded;

		cr_assert_lt(seed, 100 * POLICIES);
		if (!make(text, seed)) {
			continue;
		}
		loaded = load_text(text->bytes);
		compiled++;
		known += compare(&loaded, text->bytes);
		unload(&loaded);
	}
	cr_expect_gt(known, POLICIES, "%u", known);
	free(text);
}
