/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/root.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/lsp/server.h"

/* A folder with more than this below it is taken for none of a policy. */
#define MOST_NAMES 5000
#define MOST_BYTES ((size_t)16 * 1024 * 1024)
#define MOST_DEPTH 8

/* What is below one folder. */
struct survey {
	struct lsp *lsp;
	json_t *members; /* its folders by name: {declared, used}, each with names as keys */
	bool direct;     /* it has policy files itself */
	size_t names, bytes;
};

static bool is_large(const struct survey *survey)
{
	return survey->names > MOST_NAMES || survey->bytes > MOST_BYTES;
}

static const char *join(struct lsp *lsp, const char *folder, const char *name)
{
	return app_text(lsp->app, "%s/%s", folder, name);
}

static bool add_name(void *context, const struct lsp_name *name)
{
	json_t *member = context;
	char key[160]; /* a name has at most 128 bytes */

	snprintf(key, sizeof key, "%d %.*s", (int)name->kind, POL_STR_ARGS(name->name));
	json_object_set_new(json_object_get(member, name->declares ? "declared" : "used"), key,
		json_integer((json_int_t)name->kind));
	return true;
}

/* The text of a file, for free(3); ptr NULL: it is not a file, cannot be read or is too large. */
static struct pol_str read_file(const char *path)
{
	struct pol_str text = { NULL, 0 };
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat stat_of;
	char *bytes = NULL;
	ssize_t n;

	if (fd < 0) {
		return text;
	}
	if (fstat(fd, &stat_of) == 0 && S_ISREG(stat_of.st_mode) &&
		(size_t)stat_of.st_size <= POL_FILE_MAX) {
		bytes = malloc((size_t)stat_of.st_size + 1);
	}
	n = bytes != NULL ? read(fd, bytes, (size_t)stat_of.st_size) : -1;
	if (n >= 0) {
		text = (struct pol_str){ bytes, (size_t)n };
	} else {
		free(bytes);
	}
	close(fd);
	return text;
}

static void add_file(struct survey *survey, json_t *member, const char *path)
{
	struct pol_str text = read_file(path);
	struct lsp_file *file = text.ptr != NULL ? lsp_kept_make(pol_str_of(path), text) : NULL;

	survey->bytes += text.len;
	if (file != NULL) {
		lsp_names_each(&file->ast, file->source.text, add_name, member);
	}
	lsp_kept_destroy(file);
	free((void *)(uintptr_t)text.ptr);
}

static bool is_policy(const char *name)
{
	static const char end[] = ".policy";
	size_t len = strlen(name);

	return len >= sizeof end && strcmp(name + len - (sizeof end - 1), end) == 0;
}

/* member NULL: the folder is the one that is surveyed. */
static void look_into(struct survey *survey, const char *folder, json_t *member, unsigned depth)
{
	DIR *dir = depth < MOST_DEPTH ? opendir(folder) : NULL;
	const struct dirent *entry;

	while (dir != NULL && !is_large(survey) && (entry = readdir(dir)) != NULL) {
		const char *path = join(survey->lsp, folder, entry->d_name);
		struct stat stat_of;

		survey->names++;
		if (entry->d_name[0] == '.' || lstat(path, &stat_of) != 0) {
			continue;
		}
		if (S_ISDIR(stat_of.st_mode)) {
			json_t *inner = member;

			if (member == NULL) {
				inner = json_pack("{s:{}, s:{}}", "declared", "used");
				json_object_set_new(survey->members, entry->d_name, inner);
			}
			look_into(survey, path, inner, depth + 1);
		} else if (is_policy(entry->d_name) && member == NULL) {
			survey->direct = true;
		} else if (is_policy(entry->d_name)) {
			add_file(survey, member, path);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
}

/* How many names one uses that the other one declares and it does not. */
static size_t count_needed(const json_t *of, const json_t *from)
{
	json_t *used = json_object_get(of, "used");
	const json_t *own = json_object_get(of, "declared");
	const json_t *declared = json_object_get(from, "declared");
	const char *name;
	json_t *value;
	size_t count = 0;

	json_object_foreach(used, name, value)
	{
		count += json_object_get(own, name) == NULL &&
			 json_object_get(declared, name) != NULL;
	}
	return count;
}

/* How many names both declare; a tree may be continued. */
static size_t count_twice(const json_t *a, const json_t *b)
{
	json_t *declared = json_object_get(a, "declared");
	const json_t *others = json_object_get(b, "declared");
	const char *name;
	json_t *kind;
	size_t count = 0;

	json_object_foreach(declared, name, kind)
	{
		count += json_integer_value(kind) != LSP_TREE &&
			 json_object_get(others, name) != NULL;
	}
	return count;
}

/* Do a folder of the survey and any other need each other? A few names that both declare may be
 * mistakes; more of them than are needed show two policies. */
static bool is_joined(const struct survey *survey, const char *name)
{
	const json_t *own = json_object_get(survey->members, name);
	const char *key;
	json_t *other;

	json_object_foreach(survey->members, key, other)
	{
		if (other != own && count_needed(own, other) + count_needed(other, own) >
					    count_twice(own, other)) {
			return true;
		}
	}
	return false;
}

/* Is path the folder, or below it? */
static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return len > 0 && strncmp(path, folder, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

/* The length of the highest folder that may be looked at; 0: no other. */
static size_t find_bound(struct lsp *lsp, const char *folder)
{
	const json_t *workspace;
	size_t i, len = strlen(folder);

	json_array_foreach(lsp->workspace, i, workspace)
	{
		if (is_below(folder, json_string_value(workspace))) {
			return json_string_length(workspace);
		}
	}
	for (; len > 0; len--) {
		if ((folder[len] == '/' || folder[len] == '\0') &&
			access(app_text(lsp->app, "%.*s/.git", (int)len, folder), F_OK) == 0) {
			return len;
		}
	}
	return 0;
}

static const char *find(struct lsp *lsp, const char *folder)
{
	const char *best = folder, *at = folder;
	size_t bound = find_bound(lsp, folder);

	while (bound > 0 && strlen(at) > bound) {
		const char *name = strrchr(at, '/') + 1;
		struct survey survey = { .lsp = lsp, .members = json_object() };
		bool large;

		at = app_text(lsp->app, "%.*s", (int)(name - 1 - at), at);
		look_into(&survey, at, NULL, 0);
		if (survey.direct || is_joined(&survey, name)) {
			best = at;
		}
		large = is_large(&survey);
		json_decref(survey.members);
		if (large) {
			break;
		}
	}
	return best;
}

const char *lsp_root_of(struct lsp *lsp, const char *folder)
{
	const json_t *known = json_object_get(lsp->roots, folder);

	if (known == NULL) {
		json_object_set_new(lsp->roots, folder, json_string(find(lsp, folder)));
		known = json_object_get(lsp->roots, folder);
	}
	return known != NULL ? json_string_value(known) : NULL;
}
