/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/large.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/policy/load.h"

void large_add(struct large *text, const char *format, ...)
{
	va_list args;
	int len;

	if (text->bytes == NULL) {
		text->bytes = malloc(LARGE_ROOM);
		cr_assert_not_null(text->bytes);
	}
	va_start(args, format);
	len = vsnprintf(text->bytes + text->len, LARGE_ROOM - text->len, format, args);
	va_end(args);
	cr_assert(len >= 0 && (size_t)len < LARGE_ROOM - text->len);
	text->len += (size_t)len;
}

void large_ends_with(struct large *text, const char *wanted)
{
	struct loaded loaded = load_text(text->bytes);

	if (wanted == NULL) {
		cr_expect_eq(loaded.status, POL_OK, "%s", loaded.said);
	} else {
		cr_expect_eq(loaded.status, POL_EINVALID);
		cr_expect_not_null(
			strstr(loaded.said, wanted), "no \"%s\" in\n%s", wanted, loaded.said);
	}
	cr_expect_leq(loaded.diags.arena.used, POL_DIAGS_LIMIT);
	unload(&loaded);
	free(text->bytes);
}
