/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * config_internal: between the two halves that read a configuration file. config_read.c splits the
 * file into lines of words; config_rows.c has the table of names and reads their values.
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

/* One line at a time: words[0] is its name, the others are its values. */
struct config_reader {
	struct config *config;
	struct pol_lexer lexer;
	struct pol_diags *diags;
	struct config_word words[CONFIG_MAX_WORDS];
	size_t count;
	bool listeners_given; /* by an option: those of the file are ignored */
	uint64_t seen;        /* a bit for each row of the table */
};

/* Applies the line to the configuration, or adds a diagnostic. */
void config_read_line(struct config_reader *reader);
