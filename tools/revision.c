/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/revision.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/load/folder.h"
#include "tools/git.h"
#include "tools/text.h"

/* --- arguments -------------------------------------------------------------------------------- */

static int fail(struct app *app, const char *given, const char *why)
{
	return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s",
		text_escape(&app->arena, pol_str_of(given)),
		text_escape(&app->arena, pol_str_of(why)));
}

/* The path of a folder from the top of its work tree, which the revision `given` shall have. */
static int find_prefix(struct app *app, const char *given, const char *folder, const char **out)
{
	static const char *const words[] = { "rev-parse", "--show-prefix", NULL };
	char why[GIT_WHY];
	char *bytes;
	size_t len;
	int r = git_run(folder, words, &bytes, &len, why);

	if (r == -EINVAL && strstr(why, "not a git repository") != NULL) {
		return fail(app, given,
			app_text(app,
				"there is no such folder; and a git revision needs its path here "
				"(REV:PATH), since %s is in no git work tree",
				folder));
	}
	if (r < 0) {
		return fail(app, folder, why);
	}
	while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '/')) {
		len--;
	}
	*out = app_text(app, "%.*s", (int)len, bytes);
	free(bytes);
	return EXIT_YES;
}

bool revision_is_folder(const char *path)
{
	struct stat stat_of;

	return stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
}

/* Sets the folder, or the tree if the argument has a path. */
static int parse_one(struct app *app, const char *word, struct revision *out)
{
	const char *colon = strchr(word, ':');
	struct stat stat_of;

	*out = (struct revision){ .given = word, .in = "." };
	if (word[0] == '-' || word[0] == '\0') {
		return app_fail(app, EXIT_USAGE, "usage",
			"'%.64s' is neither a folder nor a git revision (a folder of such a name: "
			"./%.64s)",
			word, word);
	}
	if (revision_is_folder(word)) {
		out->folder = policy_folder_name(app, word);
		return EXIT_YES;
	}
	if (stat(word, &stat_of) == 0) {
		return fail(app, word, "it is a file: a policy is a folder");
	}
	if (colon == word) {
		return fail(app, word, "the revision before the colon is missing");
	}
	if (colon != NULL) {
		const char *path = policy_folder_name(app, colon + 1);

		out->tree = app_text(app, "%.*s:%s", (int)(colon - word), word,
			strcmp(path, "/") == 0 || strcmp(path, ".") == 0 ? "" : path);
	} else if (strchr(word, '/') != NULL && (word[0] == '.' || word[0] == '/')) {
		return fail(app, word, "there is no such folder");
	}
	return EXIT_YES;
}

int revision_parse(struct app *app, const char *const words[2], struct revision out[2])
{
	int status = parse_one(app, words[0], &out[0]);

	if (status == EXIT_YES) {
		status = parse_one(app, words[1], &out[1]);
	}
	for (int i = 0; status == EXIT_YES && i < 2; i++) {
		const struct revision *other = &out[1 - i];
		const char *path = other->tree != NULL ? strchr(other->tree, ':') + 1 : NULL;

		if (out[i].folder != NULL || out[i].tree != NULL) {
			continue;
		}
		if (path == NULL) {
			out[i].in = other->folder != NULL ? other->folder : ".";
			status = find_prefix(app, out[i].given, out[i].in, &path);
		}
		if (status == EXIT_YES) {
			out[i].tree = app_text(app, "%s:%s", out[i].given, path);
		}
	}
	return status;
}

/* --- the files of a tree ---------------------------------------------------------------------- */

/* A name of the tree, and its object. Views of the listing. */
struct entry {
	const char *name;
	const char *object;
	bool link;
	bool module; /* another repository */
};

struct listing {
	char *bytes;
	struct entry *entries;
	size_t count;
};

struct reading {
	struct app *app;
	const struct revision *revision;
	struct listing listing;
	struct git_blobs blobs;
	struct folder *folder;
	size_t capacity;
	size_t bytes;
	char why[GIT_WHY];
};

static bool is_policy(const char *name)
{
	size_t len = strlen(name);

	return len > 7 && strcmp(name + len - 7, ".policy") == 0;
}

/* Does a part of the path begin with a dot? */
static bool is_hidden(const char *name)
{
	return name[0] == '.' || strstr(name, "/.") != NULL;
}

/* Splits "MODE TYPE OBJECT\tNAME", ended by NUL, in place. */
static bool split_entry(char *line, struct entry *out)
{
	char *tab = strchr(line, '\t');
	char *type = strchr(line, ' ');
	char *object = type != NULL ? strchr(type + 1, ' ') : NULL;

	if (tab == NULL || object == NULL || object > tab) {
		return false;
	}
	*tab = '\0';
	*out = (struct entry){ tab + 1, object + 1, strncmp(line, "120000", 6) == 0,
		strncmp(line, "160000", 6) == 0 };
	return true;
}

static int fail_reading(struct reading *reading, const char *name, const char *why)
{
	const char *slash = name[0] != '\0' ? "/" : "";

	return fail(reading->app,
		app_text(reading->app, "%s%s%s", reading->revision->tree, slash, name), why);
}

