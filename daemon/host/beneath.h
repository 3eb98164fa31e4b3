/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * beneath: opens files below a folder and nowhere else, and shows whether a file changed while it
 * was read.
 *
 * openat2(2) with RESOLVE_BENEATH: the kernel refuses a link, an absolute name or a `..` that leads
 * out of the folder (-EXDEV). Opening never blocks. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Identity, size and times of a file: if they are equal before and after, nothing wrote to it. */
struct beneath_stat {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct timespec ctime;
};

/* Opens `name` below the folder `root`. Returns a descriptor that the caller closes, or a negative
 * errno. `flags` are those of open(2); O_CLOEXEC is added, and O_NONBLOCK and O_NOCTTY unless
 * O_PATH is set. */
int beneath_open(int root, const char *name, uint64_t flags);

struct beneath_stat beneath_stat_of(const struct stat *stat);
bool beneath_stat_equal(const struct beneath_stat *a, const struct beneath_stat *b);

/* Reads exactly `size` bytes from the descriptor's offset. 0 or a negative errno; -ESTALE: the file
 * ends before. */
int beneath_read(int fd, char *bytes, size_t size);
