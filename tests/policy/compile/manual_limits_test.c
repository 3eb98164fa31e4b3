/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual page authz-policy(5) and the reference say what the program does: every limit, state
 * of a key and bound of the two pages is compared with the program's own, and the examples are
 * parsed.
 */
#include <stdlib.h>

#include "policy/compile/compile.h"
#include "policy/compile/suite_fixture.h"
#include "policy/decide/stack.h"
#include "policy/decide/truth.h"
#include "policy/language/parser.h"
#include "policy/text/reason.h"
#include "tests/policy/compile/manual_page.h"
#include "tests/policy/load.h"

/* --- limits, states --------------------------------------------------------------------------- */

/* Every field of struct pol_limits is one limit, so the page has all if it has as many that exist.
 */
Test(manual_limits, has_the_limits)
{
	char *text = part(MANUAL, "key_max_ttl           730d++\n}\n", "Durations are");
	char *example = part(REFERENCE, "    limits {\n", "    }\n");
	struct words page = { 0 };
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		if (line[0] == '*') {
			add_marked(&page, line, '*');
		}
	}
	cr_expect_eq(page.count, sizeof(struct pol_limits) / sizeof(uint64_t));
	for (size_t i = 0; i < page.count; i++) {
		struct loaded loaded;
		char policy[256];

		snprintf(policy, sizeof policy, "tree t { /a { GET } }\nlimits { %s %s }\n",
			page.at[i],
			strncmp(page.at[i] + strlen(page.at[i]) - 9, "principal", 9) == 0 ? "2"
											  : "25h");
		loaded = load_text(policy);
		cr_expect_eq(loaded.status, POL_OK, "%s", loaded.said);
		cr_expect_not_null(strstr(example, page.at[i]), "%s", page.at[i]);
		unload(&loaded);
	}
	free(text);
	free(example);
}

/* Copies with one space for several. */
static void squeeze(const char *text, char *out)
{
	size_t len = 0;

	for (; *text != '\0'; text++) {
		if (*text != ' ' || len == 0 || out[len - 1] != ' ') {
			out[len++] = *text;
		}
	}
	out[len] = '\0';
}

Test(manual_limits, has_the_defaults_of_the_limits)
{
	static char page[1 << 17];
	struct loaded loaded = load_text("tree t { /a { GET } }\n");
	const struct pol_limits *limits = pol_snapshot_limits(loaded.snapshot);
	char text[128];

	snprintf(text, sizeof text,
		"by default %lluh, and\n\tthe most that a request may say, by "
		"default %llud",
		(unsigned long long)limits->rotation_overlap / 3600,
		(unsigned long long)limits->rotation_max_overlap / 86400);
	cr_expect_not_null(strstr(read_page(MANUAL), text), "%s", text);
	squeeze(read_page(REFERENCE), page);
	snprintf(text, sizeof text, "rotation_overlap %lluh # the default",
		(unsigned long long)limits->rotation_overlap / 3600);
	cr_expect_not_null(strstr(page, text), "%s", text);
	snprintf(text, sizeof text, "rotation_max_overlap %llud # the default",
		(unsigned long long)limits->rotation_max_overlap / 86400);
	cr_expect_not_null(strstr(page, text), "%s", text);
	unload(&loaded);
}

/* The parser's message names all states. */
Test(manual_limits, has_the_states_of_a_key)
{
	struct loaded loaded =
		load_text("tree t { /a { GET } }\ntest \"x\" {\n key zebra\n deny GET t:/a\n}\n");
	const char *listed = strstr(loaded.said, "a state: ");
	char *text = part(MANUAL, "\n*key* active", ";");
	struct words page = { 0 }, program = { 0 };

	cr_assert_not_null(listed, "%s", loaded.said);
	listed += strlen("a state: ");
	while (*listed != '\0' && *listed != '\n') {
		size_t len = strspn(listed, "abcdefghijklmnopqrstuvwxyz");

		if (len > 0 && strncmp(listed, "or ", 3) != 0 && strncmp(listed, "found", 5) != 0) {
			add(&program, listed, len);
		}
		listed += len > 0 ? len : 1;
		if (strncmp(listed, ", found", 7) == 0) {
			break;
		}
	}
	add_word(&page, "active");
	for (const char *at = text; *at != '\0';) {
		size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz");

		if (len > 0) {
			add(&page, at, len);
		}
		at += len > 0 ? len : 1;
	}
	expect_same(&page, &program, "states");
	free(text);
	unload(&loaded);
}

/* --- bounds ----------------------------------------------------------------------------------- */

/* 4096 as "4,096" */
static const char *number(size_t value)
{
	static char texts[8][32];
	static int next;
	char *text = texts[next++ % 8];

	if (value < 1000) {
		snprintf(text, 32, "%zu", value);
	} else if (value < 1000000) {
		snprintf(text, 32, "%zu,%03zu", value / 1000, value % 1000);
	} else {
		snprintf(text, 32, "%zu,%03zu,%03zu", value / 1000000, value / 1000 % 1000,
			value % 1000);
	}
	return text;
}

/* The page says so, wherever its lines end. */
__attribute__((format(printf, 2, 3))) static void expect_said(
	const char *path, const char *format, ...)
{
	char sentence[256];
	char *page = read_page(path);
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	for (char *at = page; *at != '\0'; at++) {
		if (*at == '\n' || *at == '\t') {
			*at = ' ';
		}
	}
	cr_expect_not_null(strstr(page, sentence), "%s does not say '%s'", path, sentence);
}

