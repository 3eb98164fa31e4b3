/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/host/beneath.h"
#include "daemon/load/folder_internal.h"

struct reading {
	struct folder *folder;
	int root;
	char *why;
};

static bool is_unchanged(const struct folder_entry *entry, int fd)
{
	struct beneath_stat current;
	struct stat stat;

	if (fstat(fd, &stat) != 0 || S_ISDIR(stat.st_mode) != entry->is_folder) {
		return false;
	}
	current = beneath_stat_of(&stat);
	return beneath_stat_equal(&entry->stat, &current);
}

static int read_file(struct reading *reading, const struct folder_entry *entry)
{
	struct folder *folder = reading->folder;
	struct pol_source *source = &folder->sources[folder->source_count];
	size_t path = strlen(folder->path), name = strlen(entry->name);
	size_t size = (size_t)entry->stat.size;
	char *joined = malloc(path + 1 + name + 1);
	char *bytes = malloc(size + 1);
	int fd, r;

	if (joined == NULL || bytes == NULL) {
		free(joined);
		free(bytes);
		return folder_refuse(reading->why, -ENOMEM, "out of memory");
	}
	source->name = (struct pol_str){ joined, path + 1 + name };
	source->text = (struct pol_str){ bytes, size };
	folder->source_count++;
	memcpy(joined, folder->path, path);
	joined[path] = '/';
	memcpy(joined + path + 1, entry->name, name + 1);
	fd = beneath_open(reading->root, entry->name, O_RDONLY);
	if (fd == -EACCES) {
		return folder_unreadable(reading->why, folder->path, entry->name, "a+r");
	}
	if (fd < 0) {
		return fd == -ENOENT ? -ESTALE
				     : folder_refuse(reading->why, fd, "%s cannot be read: %s",
					       joined, strerror(-fd));
	}
	r = is_unchanged(entry, fd) ? beneath_read(fd, bytes, size) : -ESTALE;
	close(fd);
	if (r < 0 && r != -ESTALE) {
		folder_refuse(reading->why, r, "%s cannot be read: %s", joined, strerror(-r));
	}
	return r;
}

static int check_bounds(struct reading *reading)
{
	struct folder *folder = reading->folder;
	size_t files = 0, bytes = 0;

	for (size_t i = 0; i < folder->count; i++) {
		const struct folder_entry *entry = &folder->entries[i];

		if (entry->is_folder) {
			continue;
		}
		if ((uint64_t)entry->stat.size > FOLDER_MAX_FILE) {
			return folder_refuse(reading->why, -EFBIG,
				"%s/%s is larger than 8 MiB: split it", folder->path, entry->name);
		}
		bytes += (size_t)entry->stat.size;
		files++;
	}
	if (files > FOLDER_MAX_FILES || bytes > FOLDER_MAX_BYTES) {
		return folder_refuse(reading->why, -EFBIG,
			"%s holds more than 64 MiB or %d policy files: is it the right folder?",
			folder->path, FOLDER_MAX_FILES);
	}
	folder->sources = calloc(files + 1, sizeof *folder->sources);
	return folder->sources != NULL ? 0 : folder_refuse(reading->why, -ENOMEM, "out of memory");
}

int folder_read(struct folder *folder, char why[static FOLDER_WHY])
{
	struct reading reading = { folder, -1, why };
	int r = check_bounds(&reading);

	if (r < 0) {
		return r;
	}
	reading.root = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (reading.root < 0) {
		return -ESTALE;
	}
	for (size_t i = 0; i < folder->count && r == 0; i++) {
		if (!folder->entries[i].is_folder) {
			r = read_file(&reading, &folder->entries[i]);
		}
	}
	close(reading.root);
	return r;
}
