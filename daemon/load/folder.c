/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/host/beneath.h"
#include "daemon/load/folder_internal.h"

/* The state of one listing. */
struct walk {
	struct folder *folder;
	const struct folder_owners *owners;
	int root;
	char *why;
};

/* A user that may write it could change the policy. */
static int check_rights(const struct walk *walk, const char *name, const struct stat *stat)
{
	const char *path = walk->folder->path;
	const char *slash = name[0] != '\0' ? "/" : "";

	if (walk->owners == NULL) {
		return 0;
	}
	if (!folder_is_owner(walk->owners, stat->st_uid)) {
		return folder_refuse(walk->why, -EPERM,
			"%s%s%s belongs to uid %u, who could change the policy by it: chown 0 "
			"%s%s%s",
			path, slash, name, (unsigned)stat->st_uid, path, slash, name);
	}
	if ((stat->st_mode & 022) != 0) {
		return folder_refuse(walk->why, -EPERM,
			"%s%s%s may be written by others, who could change the policy by it: "
			"chmod go-w %s%s%s",
			path, slash, name, path, slash, name);
	}
	return 0;
}

/* The owner of a link could point it to another policy. `name` is relative to `at`: the root's
 * descriptor, or AT_FDCWD. */
static int check_link(const struct walk *walk, int at, const char *name)
{
	const char *path = at == AT_FDCWD ? "" : walk->folder->path;
	const char *slash = at == AT_FDCWD ? "" : "/";
	struct stat stat;

	if (walk->owners == NULL || fstatat(at, name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISLNK(stat.st_mode) || folder_is_owner(walk->owners, stat.st_uid)) {
		return 0;
	}
	return folder_refuse(walk->why, -EPERM,
		"%s%s%s is a link that belongs to uid %u, who could lead it to another policy: "
		"chown -h 0 %s%s%s",
		path, slash, name, (unsigned)stat.st_uid, path, slash, name);
}

static int add_entry(struct walk *walk, const char *name, const struct stat *stat)
{
	struct folder *folder = walk->folder;
	struct folder_entry *entry;

	if (folder->count == folder->capacity) {
		size_t capacity = folder->capacity == 0 ? 64 : folder->capacity * 2;

		entry = realloc(folder->entries, capacity * sizeof *entry);
		if (entry == NULL) {
			return folder_refuse(walk->why, -ENOMEM, "out of memory");
		}
		folder->entries = entry;
		folder->capacity = capacity;
	}
	entry = &folder->entries[folder->count];
	*entry = (struct folder_entry){
		.name = strdup(name),
		.is_folder = S_ISDIR(stat->st_mode),
		.stat = beneath_stat_of(stat),
	};
	if (entry->name == NULL) {
		return folder_refuse(walk->why, -ENOMEM, "out of memory");
	}
	folder->count++;
	return 0;
}

/* A file with a second name may be changed by it, wherever that is, and by users who may not write
 * this folder. */
static int check_names(const struct walk *walk, const char *name, const struct stat *stat)
{
	const char *path = walk->folder->path;

	if (walk->owners == NULL || stat->st_nlink == 1) {
		return 0;
	}
	return folder_refuse(walk->why, -EMLINK,
		"%s/%s has %lu names (hard links), and could be changed by the others: replace it "
		"by a copy: cp -p %s/%s %s/.copy && mv %s/.copy %s/%s",
		path, name, (unsigned long)stat->st_nlink, path, name, path, path, path, name);
}

static bool is_policy(const char *name)
{
	static const char ending[] = ".policy";
	size_t len = strlen(name);

	return len > sizeof ending - 1 &&
	       memcmp(name + len - (sizeof ending - 1), ending, sizeof ending) == 0;
}

/* After `name` could not be opened: 0 if it would not have been read anyway, else an error. */
static int check_unopened(struct walk *walk, const char *name, int error)
{
	const char *path = walk->folder->path;
	struct stat stat;

	if (error == -ENOENT && fstatat(walk->root, name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
		return 0; /* removed meanwhile: the second listing will differ */
	}
	if (!is_policy(name) && error == -ENOENT) {
		return 0;
	}
	if (error == -EXDEV) {
		if (!is_policy(name) &&
			(fstatat(walk->root, name, &stat, 0) != 0 || !S_ISDIR(stat.st_mode))) {
			return 0;
		}
		if (folder_link_is_inside(walk->root, walk->folder->path, name)) {
			return folder_refuse(walk->why, -EXDEV,
				"%s/%s is an absolute link, which is not followed even inside the "
				"policy folder: make it relative (ln -sfr)",
				path, name);
		}
		return folder_refuse(walk->why, -EXDEV,
			"%s/%s is a link that leads out of the policy folder: copy what it points "
			"to, or remove it",
			path, name);
	}
	if (!is_policy(name) && (error == -EACCES || error == -ENXIO || error == -ELOOP)) {
		return 0;
	}
	if (error == -EACCES) {
		return folder_unreadable(walk->why, path, name, "a+r");
	}
	return folder_refuse(
		walk->why, error, "%s/%s cannot be opened: %s", path, name, strerror(-error));
}

static int list_folder(struct walk *walk, const char *name, unsigned depth);

static int list_name(struct walk *walk, const char *name, unsigned depth)
{
	struct stat stat;
	int fd, r;

	if (++walk->folder->seen > FOLDER_MAX_SEEN) {
		return folder_refuse(walk->why, -E2BIG,
			"%s holds more than %d names: is it the right folder?", walk->folder->path,
			FOLDER_MAX_SEEN);
	}
	fd = beneath_open(walk->root, name, O_PATH);
	if (fd < 0) {
		return check_unopened(walk, name, fd);
	}
	r = fstat(fd, &stat) == 0 ? 0 : -errno;
	close(fd);
	if (r < 0) {
		return folder_refuse(
			walk->why, r, "%s/%s: %s", walk->folder->path, name, strerror(-r));
	}
	if (!S_ISDIR(stat.st_mode) && !is_policy(name)) {
		return 0;
	}
	r = check_link(walk, walk->root, name);
	if (r < 0) {
		return r;
	}
	if (S_ISDIR(stat.st_mode)) {
		return list_folder(walk, name, depth + 1);
	}
	if (!S_ISREG(stat.st_mode)) {
		return folder_refuse(walk->why, -EINVAL, "%s/%s is not a regular file",
			walk->folder->path, name);
	}
	r = check_rights(walk, name, &stat);
	if (r == 0) {
		r = check_names(walk, name, &stat);
	}
	return r < 0 ? r : add_entry(walk, name, &stat);
}

static int list_folder(struct walk *walk, const char *name, unsigned depth)
{
	const char *shown = name[0] != '\0' ? name : ".";
	struct dirent *entry;
	struct stat stat;
	DIR *dir;
	int fd, r;

	if (depth > FOLDER_MAX_DEPTH) {
		return folder_refuse(walk->why, -ELOOP,
			"%s/%s lies deeper than %d folders: does a link lead in a circle?",
			walk->folder->path, name, FOLDER_MAX_DEPTH);
	}
	fd = beneath_open(walk->root, shown, O_RDONLY | O_DIRECTORY);
	if (fd == -EACCES) {
		/* It may have policies. */
		return folder_unreadable(walk->why, walk->folder->path, shown, "a+rx");
	}
	if (fd < 0) {
		return check_unopened(walk, shown, fd);
	}
	r = fstat(fd, &stat) == 0 ? check_rights(walk, name, &stat) : -errno;
	if (r == 0) {
		r = add_entry(walk, name, &stat);
	}
	dir = r == 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		close(fd);
		return r < 0 ? r : folder_refuse(walk->why, -ENOMEM, "out of memory");
	}
	while (r == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
		char path[4096];
		int n;

		if (entry->d_name[0] == '.') {
			continue;
		}
		n = snprintf(path, sizeof path, "%s%s%s", name, name[0] != '\0' ? "/" : "",
			entry->d_name);
		r = n < 0 || (size_t)n >= sizeof path
			    ? folder_refuse(walk->why, -ENAMETOOLONG, "%s/%s: the path is too long",
				      walk->folder->path, name)
			    : list_name(walk, path, depth);
	}
	if (r == 0 && errno != 0) {
		r = folder_refuse(walk->why, -errno, "%s/%s cannot be listed: %s",
			walk->folder->path, name, strerror(errno));
	}
	closedir(dir);
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct folder_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The folder's path itself may be a link, which a slash at its end would hide. */
static int check_root_link(const struct walk *walk, const char *path)
{
	char name[PATH_MAX];
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/') {
		len--;
	}
	if (len >= sizeof name) {
		return folder_refuse(
			walk->why, -ENAMETOOLONG, "the policy folder's path is too long");
	}
	memcpy(name, path, len);
	name[len] = '\0';
	return check_link(walk, AT_FDCWD, name);
}

int folder_list(const char *path, const struct folder_owners *owners, struct folder **out,
	char why[static FOLDER_WHY])
{
	struct folder *folder = calloc(1, sizeof *folder);
	struct walk walk = { folder, owners, -1, why };
	int r;

	if (folder == NULL || (folder->path = strdup(path)) == NULL) {
		r = folder_refuse(why, -ENOMEM, "out of memory");
		goto fail;
	}
	r = check_root_link(&walk, path);
	if (r < 0) {
		goto fail;
	}
	walk.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (walk.root < 0 && errno == EACCES) {
		r = folder_unreadable(why, path, "", "a+rx");
		goto fail;
	}
	if (walk.root < 0) {
		r = folder_refuse(why, -errno, "the policy folder %s cannot be opened: %s", path,
			strerror(errno));
		goto fail;
	}
	r = list_folder(&walk, "", 0);
	close(walk.root);
	if (r < 0) {
		goto fail;
	}
	if (folder->count > 0) {
		qsort(folder->entries, folder->count, sizeof *folder->entries, compare);
	}
	*out = folder;
	return 0;

fail:
	folder_destroy(folder);
	return r;
}

bool folder_equal(const struct folder *a, const struct folder *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		const struct folder_entry *x = &a->entries[i], *y = &b->entries[i];

		if (strcmp(x->name, y->name) != 0 || x->is_folder != y->is_folder ||
			!beneath_stat_equal(&x->stat, &y->stat)) {
			return false;
		}
	}
	return true;
}