Test(manual_limits, has_the_bounds)
{
	const size_t mib = 1 << 20;

	expect_said(MANUAL, "A file has at most %zu MiB, a folder %zu MiB;", POL_FILE_MAX / mib,
		POL_FOLDER_MAX / mib);
	expect_said(MANUAL, "blocks nest at most %d deep, a name has at most %d bytes",
		POL_NESTING_MAX, POL_NAME_MAX);
	expect_said(MANUAL, "there are at most %s nodes",
		POL_NODE_LIMIT == 1000000 ? "one million" : "other");
	expect_said(MANUAL, "up to %d for each file", POL_DIAG_PER_FILE);
	expect_said(MANUAL, "more than %s bytes or %d segments", number(POL_PATH_BYTES),
		POL_PATH_SEGMENTS);
	expect_said(MANUAL, "the first %d bits count", POL_CHARGE_PREFIX6);
	expect_said(REFERENCE, "at most %d errors for each file", POL_DIAG_PER_FILE);
	expect_said(REFERENCE, "| a file; a folder | %zu MiB; %zu MiB |", POL_FILE_MAX / mib,
		POL_FOLDER_MAX / mib);
	expect_said(REFERENCE, "| nesting of blocks | %d |", POL_NESTING_MAX);
	expect_said(REFERENCE, "| a name | %d bytes |", POL_NAME_MAX);
	expect_said(REFERENCE, "| nodes | %s |", number(POL_NODE_LIMIT));
	expect_said(REFERENCE, "| a stack, after inclusion | %s lines |", number(POL_STACK_LINES));
	expect_said(REFERENCE,
		"| a request's path | %s bytes, %d segments, %d nested encodings of a segment |",
		number(POL_PATH_BYTES), POL_PATH_SEGMENTS, POL_PATH_LAYERS);
	expect_said(REFERENCE, "| quotas of one stack | %d |", POL_CHARGES);
	expect_said(REFERENCE, "| roles of one holder in a test | %s |", number(POL_FIXTURE_ROLES));
	expect_said(REFERENCE, "A stack has at most %d quotas", POL_CHARGES);
	expect_said(REFERENCE, "| notes of one message | %d |", POL_DIAG_NOTES);
	expect_said(REFERENCE, "the first %d bits count", POL_CHARGE_PREFIX6);
	expect_said(REFERENCE, "at most %d of `a` to `z`", POL_REASON_MAX);
}

Test(manual_limits, has_the_bounds_of_conditions)
{
	expect_said(REFERENCE, "| declared facts; distinct conditions | %d; %s |", POL_FACTS_MAX,
		number(POL_CONDITIONS_MAX));
	expect_said(REFERENCE, "with the names in it replaced | %d comparisons;",
		POL_CONDITION_PREDICATES);
	expect_said(REFERENCE, "| a list in a condition, and the words of a fact | %d items |",
		POL_CONDITION_LIST);
	expect_said(REFERENCE, "| parentheses and `not` within one another | %d |",
		POL_CONDITION_LEVELS);
	expect_said(REFERENCE, "%d members of two sets that are compared | %s; what",
		POL_TRUTH_MEMBERS, number(POL_TRUTH_STEPS));
	expect_said(MANUAL, "At most %d facts and %s distinct conditions; %d comparisons",
		POL_FACTS_MAX, number(POL_CONDITIONS_MAX), POL_CONDITION_PREDICATES);
	expect_said(
		MANUAL, "%d items in a list, %d levels", POL_CONDITION_LIST, POL_CONDITION_LEVELS);
}

/* --- examples --------------------------------------------------------------------------------- */

/* An example of the page begins with a tab; its lines end in "++", but the last one. */
static size_t next_example(const char **page, char *out, size_t room)
{
	const char *begin = strstr(*page, "\n\n\t");
	const char *at = begin != NULL ? begin + 3 : NULL;
	size_t len = 0;

	if (at == NULL) {
		return 0;
	}
	for (bool more = true; more;) {
		size_t line = strcspn(at, "\n");

		more = line > 2 && strncmp(at + line - 2, "++", 2) == 0;
		cr_assert_lt(len + line + 2, room);
		for (size_t i = 0; i < line - (more ? 2 : 0); i++) {
			/* scdoc's escapes */
			if (at[i] != '\\') {
				out[len++] = at[i];
			}
		}
		out[len++] = '\n';
		at += line + 1;
	}
	out[len] = '\0';
	*page = at - 1;
	return len;
}

Test(manual_limits, has_examples_that_are_policies)
{
	const char *page = read_page(MANUAL);
	char text[4096];
	size_t read = 0;

	while (next_example(&page, text, sizeof text) > 0) {
		struct pol_str word = { text, strcspn(text, " ") };
		struct pol_source source = { POL_STR("example"), pol_str_of(text) };
		struct pol_arena arena;
		struct pol_diags diags;
		struct pol_ast ast;

		if (!pol_parse_block_is_top(word)) {
			continue;
		}
		pol_arena_init(&arena, 1 << 24);
		pol_diags_init(&diags, &source, 1);
		cr_expect_eq(pol_parse(&source, 1, &arena, &diags, &ast), POL_OK);
		cr_expect_eq(diags.errors + diags.warnings, 0, "%s\n%.*s", text,
			diags.first != NULL ? (int)diags.first->message.len : 0,
			diags.first != NULL ? diags.first->message.ptr : "");
		pol_diags_finish(&diags);
		pol_arena_finish(&arena);
		read++;
	}
	cr_expect_geq(read, 6, "%zu", read);
}
