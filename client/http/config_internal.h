/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * config_internal: between config.c, which reads the file, config_rows.c, which has the table of
 * names and reads their values, config_listen.c, which begins a listener, and config_console.c,
 * which reads what is about the console.
 */

#include <stddef.h>
#include <stdint.h>

#include "client/http/config.h"
#include "policy/language/settings.h"
#include "policy/text/diag.h"

#define HTTP_MAX_WORDS (HTTP_MAX_PROXIES + 1) /* of one line: the longest is that of proxies */

/* One line at a time: words[0] is its name, the others are its values. */
struct http_reader {
	struct http_config *config;
	struct pol_lexer lexer;
	struct pol_diags *diags;
	struct pol_setting_word words[HTTP_MAX_WORDS];
	size_t count;
	struct http_listener common;    /* what the lines before the first `listen` say */
	struct http_listener refused;   /* one whose `listen` line has a mistake */
	struct http_listener *listener; /* that the present line is about */
	bool has_header_here;           /* `token header` was set since the last `listen` */
	bool has_cookie_here;           /* and `token cookie` */
	uint64_t seen;                  /* a bit for each row of the table, of the whole file */
	uint64_t seen_here;             /* the same, since the last `listen` */
};

/* Applies the line to the configuration, or adds a diagnostic. */
void http_config_line(struct http_reader *reader);

/* A NUL-terminated copy of the word; NULL: no memory, which is reported. */
const char *http_config_copy(struct http_reader *reader, const struct pol_setting_word *word);

/* A word of the two that a setting may have. False: reported. */
bool http_config_choose(struct http_reader *reader, const struct pol_setting_word *word,
	const char *yes, const char *no, bool *out);

/* The name of a header or a cookie: a token of RFC 9110. False: reported. */
bool http_config_name(
	struct http_reader *reader, const struct pol_setting_word *word, const char **out);

/* The path of a socket of the daemon; NULL: reported. */
const char *http_config_socket(struct http_reader *reader, const struct pol_setting_word *word);

/* The lines about the console: the daemon's socket, and those of the reader's listener. */
void http_config_on_console_authz(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count);
void http_config_on_console(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count);
void http_config_on_console_origin(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count);
void http_config_on_identity(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count);

/* What no single line of these can say. */
void http_config_check_console(struct http_reader *reader);

/* The line `answer_headers`. */
void http_config_on_answer_headers(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count);

/* The line `listen`: from then on the reader's listener is that one. */
void http_config_on_listen(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count);
