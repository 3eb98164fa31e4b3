/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * watch: calls back when something in the policy folder or the module folder may have changed.
 *
 * It watches directories: each one in the folder, and those of the links that lead to it, where
 * a replaced link is an event. A callback means no more than that something may have changed: the
 * user waits until events stop, lists again and sets the watch to the new list. Events can be lost
 * (a full queue, some file systems), so the user also lists from time to time. Belongs to the
 * thread of its loop.
 */

#include <uv.h>

struct folder;
struct watch;

typedef void (*watch_callback)(void *context);

/* Watches nothing yet. 0 or a negative errno. */
int watch_create(uv_loop_t *loop, watch_callback callback, void *context, struct watch **out);

/*
 * Between watch_begin and watch_end the caller names all that is to be watched; watch_end drops
 * what was watched before and was not named again. What cannot be watched is logged and skipped.
 */
void watch_begin(struct watch *watch);
/* Watches the policy folder at `path` and the directories that `folder` lists in it; NULL: it could
 * not be listed. */
void watch_folder(struct watch *watch, const char *path, const struct folder *folder);
/* Watches the directory at `path`; and its subdirectory `name`, if it exists. */
void watch_directory(struct watch *watch, const char *path);
void watch_subdirectory(struct watch *watch, const char *path, const char *name);
void watch_end(struct watch *watch);

/* Closes all; the memory is freed when the loop has closed the handles. NULL is ignored. */
void watch_close(struct watch *watch);
