/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The corpus: policies that must compile, and files that must be refused, with every message.
 *
 * Each case of tests/corpus/accept and tests/corpus/reject is one NAME.policy, or a folder of such
 * files. All diagnostics that it must have, in order, are in lines
 *
 *	# expect [FILE:]LINE:COLUMN error|warning|note PART OF THE MESSAGE
 *
 * of the file itself. A case in which such a comment cannot stand has them, without the "# ", in
 * NAME.expected; a folder has them in NAME/expected. FILE is needed in folders. LINE:COLUMN is "-"
 * for a message without a position.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/snapshot/snapshot.h"

/* Tests run in the root of the tree. */
#define CORPUS "tests/corpus"

#define PATH_ROOM  1024
#define TEXT_ROOM  ((size_t)64 * 1024)
#define CASES_ROOM 1000
#define SAID_ROOM  512
#define FILES_ROOM 64

/* Reads a whole file. False when there is none. */
static bool read_file(const char *path, struct pol_arena *arena, struct pol_str *out)
{
	FILE *file = fopen(path, "rb");
	char *text;

	if (file == NULL) {
		cr_assert_eq(errno, ENOENT, "%s: %s", path, strerror(errno));
		return false;
	}
	text = pol_arena_alloc(arena, TEXT_ROOM, 1);
	cr_assert_not_null(text);
	*out = (struct pol_str){ text, fread(text, 1, TEXT_ROOM, file) };
	cr_assert_lt(out->len, TEXT_ROOM, "%s is too large for the corpus", path);
	fclose(file);
	return true;
}

static bool ends(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len > strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

struct folder {
	char *names[CASES_ROOM];
	size_t count;
};

static int compare(const void *a, const void *b)
{
	char *const *left = a;
	char *const *right = b;

	return strcmp(*left, *right);
}

static void list(const char *path, struct pol_arena *arena, struct folder *out)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	out->count = 0;
	cr_assert_not_null(dir, "%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)) != NULL) {
		/* With its NUL. */
		struct pol_str name = { entry->d_name, strlen(entry->d_name) + 1 };

		if (entry->d_name[0] == '.') {
			continue;
		}
		cr_assert_lt(out->count, CASES_ROOM);
		out->names[out->count] = pol_arena_alloc(arena, name.len, 1);
		memcpy(out->names[out->count++], name.ptr, name.len);
	}
	closedir(dir);
	qsort(out->names, out->count, sizeof *out->names, compare);
}

/* One case: its files, and their diagnostics as lines. */
struct run {
	struct pol_arena arena;
	struct pol_source sources[FILES_ROOM];
	size_t source_count;
	struct pol_str expected;
	char path[PATH_ROOM];
	bool folder;
	bool separate; /* the expectations stand in a file of their own */
	size_t errors;
	char *said[SAID_ROOM];
	size_t said_count;
};

static void add_source(struct run *run, const char *path, const char *name)
{
	struct pol_str text;

	cr_assert(read_file(path, &run->arena, &text), "%s", path);
	cr_assert_lt(run->source_count, FILES_ROOM, "%s", path);
	run->sources[run->source_count++] = (struct pol_source){ pol_str_of(name), text };
	if (!run->folder && !run->separate) {
		run->expected = text;
	}
}

static void load(struct run *run, const char *group, const char *name)
{
	char path[PATH_ROOM + 256];
	struct folder files;
	struct stat about;

	snprintf(run->path, sizeof run->path, "%s/%s/%s", CORPUS, group, name);
	cr_assert_eq(stat(run->path, &about), 0, "%s", run->path);
	run->folder = S_ISDIR(about.st_mode);
	if (!run->folder) {
		snprintf(path, sizeof path, "%.*s.expected",
			(int)(strlen(run->path) - strlen(".policy")), run->path);
		run->separate = read_file(path, &run->arena, &run->expected);
		add_source(run, run->path, name);
		return;
	}
	run->separate = true;
	snprintf(path, sizeof path, "%s/expected", run->path);
	cr_assert(read_file(path, &run->arena, &run->expected), "%s", path);
	list(run->path, &run->arena, &files);
	for (size_t i = 0; i < files.count; i++) {
		if (ends(files.names[i], ".policy")) {
			snprintf(path, sizeof path, "%s/%s", run->path, files.names[i]);
			add_source(run, path, files.names[i]);
		}
	}
}

static void say(struct run *run, const struct pol_diag *diag, const char *severity)
{
	char line[POL_DIAG_MESSAGE_MAX + PATH_ROOM];
	char place[64] = "-";
	struct pol_str file = run->folder ? diag->file : POL_STR("");
	struct pol_str copy;
	int len;

	if (diag->line > 0) {
		snprintf(
			place, sizeof place, "%u:%u", (unsigned)diag->line, (unsigned)diag->column);
	}
	len = snprintf(line, sizeof line, "%.*s%s%s %s %.*s", POL_STR_ARGS(file),
		file.len > 0 ? ":" : "", place, severity, POL_STR_ARGS(diag->message));
	cr_assert(len > 0 && (size_t)len < sizeof line);
	cr_assert_lt(run->said_count, SAID_ROOM);
	copy = pol_arena_copy(&run->arena, (struct pol_str){ line, (size_t)len + 1 });
	run->said[run->said_count] = pol_arena_alloc(&run->arena, copy.len, 1);
	memcpy(run->said[run->said_count++], copy.ptr, copy.len);
}

