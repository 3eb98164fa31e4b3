/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * config_internal: between the parts that read a configuration file. config_read.c splits the
 * file into lines of words; config_rows.c has the table of names and reads their values;
 * config_subjects.c finds users and groups, and reads the lines about what they may do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "policy/language/settings.h"
#include "policy/text/diag.h"

#define CONFIG_MAX_WORDS 64 /* of one line */

/* One line at a time: words[0] is its name, the others are its values. */
struct config_reader {
	struct config *config;
	struct pol_lexer lexer;
	struct pol_diags *diags;
	struct pol_setting_word words[CONFIG_MAX_WORDS];
	size_t count;
	bool listeners_given;             /* by an option: those of the file are ignored */
	uint64_t seen;                    /* a bit for each row of the table */
	struct pol_span user_connections; /* where the file sets it; length 0: it does not */
};

/* A NUL-terminated copy of the word; NULL: no memory, which is reported. */
const char *config_copy_word(struct config_reader *reader, const struct pol_setting_word *word);

/* --- config_subjects.c -------------------------------------------------------------------------
 */

/* Look a name up. False: the machine does not have it, which is reported. out_group may be NULL. */
bool config_find_user(struct config_reader *reader, const struct pol_setting_word *name, uid_t *out,
	gid_t *out_group);
/* May the daemon go by this user's number, for itself or its files? False: it is 65534, which is
 * reported. */
bool config_check_own(struct config_reader *reader, const struct pol_setting_word *name, uid_t uid);
bool config_find_group(
	struct config_reader *reader, const struct pol_setting_word *name, gid_t *out);

/* The lines that say what a user or a group may do. */
void config_on_trust(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count);
void config_on_impersonate(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count);
void config_on_manage(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count);

/* Applies the line to the configuration, or adds a diagnostic. */
void config_read_line(struct config_reader *reader);
