/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * beneath: files opened below a folder and nowhere else, and read while they stand still.
 *
 * openat2(2) with RESOLVE_BENEATH: a link, absolute name or `..` that leads out is refused by the
 * kernel (-EXDEV), and nothing is ever waited for. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* What a file was like when it was looked at: equal before and after, it was not changed. */
struct beneath_stat {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct timespec ctime;
};

/* A descriptor that the caller closes, or a negative errno. `flags` are open(2)'s; close-on-exec
 * and non-blocking come by themselves. */
int beneath_open(int root, const char *name, uint64_t flags);

struct beneath_stat beneath_stat_of(const struct stat *stat);
bool beneath_stat_equal(const struct beneath_stat *a, const struct beneath_stat *b);

/* Reads exactly `size` bytes from where the descriptor stands. -ESTALE: it has fewer. */
int beneath_read(int fd, char *bytes, size_t size);
