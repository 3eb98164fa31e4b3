/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * watch: says when something in a policy folder may have changed.
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

typedef void (*watch_seen)(void *context);

int watch_create(uv_loop_t *loop, watch_seen seen, void *context, struct watch **out);

/* Watches path and what `folder` lists in it (NULL: path could not be listed), and no longer what
 * was watched before and is not among that. What cannot be watched is logged and passed over. */
void watch_arm(struct watch *watch, const char *path, const struct folder *folder);

/* Closes all; freed when the loop has let go. NULL is ignored. */
void watch_close(struct watch *watch);
