/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * watch: says when something in a policy folder, or in the module folder, may have changed.
 *
 * Watches directories alone: each level of the folder, and the folders of the links that lead to
 * it, since a swapped link is an event there and nowhere else. What it says is never more than
 * "look again": who listens waits for quiet, lists anew and arms anew. Events can be lost (a full
 * queue, an exotic file system), so looking from time to time anyway is part of using this.
 * Belongs to the thread of its loop.
 */

#include <uv.h>

struct folder;
struct watch;

typedef void (*watch_callback)(void *context);

int watch_create(uv_loop_t *loop, watch_callback callback, void *context, struct watch **out);

/*
 * What is watched is said anew each time: begin, then all of it, then end, when what was watched
 * before and is not among that is watched no longer. What cannot be watched is logged and passed
 * over.
 */
void watch_begin(struct watch *watch);
/* The policy folder at path, and what `folder` lists in it; NULL: path could not be listed. */
void watch_folder(struct watch *watch, const char *path, const struct folder *folder);
/* The names in the folder at path; and in one below it, if there is one. */
void watch_directory(struct watch *watch, const char *path);
void watch_subdirectory(struct watch *watch, const char *path, const char *name);
void watch_end(struct watch *watch);

/* Closes all; freed when the loop has let go. NULL is ignored. */
void watch_close(struct watch *watch);
