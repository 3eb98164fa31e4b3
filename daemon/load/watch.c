/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/log.h"
#include "daemon/load/folder.h"

/* The kernel follows as many links in one path. */
enum { MAX_LINKS = 40 };

struct watcher {
	struct watcher *next; /* in watch.watchers */
	struct watch *watch;
	uv_fs_event_t event;
	char *path;
	char *only; /* the one name whose events count; NULL: all */
	dev_t dev;
	ino_t ino;
	bool used;
};

struct watch {
	uv_loop_t *loop;
	watch_callback callback;
	void *context;
	struct watcher *watchers;
	size_t handles; /* open or still closing */
	bool closing;
};

int watch_create(uv_loop_t *loop, watch_callback callback, void *context, struct watch **out)
{
	struct watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL) {
		return -ENOMEM;
	}
	watch->loop = loop;
	watch->callback = callback;
	watch->context = context;
	*out = watch;
	return 0;
}

static void free_watcher(struct watcher *watcher)
{
	free(watcher->path);
	free(watcher->only);
	free(watcher);
}

static void on_close(uv_handle_t *handle)
{
	struct watcher *watcher = handle->data;
	struct watch *watch = watcher->watch;

	free_watcher(watcher);
	if (--watch->handles == 0 && watch->closing) {
		free(watch);
	}
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
	struct watcher *watcher = event->data;

	(void)events;
	(void)status;
	if (watcher->only == NULL || name == NULL || strcmp(name, watcher->only) == 0) {
		watcher->watch->callback(watcher->watch->context);
	}
}

static struct watcher *find(
	struct watch *watch, const char *path, const char *only, const struct stat *stat)
{
	for (struct watcher *watcher = watch->watchers; watcher != NULL; watcher = watcher->next) {
		bool same_only =
			only == NULL ? watcher->only == NULL
				     : watcher->only != NULL && strcmp(only, watcher->only) == 0;

		/* The same path may lead to another directory now. */
		if (same_only && watcher->dev == stat->st_dev && watcher->ino == stat->st_ino &&
			strcmp(watcher->path, path) == 0) {
			return watcher;
		}
	}
	return NULL;
}

static void add_watcher(struct watch *watch, const char *path, const char *only)
{
	struct watcher *watcher;
	struct stat stat_before;
	int r;

	if (stat(path, &stat_before) != 0) {
		return;
	}
	watcher = find(watch, path, only, &stat_before);
	if (watcher != NULL) {
		watcher->used = true;
		return;
	}
	watcher = calloc(1, sizeof *watcher);
	if (watcher == NULL) {
		return;
	}
	watcher->watch = watch;
	watcher->dev = stat_before.st_dev;
	watcher->ino = stat_before.st_ino;
	watcher->used = true;
	watcher->path = strdup(path);
	watcher->only = only != NULL ? strdup(only) : NULL;
	if (watcher->path == NULL || (only != NULL && watcher->only == NULL) ||
		uv_fs_event_init(watch->loop, &watcher->event) != 0) {
		free_watcher(watcher);
		return;
	}
	watcher->event.data = watcher;
	watcher->next = watch->watchers;
	watch->watchers = watcher;
	watch->handles++;
	r = uv_fs_event_start(&watcher->event, on_event, path, 0);
	if (r < 0) {
		log_warn("a folder cannot be watched; it is checked every 10 s", "path=%s error=%s",
			path, uv_strerror(r));
	}
}

/* Takes the next component off the rest; false at the end. */
static bool next_component(char *rest, char component[static NAME_MAX + 1])
{
	size_t begin = strspn(rest, "/");
	size_t len = strcspn(rest + begin, "/");

	if (len == 0 || len > NAME_MAX) {
		return false;
	}
	memcpy(component, rest + begin, len);
	component[len] = '\0';
	memmove(rest, rest + begin + len, strlen(rest + begin + len) + 1);
	return true;
}

static void go_up(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash == path ? slash + 1 : slash) = '\0';
}

/* Watches the folder of every link in the path, and of the path's last component. */
static void add_links_to(struct watch *watch, const char *path)
{
	char done[PATH_MAX], rest[2 * PATH_MAX], next[PATH_MAX + NAME_MAX + 2];
	char component[NAME_MAX + 1], target[PATH_MAX];
	unsigned links = 0;

	if (getcwd(done, sizeof done) == NULL || path[0] == '/') {
		snprintf(done, sizeof done, "/");
	}
	snprintf(rest, sizeof rest, "%s", path);
	while (next_component(rest, component)) {
		ssize_t n;

		if (strcmp(component, ".") == 0) {
			continue;
		}
		if (strcmp(component, "..") == 0) {
			go_up(done);
			continue;
		}
		snprintf(next, sizeof next, "%s/%s", strcmp(done, "/") == 0 ? "" : done, component);
		n = readlink(next, target, sizeof target - 1);
		if (n >= 0 || strspn(rest, "/") == strlen(rest)) {
			add_watcher(watch, done, component);
		}
		if (n < 0) {
			snprintf(done, sizeof done, "%.*s", (int)sizeof done - 1, next);
			continue;
		}
		target[n] = '\0';
		if (++links > MAX_LINKS || (size_t)n + 1 + strlen(rest) >= sizeof rest) {
			return;
		}
		memmove(rest + n + 1, rest, strlen(rest) + 1);
		memcpy(rest, target, (size_t)n);
		rest[n] = '/';
		if (target[0] == '/') {
			snprintf(done, sizeof done, "/");
		}
	}
}

static void remove_unused(struct watch *watch)
{
	struct watcher **link = &watch->watchers;

	while (*link != NULL) {
		struct watcher *watcher = *link;

		if (watcher->used) {
			link = &watcher->next;
			continue;
		}
		*link = watcher->next;
		uv_close((uv_handle_t *)&watcher->event, on_close);
	}
}

void watch_begin(struct watch *watch)
{
	for (struct watcher *watcher = watch->watchers; watcher != NULL; watcher = watcher->next) {
		watcher->used = false;
	}
}

void watch_folder(struct watch *watch, const char *path, const struct folder *folder)
{
	add_links_to(watch, path);
	for (size_t i = 0; folder != NULL && i < folder->count; i++) {
		char joined[2 * PATH_MAX];

		if (folder->entries[i].is_folder) {
			snprintf(joined, sizeof joined, "%s/%s", path, folder->entries[i].name);
			add_watcher(watch, joined, NULL);
		}
	}
}

void watch_directory(struct watch *watch, const char *path)
{
	add_links_to(watch, path);
	add_watcher(watch, path, NULL);
}

void watch_subdirectory(struct watch *watch, const char *path, const char *name)
{
	char joined[2 * PATH_MAX];

	snprintf(joined, sizeof joined, "%s/%s", path, name);
	add_links_to(watch, joined);
	add_watcher(watch, joined, NULL);
}

void watch_end(struct watch *watch)
{
	remove_unused(watch);
}

void watch_close(struct watch *watch)
{
	if (watch == NULL) {
		return;
	}
	for (struct watcher *watcher = watch->watchers; watcher != NULL; watcher = watcher->next) {
		watcher->used = false;
	}
	watch->closing = true;
	if (watch->handles == 0) {
		free(watch);
		return;
	}
	remove_unused(watch);
}