const char *folder_emptied(const struct folder *before, const struct folder *folder)
{
	size_t k = 0;

	/* Both are in order. */
	for (size_t i = 0; i < folder->count; i++) {
		const struct folder_entry *entry = &folder->entries[i];
		int order = -1;

		while (k < before->count &&
			(order = strcmp(before->entries[k].name, entry->name)) < 0) {
			k++;
		}
		if (!entry->is_folder && entry->stat.size == 0 &&
			(k == before->count || order != 0 || before->entries[k].stat.size != 0)) {
			return entry->name;
		}
	}
	return NULL;
}

void folder_free_sources(struct folder *folder)
{
	if (folder == NULL) {
		return;
	}
	for (size_t i = 0; i < folder->source_count; i++) {
		free((void *)(uintptr_t)folder->sources[i].name.ptr);
		free((void *)(uintptr_t)folder->sources[i].text.ptr);
	}
	free(folder->sources);
	folder->sources = NULL;
	folder->source_count = 0;
}

void folder_destroy(struct folder *folder)
{
	if (folder == NULL) {
		return;
	}
	for (size_t i = 0; i < folder->count; i++) {
		free(folder->entries[i].name);
	}
	folder_free_sources(folder);
	free(folder->entries);
	free(folder->path);
	free(folder);
}
