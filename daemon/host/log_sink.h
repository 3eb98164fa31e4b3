/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * log_sink: where lines of a log go, so that no thread waits for the one who reads them.
 *
 * Any thread puts lines into a buffer and never waits: a line that does not fit is dropped and
 * counted, and a line of the log reports how many were. A thread of the sink takes the buffer, and
 * leaves an empty one, as soon as it holds something and `pause` has passed, or it is half full.
 * The descriptor that it writes to may block without harm to other threads.
 *
 * Every line of every log passes log_sink_put, which redacts tokens.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_SINK_DRAIN   2000 /* ms, for a descriptor that blocks at the end */
#define LOG_SINK_DROPPED 256  /* bytes of a line that reports dropped ones */

struct log_sink;

struct log_sink_options {
	const char *path; /* appended to, and made when missing; NULL: use fd */
	mode_t mode;      /* of a file that is made; 0: 0600 */
	bool has_group;   /* and its group */
	gid_t group;
	int fd;         /* borrowed; without path */
	size_t buffer;  /* bytes; there are two */
	unsigned pause; /* ms, so that one wake-up serves many lines */
	/* What the daemon's log calls this one when it takes no more; NULL: report nothing. */
	const char *name;
	/* Writes the line that reports `lines` dropped ones, and returns its length. */
	size_t (*format_dropped)(char line[static LOG_SINK_DROPPED], uint64_t lines);
};

/* The options are copied, their texts borrowed. 0, or a negative errno: the file cannot be opened,
 * or there is no memory. The thread begins with log_sink_start. */
int log_sink_create(const struct log_sink_options *options, struct log_sink **out);
int log_sink_start(struct log_sink *sink);

/* Writes what is left, within LOG_SINK_DRAIN, and returns how many lines were dropped since the
 * start. NULL is ignored. */
uint64_t log_sink_destroy(struct log_sink *sink);

/* Any thread: puts whole lines, at most `buffer` bytes. Tokens in `lines` are redacted in place. A
 * sink of NULL is standard error, written at once, without a lock: for the time before there are
 * threads, and for handlers of signals. */
void log_sink_put(struct log_sink *sink, char *lines, size_t len);

/* Any thread: reopens the file once what was put before is written, so that it can be renamed
 * away. On failure the old file stays open, and the daemon's log has an error. */
void log_sink_reopen(struct log_sink *sink);

struct log_sink_counts {
	uint64_t written; /* lines */
	uint64_t dropped; /* because the buffer was full, or the descriptor took no more */
};
void log_sink_count(struct log_sink *sink, struct log_sink_counts *out);
