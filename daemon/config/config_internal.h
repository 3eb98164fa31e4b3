/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The two halves of reading a configuration: config_read.c takes the file apart into lines of
 * words, config_rows.c knows what each name takes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "policy/language/lex.h"
#include "policy/text/diag.h"

#define CONFIG_MAX_WORDS 64 /* of one line */

struct config_word {
	struct pol_str text;
	struct pol_span at;
};

/* One line at a time; words[0] is its name. */
struct config_reader {
	struct config *config;
	struct pol_lexer lexer;
	struct pol_diags *diags;
	struct config_word words[CONFIG_MAX_WORDS];
	size_t count;
	bool listeners_given; /* by an option: those of the file do not count */
	uint64_t seen;        /* a bit for each row of the table */
};

/* Takes the line up, or complains of it. */
void config_read_line(struct config_reader *reader);
