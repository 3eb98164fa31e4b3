/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_fuzz: any bytes as the one file of a folder. They compile or are refused with a position,
 * within a bound of memory, and every message can be printed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/language/parse.h"
#include "policy/lint/lint.h"
#include "policy/snapshot/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small enough for inputs to reach it. */
#define PARSE_LIMIT ((size_t)256 * 1024)

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* Messages are whole lines without control characters, except tabs. */
static void on_text(void *context, const char *text, size_t len)
{
	char *last = context;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		check(c >= 0x20 || c == '\n' || c == '\t');
		check(c != 0x7f);
		*last = text[i];
	}
}

static void show(const struct pol_diags *diags)
{
	for (const struct pol_diag *diag = diags->first; diag != NULL; diag = diag->next) {
		char last = '\0';

		pol_diag_render(diags, diag, on_text, &last);
		check(last == '\n');
		check(diag->line > 0 || diag->at.file != 0);
	}
}

static void parse(const struct pol_source *source)
{
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
	enum pol_status status;

	pol_arena_init(&arena, PARSE_LIMIT);
	pol_diags_init(&diags, source, 1);
	status = pol_parse(source, 1, &arena, &diags, &ast);
	check(status != POL_OK || diags.errors == 0);
	check(status != POL_EINVALID || diags.errors > 0);
	pol_diags_sort(&diags);
	show(&diags);
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
}

static void compile(const struct pol_source *source)
{
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;
	enum pol_status status;

	pol_diags_init(&diags, source, 1);
	status = pol_compile(source, 1, NULL, &diags, &snapshot);
	check((status == POL_OK) == (snapshot != NULL));
	check(status != POL_OK || diags.errors == 0);
	show(&diags);
	if (snapshot != NULL) {
		check(pol_lint(snapshot, &diags) == POL_OK);
		check(diags.errors == 0);
		show(&diags);
	}
	pol_snapshot_unref(snapshot);
	pol_diags_finish(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy of exactly this size, so that a sanitizer reports reads past its end */
	char *text = malloc(size > 0 ? size : 1);
	struct pol_source source = { POL_STR_INIT("fuzz.policy"), { text, size } };

	if (text == NULL) {
		return 0;
	}
	if (size > 0) {
		memcpy(text, data, size);
	}
	parse(&source);
	compile(&source);
	free(text);
	return 0;
}
