/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * log_file: the descriptor of a log_sink. Only the sink's thread writes.
 *
 * A pipe, socket or terminal is written to only when it has room, in pieces of whole lines that fit
 * it; it is not made non-blocking, because other processes may share it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log_file {
	const char *path; /* NULL: the descriptor is borrowed */
	const char *name; /* for messages; NULL: none are logged */
	mode_t mode;      /* of a file that is made; 0: 0600 */
	bool has_group;   /* and its group, of which the process is a member */
	gid_t group;
	int fd;
	bool regular; /* needs no look whether there is room */
	bool torn;    /* the last write ended within a line */
	bool failing; /* a message says so */
	/* Monotonic ms, after which no room is waited for; 0: none. Any thread may set it. */
	_Atomic int64_t deadline;
};

/* Opens the path, or takes over the use of fd. 0 or a negative errno. */
int log_file_open(struct log_file *file, const char *path, int fd);
/* Opens the path again. On failure the old descriptor is kept, and the daemon's log has an error.
 */
void log_file_reopen(struct log_file *file);
void log_file_close(struct log_file *file);

/* Writes whole lines, `lines` of them; returns how many were written whole. */
uint64_t log_file_write(struct log_file *file, const char *bytes, size_t len, uint64_t lines);

/* Monotonic ms. */
int64_t log_file_now(void);

/* Counts the newlines. */
uint64_t log_file_count_lines(const char *bytes, size_t len);
