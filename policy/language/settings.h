/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * settings: a configuration as lines of `NAME VALUE…`, in the words of the policy language, for the
 * programs' own files: authzd.conf(5), authz-http.conf(5). Pure; a lexer is for one thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/language/lex.h"
#include "policy/text/arena.h"
#include "policy/text/diag.h"
#include "policy/text/str.h"

struct pol_setting_word {
	struct pol_str text; /* a view of the source, or in the arena */
	struct pol_span at;
};

/* Reads the next line that has words: the name and its values. Commas separate words as spaces do.
 * Returns their number, at most max, or 0 at the end. Mistakes go to the lexer's diagnostics. */
size_t pol_settings_line(struct pol_lexer *lexer, struct pol_arena *arena,
	struct pol_setting_word *words, size_t max);

/* Each reads a value. False: it is not of the form, or out of range; *out is not set then. */
bool pol_settings_number(struct pol_str text, unsigned least, unsigned most, unsigned *out);
/* A file's mode, three or four octal digits from 001 to 0777. */
bool pol_settings_mode(struct pol_str text, unsigned *out);