static int parse_listing(struct reading *reading, size_t len)
{
	struct listing *listing = &reading->listing;
	size_t most = 0;

	for (size_t i = 0; i < len; i++) {
		most += listing->bytes[i] == '\0';
	}
	if (most > FOLDER_MAX_SEEN) {
		return fail_reading(
			reading, "", "it holds more than 100000 names: is it the right folder?");
	}
	listing->entries = pol_arena_alloc(&reading->app->arena, most, sizeof *listing->entries);
	for (size_t at = 0; listing->entries != NULL && at < len;) {
		char *line = listing->bytes + at;
		struct entry *entry = &listing->entries[listing->count];

		at += strlen(line) + 1;
		if (!split_entry(line, entry)) {
			return fail_reading(reading, "", "git listed it in an unknown form");
		}
		listing->count += !is_hidden(entry->name);
	}
	return listing->entries != NULL
		       ? EXIT_YES
		       : app_fail(reading->app, EXIT_DAEMON, "internal", "out of memory");
}

/* Does git know what this word names? With false, reading->why is git's message. */
static bool is_known(struct reading *reading, const char *word)
{
	const char *words[] = { "rev-parse", "--verify", word, NULL };
	char *bytes;
	size_t len;

	if (git_run(reading->revision->in, words, &bytes, &len, reading->why) < 0) {
		return false;
	}
	free(bytes);
	return true;
}

/* Finds out why there is no such tree: git's own message does not say what is missing. */
static int explain(struct reading *reading)
{
	struct app *app = reading->app;
	const char *tree = reading->revision->tree;
	const char *given = reading->revision->given;
	size_t len = strcspn(tree, ":");

	if (is_known(reading, tree)) {
		return fail_reading(reading, "", "it is a file: a policy is a folder");
	}
	if (strstr(reading->why, "not a git repository") != NULL) {
		return fail(app, given, "there is no such folder, and no git repository here");
	}
	if (strstr(reading->why, "Needed a single revision") == NULL) {
		return fail_reading(reading, "", reading->why);
	}
	if (is_known(reading, app_text(app, "%.*s^{tree}", (int)len, tree))) {
		return fail_reading(reading, "", "the revision has no such folder");
	}
	return fail(app, given,
		strchr(given, ':') != NULL
			? "git knows no such revision"
			: "it is neither a folder nor a revision that git knows");
}

static int list(struct reading *reading)
{
	const char *words[] = { "ls-tree", "-r", "-z", "--full-tree", reading->revision->tree,
		NULL };
	size_t len;
	int r = git_run(reading->revision->in, words, &reading->listing.bytes, &len, reading->why);

	if (r == -EINVAL) {
		return explain(reading);
	}
	return r < 0 ? fail_reading(reading, "", reading->why) : parse_listing(reading, len);
}

/* Makes room for one more source. */
static bool make_room(struct reading *reading)
{
	struct folder *folder = reading->folder;
	size_t capacity = reading->capacity > 0 ? 2 * reading->capacity : 64;
	struct pol_source *grown;

	if (folder->source_count < reading->capacity) {
		return true;
	}
	grown = realloc(folder->sources, capacity * sizeof *grown);
	if (grown == NULL) {
		return false;
	}
	folder->sources = grown;
	reading->capacity = capacity;
	return true;
}

/* Takes over the bytes, whose name is that of the folder and this one. */
static int add_source(struct reading *reading, const char *name, char *bytes, size_t len)
{
	struct folder *folder = reading->folder;
	size_t head = strlen(folder->path), tail = strlen(name);
	size_t slash = folder->path[head - 1] != ':';
	struct pol_source *source;
	char *joined;

	reading->bytes += len;
	if (folder->source_count >= FOLDER_MAX_FILES || reading->bytes > FOLDER_MAX_BYTES) {
		free(bytes);
		return fail_reading(reading, "",
			"it holds more than 64 MiB or 10000 policy files: is it the right folder?");
	}
	joined = malloc(head + slash + tail + 1);
	if (joined == NULL || !make_room(reading)) {
		free(joined);
		free(bytes);
		return app_fail(reading->app, EXIT_DAEMON, "internal", "out of memory");
	}
	source = &folder->sources[folder->source_count++];
	source->name = (struct pol_str){ joined, head + slash + tail };
	source->text = (struct pol_str){ bytes, len };
	memcpy(joined, folder->path, head);
	memcpy(joined + head, "/", slash);
	memcpy(joined + head + slash, name, tail + 1);
	return EXIT_YES;
}

static int read_blob(struct reading *reading, const struct entry *entry, const char *name)
{
	char *bytes;
	size_t len;
	int r = git_blobs_read(
		&reading->blobs, entry->object, FOLDER_MAX_FILE, &bytes, &len, reading->why);

	return r < 0 ? fail_reading(reading, name, reading->why)
		     : add_source(reading, name, bytes, len);
}

/* --- links ------------------------------------------------------------------------------------ */

