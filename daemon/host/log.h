/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * log: one line for each event, on standard error.
 *
 *     log_warn("reload refused", "path=%s errors=%zu", path, errors);
 *
 * The message is fixed. The format is words `key=VALUE`, separated by one space each, and is
 * checked as printf's is. A value may have several conversions (`at=%s:%u`); it is quoted and
 * escaped as a whole where it needs to be, so that a name from outside can neither end a line nor
 * forge a field. Conversions: %s %.*s %c %d %i %u %x, with l, ll, z and j. In JSON a value is a
 * number if all of it is %d, %i or %u conversions, a boolean if the format itself says true or
 * false, and a string otherwise.
 *
 * Nothing from a request is logged, except, for decisions that the policy marks, the resource
 * without its query. Tokens in any field are redacted where lines are written (log_sink.h).
 *
 * error: an administrator must act. warn: unexpected, the daemon goes on. info: something changed.
 * Any thread. After log_start no thread waits for the reader of standard error: a thread of the log
 * writes, and lines for which there is no room are dropped and counted. Before, a line is one
 * write(2). errno is kept.
 */

#include <stddef.h>

struct log_sink_counts;

enum log_level { LOG_ERROR = 0, LOG_WARN, LOG_INFO };
enum log_format { LOG_TEXT = 0, LOG_JSON };

/* Sets the format; the default is text. To be called before any thread is started. */
void log_init(enum log_format format);

/* Starts the log's thread; 0 or a negative errno. */
int log_start(void);
/* Writes what is left, for at most LOG_SINK_DRAIN. All other threads have ended. */
void log_stop(void);

void log_count(struct log_sink_counts *out);

/* Whole lines for people, as they are, except that tokens are redacted in place. */
void log_lines(char *lines, size_t len);

__attribute__((format(printf, 3, 4))) void log_write(
	enum log_level level, const char *message, const char *format, ...);

/* Writes `MESSAGE NAME=NUMBER` as an error, without the time, and uses no lock and no memory: for
 * handlers of signals. */
void log_signal(const char *message, const char *name, unsigned number);

/* The same, but the line is written before it returns: for the last words of a process, which does
 * not wait for the thread that writes the log. */
__attribute__((format(printf, 3, 4))) void log_write_now(
	enum log_level level, const char *message, const char *format, ...);

#define log_error(message, ...) log_write(LOG_ERROR, message, __VA_ARGS__)
#define log_warn(message, ...)  log_write(LOG_WARN, message, __VA_ARGS__)
#define log_info(message, ...)  log_write(LOG_INFO, message, __VA_ARGS__)
