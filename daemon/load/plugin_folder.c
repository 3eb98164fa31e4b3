/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/plugin_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/revision.h"

__attribute__((format(printf, 3, 4))) static int refuse(
	char *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, PLUGIN_WHY, format, args);
	va_end(args);
	return error;
}

/* A user that may write it could run code in the daemon. `name` "": the folder itself. */
static int check_rights(
	const struct plugin_folder *folder, const char *name, uid_t uid, mode_t mode, char *why)
{
	const char *slash = name[0] != '\0' ? "/" : "";

	if (uid != 0 && uid != folder->owner) {
		return refuse(why, -EPERM,
			"%s%s%s belongs to uid %u, who could run code in the daemon by it: chown 0 "
			"%s%s%s",
			folder->path, slash, name, (unsigned)uid, folder->path, slash, name);
	}
	if ((mode & 022) != 0) {
		return refuse(why, -EPERM,
			"%s%s%s may be written by others, who could run code in the daemon by it: "
			"chmod go-w %s%s%s",
			folder->path, slash, name, folder->path, slash, name);
	}
	return 0;
}

/* --- listing ---------------------------------------------------------------------------------- */

static int add_file(
	struct plugin_folder *folder, const char *name, const struct stat *stat, char *why)
{
	struct plugin_file *file;

	if (folder->count == folder->capacity) {
		size_t capacity = folder->capacity == 0 ? 16 : folder->capacity * 2;

		file = realloc(folder->files, capacity * sizeof *file);
		if (file == NULL) {
			return refuse(why, -ENOMEM, "out of memory");
		}
		folder->files = file;
		folder->capacity = capacity;
	}
	file = &folder->files[folder->count];
	*file = (struct plugin_file){
		.name = strdup(name),
		.regular = S_ISREG(stat->st_mode),
		.uid = stat->st_uid,
		.mode = stat->st_mode,
		.stat = beneath_stat_of(stat),
	};
	if (file->name == NULL) {
		return refuse(why, -ENOMEM, "out of memory");
	}
	folder->count++;
	return 0;
}

static bool is_module(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && memcmp(name + len - 3, ".so", 3) == 0;
}

/* A file that cannot be opened is left out: a policy that uses it gets "no such file". */
static int list_name(struct plugin_folder *folder, const char *name, char *why)
{
	struct stat stat;
	int fd = beneath_open(folder->root, name, O_PATH);
	int r;

	if (fd < 0) {
		return 0;
	}
	r = fstat(fd, &stat);
	close(fd);
	return r != 0 || S_ISDIR(stat.st_mode) ? 0 : add_file(folder, name, &stat, why);
}

static int list_names(struct plugin_folder *folder, DIR *dir, bool is_data, char *why)
{
	size_t seen = 0;
	struct dirent *entry;
	int r = 0;

	while (r == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
		char name[sizeof "data/" + sizeof entry->d_name];

		if (entry->d_name[0] == '.' || (!is_data && !is_module(entry->d_name))) {
			continue;
		}
		if (++seen > PLUGIN_MAX_NAMES) {
			return refuse(why, -E2BIG,
				"%s%s holds more than %d files: is it the right folder?",
				folder->path, is_data ? "/data" : "", PLUGIN_MAX_NAMES);
		}
		snprintf(name, sizeof name, "%s%s", is_data ? "data/" : "", entry->d_name);
		r = list_name(folder, name, why);
	}
	if (r == 0 && errno != 0) {
		r = refuse(why, -errno, "%s cannot be listed: %s", folder->path, strerror(errno));
	}
	return r;
}

/* Takes over fd. */
static int list_folder(struct plugin_folder *folder, int fd, const char *name, char *why)
{
	struct stat stat;
	DIR *dir = NULL;
	int r = fstat(fd, &stat) == 0 ? 0 : refuse(why, -errno, "%s: %s", name, strerror(errno));

	if (r == 0) {
		r = check_rights(folder, name, stat.st_uid, stat.st_mode, why);
	}
	if (r == 0 && (dir = fdopendir(fd)) == NULL) {
		r = refuse(why, -errno, "%s cannot be listed: %s", folder->path, strerror(errno));
	}
	if (dir == NULL) {
		close(fd);
		return r;
	}
	r = list_names(folder, dir, name[0] != '\0', why);
	closedir(dir);
	return r;
}

static int list(struct plugin_folder *folder, char *why)
{
	int fd, r;

	folder->root = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = folder->root < 0 ? -1 : fcntl(folder->root, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		return refuse(why, -errno, "the module folder %s cannot be opened: %s",
			folder->path, strerror(errno));
	}
	r = list_folder(folder, fd, "", why);
	if (r < 0) {
		return r;
	}
	fd = beneath_open(folder->root, "data", O_RDONLY | O_DIRECTORY);
	if (fd == -ENOENT || fd == -ENOTDIR) {
		return 0;
	}
	return fd < 0 ? refuse(why, fd, "%s/data cannot be opened: %s", folder->path, strerror(-fd))
		      : list_folder(folder, fd, "data", why);
}

