/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * durable: files that survive a power cut. A file that was created, linked, renamed or removed does
 * so only with its folder's entry, beside its own fsync (fsync(2)).
 */

#include <stdbool.h>
#include <stddef.h>

/* Flushes the folder of `path`; the file itself need not exist. 0 or a negative errno. Any thread.
 */
int durable_sync_folder(const char *path);

/* Writes a file of mode 0600 as a whole: aside, as PATH.new, then under its name, each flushed to
 * the disk. A file PATH.new that an interrupted call left is replaced. `replace`: so is one that
 * has the name; else -EEXIST. 0 or a negative errno; then what had the name still has it. Any
 * thread, but one at a time for a path. */
int durable_write(const char *path, const void *bytes, size_t len, bool replace);
