/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions in the pieces of a parallel parser. Their lines may begin in any column and after
 * empty lines, so a piece must never begin within one.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/language/parse.h"
#include "policy/text/host.h"
#include "tests/policy/dice.h"
#include "tests/policy/format/ast_text.h"

enum { TEXT = 400000, STATEMENTS = 2500, CHANGES = 60 };

#define LIMIT ((size_t)64 * 1024 * 1024)

/* Statements that end in different ways, and go on in column 1. */
static const char *const statements[] = {
	"condition c%u = a.b is resource.owner\nand resource.open\n\n# why\nor\nresource.c < 3\n",
	"condition c%u =\n(a\nor\nb)\n",
	"condition c%u = a in \"x\",\n\"y\"\nfacts {\n    resource.f%u int default 3\n}\n",
	"facts {\n    resource.g%u draft | active\n}\ncondition d = not\nnot a\n",
	"role r%u {\n    allow x on t:/a when(a and\n    b)\n    deny x on t:/b\n    when a\n}\n",
	"principal p%u {\n    attribute regions \"EU\",\n    \"US\"\n}\n",
	"test \"%u\" {\n    given principal.id \"ann\",\n    resource.f%u 3\n    mfa\n}\n",
};

static size_t make_text(char text[TEXT])
{
	size_t len = 0;

	for (unsigned i = 0; i < STATEMENTS; i++) {
		const char *one = statements[i * 5 % (sizeof statements / sizeof *statements)];

		/* each has at most two numbers */
		for (const char *at = one; *at != '\0'; at++) {
			if (at[0] == '%' && at[1] == 'u') {
				len += (size_t)snprintf(text + len, TEXT - len, "%u", i);
				at++;
			} else {
				text[len++] = *at;
			}
			cr_assert_lt(len, TEXT - 16);
		}
	}
	text[len] = '\0';
	return len;
}

static void backwards(
	void *context, size_t count, void (*work)(void *argument, size_t i), void *argument)
{
	size_t *pieces = context;

	*pieces += count;
	while (count > 0) {
		work(argument, --count);
	}
}

/* What comes of the source: all messages, then the AST if there is no mistake. */
static char *describe(const struct pol_source *source, const struct pol_host *host)
{
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
	char *out = NULL, *tree;
	size_t size;
	FILE *text = open_memstream(&out, &size);
	enum pol_status status;

	cr_assert_not_null(text);
	pol_arena_init(&arena, LIMIT);
	pol_diags_init(&diags, source, 1);
	status = pol_parse_parallel(host, &arena, &diags, &ast);
	fprintf(text, "%d %zu\n", (int)status, diags.errors);
	for (const struct pol_diag *diag = diags.first; diag != NULL; diag = diag->next) {
		fprintf(text, "%u:%u %.*s\n", (unsigned)diag->line, (unsigned)diag->column,
			POL_STR_ARGS(diag->message));
	}
	if (status == POL_OK) {
		tree = ast_text_of(&ast);
		fputs(tree, text);
		free(tree);
	}
	fclose(text);
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
	return out;
}

/* Returns the number of pieces. */
static size_t expect_same_in_pieces(const struct pol_source *source)
{
	size_t pieces = 0;
	const struct pol_host host = { .context = &pieces, .parallel = backwards };
	char *alone = describe(source, NULL), *parted = describe(source, &host);

	cr_assert_str_eq(alone, parted);
	free(alone);
	free(parted);
	return pieces;
}

Test(parse_pieces, conditions_are_the_same_in_pieces_wherever_those_begin)
{
	static char text[TEXT];
	size_t len = make_text(text);
	const struct pol_source whole = { POL_STR_INIT("a.policy"), { text, len } };
	char *described = describe(&whole, NULL);

	cr_expect_eq(strncmp(described, "0 0\n", 4), 0, "%.200s", described);
	free(described);
	/* the boundaries depend on the length */
	for (unsigned i = 0; i < 40; i++) {
		const struct pol_source source = { POL_STR_INIT("a.policy"),
			{ text + (size_t)i, len - i } };
		const struct pol_source shorter = { POL_STR_INIT("a.policy"),
			{ text, len - (size_t)i * 997 } };

		cr_expect_gt(expect_same_in_pieces(&source), 2);
		cr_expect_gt(expect_same_in_pieces(&shorter), 2);
	}
}

Test(parse_pieces, conditions_with_any_byte_changed_are_the_same_in_pieces)
{
	static const char bytes[] = "\n(){}\",# =<&a\xff";
	static char text[TEXT];
	const struct pol_source source = { POL_STR_INIT("a.policy"), { text, make_text(text) } };
	struct dice dice = { 1 };

	for (unsigned i = 0; i < CHANGES; i++) {
		size_t at = roll(&dice, (uint32_t)source.text.len);
		char was = text[at];

		text[at] = bytes[roll(&dice, sizeof bytes - 1)];
		expect_same_in_pieces(&source);
		text[at] = was;
	}
}
