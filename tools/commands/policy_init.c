/* SPDX-License-Identifier: Apache-2.0 */

/* policy init: a first policy: a tree of an API, and what is needed to decide by it. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/ask/suite.h"
#include "policy/format/format.h"
#include "tools/commands/commands.h"
#include "tools/imported.h"
#include "tools/input.h"
#include "tools/policy.h"
#include "tools/replace.h"
#include "tools/text.h"

#define TREE_FILE   "tree.policy"
#define ACCESS_FILE "access.policy"

/* The tree of those who have neither a document nor a list. */
static const char example[] = "GET /items list\nPOST /items create\nGET /items/{item} read\n"
			      "PUT /items/{item} update\nDELETE /items/{item} delete\n";

/* --- questions -------------------------------------------------------------------------------- */

static bool may_ask(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

/* The answer to a question, or what it is without one. NULL: standard input has ended. */
static const char *ask(struct app *app, const char *question, const char *otherwise)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	const char *answer;

	fprintf(stderr, "%s [%s]: ", question, otherwise);
	fflush(stderr);
	len = getline(&line, &size, stdin);
	while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL) {
		len--;
	}
	if (len < 0) {
		fputc('\n', stderr);
	}
	answer = len < 0    ? NULL
		 : len == 0 ? otherwise
			    : app_text(app, "%.*s", (int)len, line + strspn(line, " \t"));
	free(line);
	return answer;
}

/* What is to be made. */
struct wanted {
	const char *folder;
	const char *name; /* of the tree and the stack */
	const char *prefix;
	const char *base; /* before all paths; NULL: as the source says */
	const char *path; /* of the document or list; NULL: the example */
	imported_reader reader;
};

/* A list's first line begins with a method, and a document never does. */
static imported_reader reader_of(struct app *app, const char *path)
{
	struct pol_str text;
	struct import import;
	bool routes;

	if (input_read(app, path, IMPORT_FILE_MAX, &text) != EXIT_YES) {
		return NULL;
	}
	import_init(&import, "api");
	routes = import_routes(&import, text);
	import_finish(&import);
	return routes ? import_routes : import_openapi;
}

static int ask_source(struct app *app, struct wanted *wanted)
{
	const char *path = ask(app, "OpenAPI document or list of routes", "an example");

	if (path == NULL) {
		return app_fail(app, EXIT_USAGE, "usage", "no answer: nothing was written");
	}
	if (strcmp(path, "an example") == 0) {
		return EXIT_YES;
	}
	wanted->path = path;
	wanted->reader = reader_of(app, path);
	return wanted->reader != NULL ? EXIT_YES : EXIT_USAGE;
}

/* Characters of a prefix. */
#define PREFIX_MAX 64

/* The prefix of both environments, with or without the '_' at its end. */
static int take_prefix(struct app *app, struct wanted *wanted, const char *prefix)
{
	size_t len = strlen(prefix);

	while (len > 0 && prefix[len - 1] == '_') {
		len--;
	}
	for (size_t i = 0; i < len; i++) {
		char c = prefix[i];
		bool alone = c == '_' && i > 0 && prefix[i - 1] != '_';

		if (!alone && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			!(c >= '0' && c <= '9')) {
			len = 0;
		}
	}
	if (len > PREFIX_MAX) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--prefix '%.16s…' has %zu characters, and at most %d may begin a key",
			prefix, len, PREFIX_MAX);
	}
	if (len == 0) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--prefix '%.80s': a prefix is of letters, digits and single underscores",
			prefix);
	}
	wanted->prefix = app_text(app, "%.*s", (int)len, prefix);
	return EXIT_YES;
}