static void judge(struct run *run)
{
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;
	enum pol_status status;

	pol_diags_init(&diags, run->sources, run->source_count);
	status = pol_compile(run->sources, run->source_count, NULL, &diags, &snapshot);
	cr_expect_eq(status, diags.errors > 0 ? POL_EINVALID : POL_OK, "%s: status %d", run->path,
		(int)status);
	run->errors = diags.errors;
	for (const struct pol_diag *diag = diags.first; diag != NULL; diag = diag->next) {
		say(run, diag, diag->severity == POL_SEVERITY_ERROR ? "error" : "warning");
		for (const struct pol_diag_note *note = diag->notes; note != NULL;
			note = note->next) {
			const struct pol_diag as_diag = { .file = note->file,
				.line = note->line,
				.column = note->column,
				.message = note->message };

			say(run, &as_diag, "note");
		}
	}
	pol_snapshot_unref(snapshot);
	pol_diags_finish(&diags);
}

/* Takes the next expectation from the text; an empty view: there is none. */
static struct pol_str next_expected(struct pol_str *text, bool separate)
{
	struct pol_str mark = separate ? POL_STR("expect ") : POL_STR("# expect ");

	while (text->len > 0) {
		const char *nl = memchr(text->ptr, '\n', text->len);
		size_t len = nl != NULL ? (size_t)(nl - text->ptr) : text->len;
		struct pol_str line = { text->ptr, len };

		text->ptr += nl != NULL ? len + 1 : len;
		text->len -= nl != NULL ? len + 1 : len;
		if (pol_str_starts(line, mark)) {
			if (line.ptr[line.len - 1] == '\r') {
				line.len--;
			}
			return (struct pol_str){ line.ptr + mark.len, line.len - mark.len };
		}
	}
	return (struct pol_str){ 0 };
}

/* Does the diagnostic have the expected position and severity, and the part in its message? */
static bool fits(const char *said, struct pol_str expected)
{
	size_t head = 0;
	char part[1024];

	for (unsigned spaces = 0; head < expected.len && spaces < 2; head++) {
		spaces += expected.ptr[head] == ' ';
	}
	cr_assert_lt(expected.len - head, sizeof part);
	memcpy(part, expected.ptr + head, expected.len - head);
	part[expected.len - head] = '\0';
	return strncmp(said, expected.ptr, head) == 0 && strstr(said + head, part) != NULL;
}

static void check(struct run *run)
{
	struct pol_str text = run->expected;

	for (size_t i = 0;; i++) {
		struct pol_str expected = next_expected(&text, run->separate);

		if (expected.len == 0) {
			for (; i < run->said_count; i++) {
				cr_expect_fail("%s: not expected:\n  %s", run->path, run->said[i]);
			}
			return;
		}
		if (i >= run->said_count || !fits(run->said[i], expected)) {
			cr_expect_fail("%s: expected\n  %.*s\ngot\n  %s", run->path,
				POL_STR_ARGS(expected),
				i < run->said_count ? run->said[i] : "nothing");
			return;
		}
	}
}

static void run_case(const char *group, const char *name, bool accept)
{
	struct run *run = calloc(1, sizeof *run);

	cr_assert_not_null(run);
	pol_arena_init(&run->arena, (size_t)64 * 1024 * 1024);
	load(run, group, name);
	judge(run);
	cr_expect_eq(run->errors == 0, accept, "%s: %zu errors", run->path, run->errors);
	check(run);
	pol_arena_finish(&run->arena);
	free(run);
}

static void run_group(const char *group, bool accept)
{
	struct pol_arena arena;
	struct folder *folder = calloc(1, sizeof *folder);
	char path[PATH_ROOM];
	size_t ran = 0;

	cr_assert_not_null(folder);
	pol_arena_init(&arena, (size_t)1024 * 1024);
	snprintf(path, sizeof path, "%s/%s", CORPUS, group);
	list(path, &arena, folder);
	for (size_t i = 0; i < folder->count; i++) {
		if (!ends(folder->names[i], ".expected")) {
			run_case(group, folder->names[i], accept);
			ran++;
		}
	}
	cr_expect_gt(ran, 0, "%s is empty", path);
	free(folder);
	pol_arena_finish(&arena);
}

Test(corpus, what_is_a_policy_is_accepted)
{
	run_group("accept", true);
}

Test(corpus, what_is_none_is_refused_with_every_mistake_in_its_place)
{
	run_group("reject", false);
}
