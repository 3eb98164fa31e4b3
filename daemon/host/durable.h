/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * durable: what a file that was made, linked or renamed needs, beside its own fsync, to be there
 * after a power cut: its folder's entry on the disk (fsync(2)).
 */

/* Of the file at `path`, which may have been removed. 0 or a negative errno. Any thread. */
int durable_sync_folder(const char *path);