static int find_wanted(struct app *app, struct wanted *wanted)
{
	const char *openapi = app->args.values[FLAG_OPENAPI];
	const char *routes = app->args.values[FLAG_ROUTES];
	const char *name = app->args.values[FLAG_NAME_OF_API];
	const char *prefix = app->args.values[FLAG_PREFIX];
	int status = EXIT_YES;

	wanted->folder = app->args.word_count > 0 ? app->args.words[0] : ".";
	wanted->name = name != NULL ? name : "api";
	wanted->base = app->args.values[FLAG_BASE];
	wanted->path = openapi != NULL ? openapi : routes;
	wanted->reader = openapi != NULL ? import_openapi : import_routes;
	if (openapi != NULL && routes != NULL) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--openapi and --routes exclude each other");
	}
	if (strcmp(wanted->name, "other") == 0) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--name 'other': that is the stack of all other services");
	}
	if (prefix == NULL && !may_ask()) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--prefix is needed where nobody can be asked: it is how keys begin, such "
			"as 'acme'");
	}
	if (prefix == NULL) {
		prefix = ask(app, "How keys begin, such as the product's name", "ak");
		if (prefix == NULL) {
			return app_fail(app, EXIT_USAGE, "usage", "no answer: nothing was written");
		}
		status = wanted->path == NULL ? ask_source(app, wanted) : EXIT_YES;
	}
	return status == EXIT_YES ? take_prefix(app, wanted, prefix) : status;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool is_policy_file(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 7 && strcmp(name + len - 7, ".policy") == 0;
}

/* Makes the folder, unless it is there, and refuses one that has a policy. */
static int prepare_folder(struct app *app, const char *path)
{
	const struct dirent *entry;
	const char *found = NULL;
	DIR *folder;

	if (mkdir(path, 0777) != 0 && errno != EEXIST) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", path, strerror(errno));
	}
	folder = opendir(path);
	if (folder == NULL) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", path, strerror(errno));
	}
	while (found == NULL && (entry = readdir(folder)) != NULL) {
		found = is_policy_file(entry->d_name) ? app_text(app, "%s", entry->d_name) : NULL;
	}
	closedir(folder);
	return found == NULL ? EXIT_YES
			     : app_fail(app, EXIT_NO, "conflict",
				       "%s has a policy (%s): nothing was written", path, found);
}

static int write_file(struct app *app, const char *path, struct pol_str text)
{
	struct replace_new new;
	int status = replace_begin(app, path, true, &new);

	if (status == EXIT_YES) {
		fwrite(text.ptr, 1, text.len, new.file);
	}
	return replace_end(app, &new, status);
}

/* Both files, or none. */
static int write_files(struct app *app, const char *folder, const struct pol_source sources[2])
{
	const char *paths[2];
	int status = EXIT_YES;

	for (size_t i = 0; i < 2; i++) {
		paths[i] = app_text(app, "%s/%.*s", folder, POL_STR_ARGS(sources[i].name));
	}
	for (size_t i = 0; i < 2 && status == EXIT_YES; i++) {
		status = write_file(app, paths[i], sources[i].text);
		if (status != EXIT_YES && i > 0) {
			unlink(paths[0]);
		}
	}
	return status;
}

/* --- the policy ------------------------------------------------------------------------------- */

/* Gives it the form that policy fmt writes. One that does not parse is reported by check. */
static void format(struct app *app, struct pol_source *source)
{
	struct pol_diags diags;
	struct pol_str text;

	pol_diags_init(&diags, source, 1);
	if (pol_format(&diags, &app->arena, &text) == POL_OK) {
		source->text = text;
	}
	pol_diags_finish(&diags);
}

/* What is written must load, and its tests pass. */
static int check(struct app *app, const struct pol_source sources[2], size_t *out_tests)
{
	struct policy policy = { .snapshot = NULL };
	struct pol_suite_result tests = { 0 };
	bool ok;

	pol_diags_init(&policy.diags, sources, 2);
	ok = pol_compile(sources, 2, NULL, &policy.diags, &policy.snapshot) == POL_OK;
	if (ok) {
		tests = pol_suite_run(policy.snapshot, &policy.diags, NULL, NULL);
	}
	policy_show_diags(&policy);
	policy_finish(&policy);
	*out_tests = tests.passed;
	return ok && tests.failed == 0
		       ? EXIT_YES
		       : app_fail(app, EXIT_DAEMON, "internal",
				 "the policy that was made does not load; please report this");
}

/* " --base /v2", for a shell; nothing when the source says what it is. */
static const char *base_option(struct app *app, const struct wanted *wanted)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-%";

	if (wanted->base == NULL) {
		return "";
	}
	return app_text(app, " --base %s",
		wanted->base[strspn(wanted->base, plain)] == '\0' ? wanted->base : "PATH");
}