/* The target of a link as a name of the tree, or NULL: it leads out. */
static const char *resolve(struct app *app, const char *link, const char *target)
{
	const char *slash = strrchr(link, '/');
	char *out = pol_arena_alloc(&app->arena, strlen(link) + strlen(target) + 2, 1);
	size_t len = slash != NULL ? (size_t)(slash - link) : 0;

	if (out == NULL || target[0] == '/') {
		return NULL;
	}
	memcpy(out, link, len);
	while (*target != '\0') {
		size_t part = strcspn(target, "/");

		if (part == 2 && memcmp(target, "..", 2) == 0) {
			if (len == 0) {
				return NULL;
			}
			while (len > 0 && out[--len] != '/') {
			}
		} else if (part > 0 && !(part == 1 && target[0] == '.')) {
			if (len > 0) {
				out[len++] = '/';
			}
			memcpy(out + len, target, part);
			len += part;
		}
		target += part + (target[part] == '/');
	}
	out[len] = '\0';
	return out;
}

/* Reads what the link leads to: a file, or all files of a folder. */
static int follow(struct reading *reading, const struct entry *link)
{
	const struct listing *listing = &reading->listing;
	const char *target;
	char *bytes;
	size_t len, found = 0;
	int status = EXIT_YES;
	int r = git_blobs_read(
		&reading->blobs, link->object, FOLDER_MAX_FILE, &bytes, &len, reading->why);

	if (r < 0) {
		return fail_reading(reading, link->name, reading->why);
	}
	target = resolve(reading->app, link->name, bytes);
	free(bytes);
	for (size_t i = 0; target != NULL && status == EXIT_YES && i < listing->count; i++) {
		const struct entry *entry = &listing->entries[i];
		size_t head = strlen(target);
		const char *tail = entry->name + (head > 0 ? head + 1 : 0);

		if (strcmp(entry->name, target) == 0) {
			found++;
			if (is_policy(link->name) && !entry->link) {
				return read_blob(reading, entry, link->name);
			}
			return is_policy(link->name) ? fail_reading(reading, link->name,
							       "it is a link to another link: "
							       "link to the file itself")
						     : EXIT_YES;
		}
		if (strncmp(entry->name, target, head) != 0 ||
			(head > 0 && entry->name[head] != '/')) {
			continue;
		}
		found++;
		if (strncmp(link->name, target, head) == 0 &&
			(head == 0 || link->name[head] == '/')) {
			return fail_reading(reading, link->name, "the link leads in a circle");
		}
		if (entry->link) {
			return fail_reading(reading, link->name,
				"the link's folder has a link itself, which is not followed");
		}
		if (is_policy(entry->name)) {
			status = read_blob(
				reading, entry, app_text(reading->app, "%s/%s", link->name, tail));
		}
	}
	if (status == EXIT_YES && found == 0 && is_policy(link->name)) {
		return fail_reading(reading, link->name,
			"it is a link that leads out of the policy folder, or nowhere");
	}
	return status;
}

static int compare_sources(const void *left, const void *right)
{
	const struct pol_source *a = left, *b = right;

	return pol_str_compare(a->name, b->name);
}

static int read_entries(struct reading *reading)
{
	const struct listing *listing = &reading->listing;
	int status = EXIT_YES;

	for (size_t i = 0; status == EXIT_YES && i < listing->count; i++) {
		const struct entry *entry = &listing->entries[i];

		if (entry->module) {
			app_warn(reading->app, "%s/%s: the files of a submodule are not read",
				reading->revision->tree, entry->name);
		} else if (entry->link) {
			status = follow(reading, entry);
		} else if (is_policy(entry->name)) {
			status = read_blob(reading, entry, entry->name);
		}
	}
	if (status == EXIT_YES && reading->folder->source_count > 1) {
		qsort(reading->folder->sources, reading->folder->source_count,
			sizeof *reading->folder->sources, compare_sources);
	}
	return status;
}

int revision_read(struct app *app, const struct revision *revision, struct folder **out)
{
	struct reading reading = { .app = app, .revision = revision };
	int status = list(&reading);

	if (status == EXIT_YES) {
		reading.folder = calloc(1, sizeof *reading.folder);
		if (reading.folder == NULL ||
			(reading.folder->path = strdup(revision->tree)) == NULL) {
			status = app_fail(app, EXIT_DAEMON, "internal", "out of memory");
		}
	}
	if (status == EXIT_YES && git_blobs_open(&reading.blobs, revision->in, reading.why) < 0) {
		status = fail_reading(&reading, "", reading.why);
	}
	if (status == EXIT_YES) {
		status = read_entries(&reading);
	}
	git_blobs_close(&reading.blobs);
	free(reading.listing.bytes);
	if (status != EXIT_YES) {
		folder_destroy(reading.folder);
		return status;
	}
	*out = reading.folder;
	return EXIT_YES;
}

const char *revision_name(const struct revision *revision)
{
	return revision->folder != NULL ? revision->folder : revision->tree;
}

int revision_load(struct app *app, const struct revision *revision, struct policy *policy)
{
	int status;

	if (revision->folder != NULL) {
		return policy_load(app, revision->folder, policy);
	}
	status = revision_read(app, revision, &policy->folder);
	return status == EXIT_YES ? policy_compile(app, revision->tree, policy) : status;
}
