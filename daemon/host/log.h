/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * log: one line an event on standard error.
 *
 *     log_warn("reload refused", "path=%s errors=%zu", path, errors);
 *
 * A fixed message, then printf-checked words `key=VALUE`, one space between them. A value may
 * hold several conversions (`at=%s:%u`); it is quoted and escaped as a whole where it needs to be,
 * so that no name that somebody chose can end a line or forge a field. Conversions: %s %.*s %c %d
 * %i %u %x and their l, ll, z and j forms. A value that is the
 * bare word true or false in the format itself is none of JSON's texts.
 *
 * Never log what came in a request, but for the decisions that the policy marks: what was asked
 * for, without its query.
 *
 * error: somebody must act. warn: odd, survived. info: something changed. Any thread; a line is
 * one write. errno is kept.
 */

enum log_level { LOG_ERROR = 0, LOG_WARN, LOG_INFO };
enum log_format { LOG_TEXT = 0, LOG_JSON };

/* Before any thread is started. Without it the format is text. */
void log_init(enum log_format format);

__attribute__((format(printf, 3, 4))) void log_write(
	enum log_level level, const char *message, const char *format, ...);

#define log_error(message, ...) log_write(LOG_ERROR, message, __VA_ARGS__)
#define log_warn(message, ...)  log_write(LOG_WARN, message, __VA_ARGS__)
#define log_info(message, ...)  log_write(LOG_INFO, message, __VA_ARGS__)

/* The same into a buffer; gives the line's length, its newline included. For tests. */
__attribute__((format(printf, 5, 6))) unsigned log_line(char *line, unsigned size,
	enum log_level level, const char *message, const char *format, ...);