static int compare(const void *a, const void *b)
{
	const struct plugin_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int plugin_folder_list(
	const char *path, uid_t owner, struct plugin_folder **out, char why[static PLUGIN_WHY])
{
	struct plugin_folder *folder = calloc(1, sizeof *folder);
	int r;

	if (folder == NULL) {
		return refuse(why, -ENOMEM, "out of memory");
	}
	folder->owner = owner;
	folder->root = -1;
	folder->path = strdup(path);
	r = folder->path != NULL ? list(folder, why) : refuse(why, -ENOMEM, "out of memory");
	if (r < 0) {
		plugin_folder_destroy(folder);
		return r;
	}
	if (folder->count > 0) {
		qsort(folder->files, folder->count, sizeof *folder->files, compare);
	}
	*out = folder;
	return 0;
}

bool plugin_folder_equal(const struct plugin_folder *a, const struct plugin_folder *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->files[i].name, b->files[i].name) != 0 ||
			!beneath_stat_equal(&a->files[i].stat, &b->files[i].stat)) {
			return false;
		}
	}
	return true;
}

static uint64_t add(uint64_t hash, const void *bytes, size_t len)
{
	return pol_revision_hash64((struct pol_str){ bytes, len }, hash);
}

uint64_t plugin_folder_code(const struct plugin_folder *folder)
{
	uint64_t hash = 0;

	for (size_t i = 0; folder != NULL && i < folder->count; i++) {
		const struct plugin_file *file = &folder->files[i];
		const struct beneath_stat *stat = &file->stat;
		/* Each number alone, since a struct may have padding. */
		const int64_t numbers[] = { (int64_t)stat->dev, (int64_t)stat->ino,
			(int64_t)stat->size, stat->mtime.tv_sec, stat->mtime.tv_nsec,
			stat->ctime.tv_sec, stat->ctime.tv_nsec };

		if (strchr(file->name, '/') == NULL) {
			hash = add(hash, file->name, strlen(file->name));
			hash = add(hash, numbers, sizeof numbers);
		}
	}
	return hash;
}

struct plugin_file *plugin_folder_find(const struct plugin_folder *folder, struct pol_str name)
{
	for (size_t i = 0; i < folder->count; i++) {
		if (pol_str_equal(pol_str_of(folder->files[i].name), name)) {
			return &folder->files[i];
		}
	}
	return NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */

bool plugin_folder_is_unchanged(const struct plugin_file *file, int fd)
{
	struct beneath_stat current;
	struct stat stat;

	if (fstat(fd, &stat) != 0) {
		return false;
	}
	current = beneath_stat_of(&stat);
	return beneath_stat_equal(&file->stat, &current);
}

int plugin_folder_open(const struct plugin_folder *folder, const struct plugin_file *file,
	char why[static PLUGIN_WHY])
{
	int r = check_rights(folder, file->name, file->uid, file->mode, why);
	int fd;

	if (r < 0) {
		return r;
	}
	if (!file->regular) {
		return refuse(
			why, -EINVAL, "%s/%s is not a regular file", folder->path, file->name);
	}
	fd = beneath_open(folder->root, file->name, O_RDONLY);
	if (fd < 0) {
		return refuse(why, fd == -ENOENT ? -ESTALE : fd, "%s/%s cannot be opened: %s",
			folder->path, file->name, strerror(-fd));
	}
	if (!plugin_folder_is_unchanged(file, fd)) {
		close(fd);
		return refuse(
			why, -ESTALE, "%s/%s changed while it was read", folder->path, file->name);
	}
	return fd;
}

int plugin_folder_read(struct plugin_folder *folder, struct plugin_file *file, struct pol_str *out,
	char why[static PLUGIN_WHY])
{
	size_t size = (size_t)file->stat.size;
	int fd, r;

	if (file->bytes != NULL) {
		*out = (struct pol_str){ file->bytes, size };
		return 0;
	}
	if (size > POL_DATA_MAX || size > PLUGIN_MAX_DATA - folder->read) {
		return refuse(why, -EFBIG,
			"%s/%s is too large: a data file may have %zu MiB, all of a policy %zu MiB",
			folder->path, file->name, POL_DATA_MAX >> 20, PLUGIN_MAX_DATA >> 20);
	}
	fd = plugin_folder_open(folder, file, why);
	if (fd < 0) {
		return fd;
	}
	file->bytes = malloc(size + 1);
	r = file->bytes != NULL ? beneath_read(fd, file->bytes, size) : -ENOMEM;
	if (r == 0 && !plugin_folder_is_unchanged(file, fd)) {
		r = -ESTALE;
	}
	close(fd);
	if (r < 0) {
		free(file->bytes);
		file->bytes = NULL;
		return refuse(
			why, r, "%s/%s cannot be read: %s", folder->path, file->name, strerror(-r));
	}
	folder->read += size;
	*out = (struct pol_str){ file->bytes, size };
	return 0;
}

void plugin_folder_free_contents(struct plugin_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++) {
		free(folder->files[i].bytes);
		folder->files[i].bytes = NULL;
	}
	if (folder->root >= 0) {
		close(folder->root);
		folder->root = -1;
	}
}

void plugin_folder_destroy(struct plugin_folder *folder)
{
	if (folder == NULL) {
		return;
	}
	plugin_folder_free_contents(folder);
	for (size_t i = 0; i < folder->count; i++) {
		free(folder->files[i].name);
	}
	free(folder->files);
	free(folder->path);
	free(folder);
}
