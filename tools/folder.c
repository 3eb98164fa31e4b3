/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/language/source.h"

/* Beside the language's own bounds (source.h): what keeps a walk from running away, as the
 * daemon's. */
enum {
	FILES_MAX = 10000,
	DEPTH_MAX = 32,
};

/* A folder on the way down; the links of the list tell when a link leads back into one. */
struct level {
	const struct level *above;
	const char *path;
	unsigned depth;
	dev_t dev;
	ino_t ino;
};

struct walk {
	struct app *app;
	struct folder *folder;
	const char *root;      /* as given */
	const char *real_root; /* links resolved */
};

static int fail(struct walk *walk, const char *path, const char *why)
{
	return app_fail(walk->app, EXIT_USAGE, "unreadable", "%s: %s", path, why);
}

static bool is_policy(const char *name)
{
	static const char suffix[] = ".policy";
	size_t len = strlen(name);

	return len > sizeof suffix - 1 && strcmp(name + len - (sizeof suffix - 1), suffix) == 0;
}

/* Is what a link resolves to inside the folder? */
static bool is_inside(const struct walk *walk, const char *real)
{
	size_t len = strlen(walk->real_root);

	return strncmp(real, walk->real_root, len) == 0 &&
	       (real[len] == '/' || real[len] == '\0' || strcmp(walk->real_root, "/") == 0);
}

static int read_all(struct walk *walk, int fd, const char *path, struct pol_source *out)
{
	struct stat st;
	char *text;
	size_t len = 0;

	if (fstat(fd, &st) != 0) {
		return fail(walk, path, strerror(errno));
	}
	if (!S_ISREG(st.st_mode)) {
		return fail(walk, path, "is no regular file");
	}
	if (st.st_size > (off_t)POL_FILE_MAX) {
		return fail(walk, path, "is larger than 8 MiB, the most that a policy file may be");
	}
	if (walk->folder->bytes + (size_t)st.st_size > POL_FOLDER_MAX) {
		return fail(walk, walk->root, "holds more than 64 MiB of policy files");
	}
	text = pol_arena_alloc(&walk->app->arena, (size_t)st.st_size + 1, 1);
	if (text == NULL) {
		return fail(walk, path, "no memory left to read it");
	}
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return fail(walk, path, strerror(errno));
		}
		if (n == 0) {
			break;
		}
		len += (size_t)n;
	}
	out->text = (struct pol_str){ text, len };
	walk->folder->bytes += len;
	return EXIT_YES;
}

