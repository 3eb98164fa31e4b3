/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_fuzz: any bytes as a policy file. It is formatted if it parses, and only then; the result
 * has the same statements and comments, and formatted again it is the same.
 */
#include "fuzz.h"

#include "policy/format/format.h"
#include "tests/policy/format/ast_text.h"

/* The arena belongs to the caller. False: the file is refused. */
static bool format(struct pol_arena *arena, struct pol_str text, struct pol_str *out)
{
	struct pol_source source = { POL_STR_INIT("fuzz.policy"), text };
	struct pol_diags diags;
	enum pol_status status;

	pol_diags_init(&diags, &source, 1);
	status = pol_format(&diags, arena, out);
	fuzz_require(status == POL_OK || status == POL_EINVALID);
	fuzz_require((status == POL_OK) == (diags.errors == 0));
	pol_diags_finish(&diags);
	return status == POL_OK;
}

static void equal(char *before, char *after)
{
	fuzz_require(before != NULL && after != NULL);
	fuzz_require(strcmp(before, after) == 0);
	free(before);
	free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	struct pol_str text = { copy, size }, once, twice;
	struct pol_arena arena;

	pol_arena_init(&arena, POL_FORMAT_MEMORY);
	if (format(&arena, text, &once)) {
		equal(ast_text(text), ast_text(once));
		equal(ast_comments(text), ast_comments(once));
		fuzz_require(format(&arena, once, &twice));
		fuzz_require(pol_str_equal(once, twice));
	}
	pol_arena_finish(&arena);
	free(copy);
	return 0;
}