static struct pol_str head(struct app *app, const struct wanted *wanted, struct pol_str text)
{
	bool document = wanted->path != NULL && wanted->reader == import_openapi;
	const char *how =
		wanted->path == NULL
			? app_text(app, "# An example: write your API's paths in its place, or "
					"make them of its description\n"
					"# with authzcheck policy import-openapi or "
					"import-routes.\n")
			: app_text(app,
				  "# Made of the API's description. When that has changed:\n"
				  "#     authzcheck policy import-%s --tree %s%s FILE > " TREE_FILE
				  "\n",
				  document ? "openapi" : "routes", wanted->name,
				  base_option(app, wanted));

	return pol_str_of(app_text(app, "%s%.*s", how, POL_STR_ARGS(text)));
}

static void report(
	struct app *app, const struct wanted *wanted, const struct imported *imported, size_t tests)
{
	if (wanted->path != NULL) {
		imported_report(app, wanted->path, imported);
	}
	if (app->want_json) {
		app_document(app,
			json_pack("{s:[s, s], s:I, s:o}", "files", ACCESS_FILE, TREE_FILE, "tests",
				(json_int_t)tests, "notes", imported_notes(app, imported)));
		return;
	}
	printf("%s: " ACCESS_FILE " and " TREE_FILE " are written; %s passed\n",
		text_escape(&app->arena, pol_str_of(wanted->folder)),
		app_count(app, tests, "test"));
	printf("See what it decides: authzcheck policy try %s\n",
		text_escape(&app->arena, pol_str_of(wanted->folder)));
}

static int make(struct app *app, const struct wanted *wanted, struct imported *imported)
{
	const struct imported_from from = { wanted->path, wanted->reader, wanted->name,
		wanted->base };
	struct pol_source sources[2] = { { POL_STR(ACCESS_FILE), { NULL, 0 } },
		{ POL_STR(TREE_FILE), { NULL, 0 } } };
	size_t tests = 0;
	int status = wanted->path != NULL
			     ? imported_load(app, &from, imported)
			     : imported_load_text(app, &from, pol_str_of(example), imported);

	if (status != EXIT_YES) {
		return status;
	}
	if (!import_first(&imported->import, wanted->prefix, &sources[0].text)) {
		return app_fail(app, EXIT_DAEMON, "internal", "%s", imported->import.error);
	}
	sources[1].text = head(app, wanted, imported->text);
	format(app, &sources[0]);
	format(app, &sources[1]);
	status = check(app, sources, &tests);
	if (status == EXIT_YES) {
		status = prepare_folder(app, wanted->folder);
	}
	if (status == EXIT_YES) {
		status = write_files(app, wanted->folder, sources);
	}
	if (status == EXIT_YES) {
		report(app, wanted, imported, tests);
	}
	return status;
}

static int run(struct app *app)
{
	struct wanted wanted = { 0 };
	struct imported imported = { 0 };
	int status = find_wanted(app, &wanted);

	if (status == EXIT_YES) {
		status = make(app, &wanted, &imported);
	}
	imported_finish(&imported);
	return status;
}

const struct command command_policy_init = {
	.name = "policy init",
	.words = "[DIR]",
	.summary = "Write a first policy, with roles, scopes, stacks and tests",
	.text = "Asks how keys begin and for an OpenAPI document or a list of routes, unless\n"
		"the options say it, and writes two commented files to DIR (default: here):\n"
		"the tree of the API, and roles, scopes, stacks and tests for it, which pass.\n"
		"--base is that of import-openapi, and --name what is --tree there.\n"
		"A folder that has a policy is left as it is.\n",
	.examples = "  authzcheck policy init policy/\n"
		    "  authzcheck policy init --prefix acme --openapi openapi.yaml policy/\n"
		    "  authzcheck policy init --prefix acme --name shop --base /v2 --routes "
		    "routes.txt\n",
	.flags = { FLAG_PREFIX, FLAG_OPENAPI, FLAG_ROUTES, FLAG_NAME_OF_API, FLAG_BASE },
	.max_words = 1,
	.run = run,
};