static int read_file(struct walk *walk, struct pol_source *source)
{
	/* Never blocking: a pipe with that name would hold us for ever. */
	int fd = open(source->name.ptr, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int status;

	if (fd < 0) {
		return fail(walk, source->name.ptr, strerror(errno));
	}
	status = read_all(walk, fd, source->name.ptr, source);
	close(fd);
	return status;
}

static int add_file(struct walk *walk, const char *path)
{
	struct folder *folder = walk->folder;

	if (folder->count == FILES_MAX) {
		return fail(walk, walk->root, "holds more than 10,000 policy files");
	}
	if (folder->count == folder->capacity) {
		struct pol_source *sources = pol_arena_grow(&walk->app->arena, folder->sources,
			folder->count, folder->count + 1, sizeof *sources, &folder->capacity);

		if (sources == NULL) {
			return fail(walk, path, "no memory left");
		}
		folder->sources = sources;
	}
	folder->sources[folder->count++] = (struct pol_source){ .name = pol_str_of(path) };
	return EXIT_YES;
}

/* For a link: is it to be followed? *out_stat is then its target's. */
static int follow(struct walk *walk, const char *path, const char *name, struct stat *out_stat,
	bool *out_follow)
{
	bool inside, absolute = false;
	char *real;
	char first;

	*out_follow = false;
	if (stat(path, out_stat) != 0) {
		return is_policy(name) ? fail(walk, path, "is a link that leads nowhere")
				       : EXIT_YES;
	}
	if (!S_ISDIR(out_stat->st_mode) && !is_policy(name)) {
		return EXIT_YES;
	}
	if (readlink(path, &first, 1) == 1 && first == '/') {
		absolute = true;
	}
	real = realpath(path, NULL);
	if (real == NULL) {
		return fail(walk, path, strerror(errno));
	}
	inside = is_inside(walk, real);
	free(real);
	if (!inside) {
		return fail(
			walk, path, "is a link out of the policy folder, which is not followed");
	}
	if (absolute) {
		return fail(walk, path, "is an absolute link: make it relative (ln -sfr)");
	}
	*out_follow = true;
	return EXIT_YES;
}

static int walk_folder(
	struct walk *walk, const struct level *above, const char *path, const struct stat *st);

static int walk_entry(struct walk *walk, const struct level *level, const char *name)
{
	const char *path = app_text(walk->app, "%s%s%s", level->path,
		level->path[strlen(level->path) - 1] == '/' ? "" : "/", name);
	struct stat st;

	if (lstat(path, &st) != 0) {
		return fail(walk, path, strerror(errno));
	}
	if (S_ISLNK(st.st_mode)) {
		bool followed;
		int status = follow(walk, path, name, &st, &followed);

		if (status != EXIT_YES || !followed) {
			return status;
		}
	}
	if (S_ISDIR(st.st_mode)) {
		return walk_folder(walk, level, path, &st);
	}
	return is_policy(name) ? add_file(walk, path) : EXIT_YES;
}

static int walk_folder(
	struct walk *walk, const struct level *above, const char *path, const struct stat *st)
{
	struct level level = {
		.above = above,
		.path = path,
		.depth = above != NULL ? above->depth + 1 : 0,
		.dev = st->st_dev,
		.ino = st->st_ino,
	};
	int status = EXIT_YES;
	const struct dirent *entry;
	DIR *dir;

	for (const struct level *up = above; up != NULL; up = up->above) {
		if (up->dev == st->st_dev && up->ino == st->st_ino) {
			return fail(walk, path, "is a link back to a folder that it lies in");
		}
	}
	if (level.depth > DEPTH_MAX) {
		return fail(walk, path, "lies more than 32 folders deep");
	}
	dir = opendir(path);
	if (dir == NULL) {
		return fail(walk, path, strerror(errno));
	}
	errno = 0;
	while (status == EXIT_YES && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			status = walk_entry(walk, &level, entry->d_name);
		}
		errno = 0;
	}
	if (status == EXIT_YES && errno != 0) {
		status = fail(walk, path, strerror(errno));
	}
	closedir(dir);
	return status;
}

/* All names begin with the same folder, so their order is that of the relative paths. */
static int by_name(const void *a, const void *b)
{
	const struct pol_source *left = a;
	const struct pol_source *right = b;

	return pol_str_compare(left->name, right->name);
}

static int read_files(struct walk *walk)
{
	struct folder *folder = walk->folder;
	int status = EXIT_YES;

	if (folder->count == 0) {
		return app_fail(walk->app, EXIT_NO, "invalid_policy",
			"%s: no *.policy file in this folder or below it", walk->root);
	}
	qsort(folder->sources, folder->count, sizeof folder->sources[0], by_name);
	for (size_t i = 0; i < folder->count && status == EXIT_YES; i++) {
		status = read_file(walk, &folder->sources[i]);
	}
	return status;
}

int folder_read(struct app *app, const char *path, struct folder *out)
{
	struct walk walk = { .app = app, .folder = out, .root = path };
	struct stat st;
	char *real;
	int status;

	*out = (struct folder){ 0 };
	if (path[0] == '\0') {
		return app_fail(app, EXIT_USAGE, "usage", "the policy folder's name is empty");
	}
	real = realpath(path, NULL);
	if (real == NULL || stat(real, &st) != 0) {
		status = fail(&walk, path, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		status = fail(
			&walk, path, "is no folder: name the folder that holds the *.policy files");
	} else {
		walk.real_root = real;
		status = walk_folder(&walk, NULL, path, &st);
	}
	if (status == EXIT_YES) {
		status = read_files(&walk);
	}
	free(real);
	return status;
}
