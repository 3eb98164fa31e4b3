/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * durable: flushes a folder to the disk. A file that was created, linked, renamed or removed
 * survives a power cut only with its folder's entry, beside its own fsync (fsync(2)).
 */

/* Flushes the folder of `path`; the file itself need not exist. 0 or a negative errno. Any thread.
 */
int durable_sync_folder(const char *path);
