/* SPDX-License-Identifier: Apache-2.0 */

/* policy fmt: the canonical form of policy files. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/format/format.h"
#include "tools/commands/commands.h"
#include "tools/compare_text.h"
#include "tools/policy.h"
#include "tools/replace.h"
#include "tools/text.h"

/* The run over all files. A file that is refused does not end it. */
struct run {
	struct app *app;
	json_t *files, *diagnostics; /* with --json */
	size_t seen, changed;
	int status; /* the worst so far */
};

static void worsen(struct run *run, int status)
{
	if (status > run->status) {
		run->status = status;
	}
}

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

static bool only_looks(const struct app *app)
{
	return app->args.given[FLAG_CHECK] || app->args.given[FLAG_DIFF];
}

static void show_diags(struct run *run, struct policy *policy)
{
	pol_diags_sort(&policy->diags);
	policy_show_diags(policy);
	if (run->app->want_json) {
		json_t *found = policy_json_diags(run->app, policy);

		if (json_array_extend(run->diagnostics, found) != 0) {
			run->app->no_memory = true;
		}
		json_decref(found);
	}
}

static void refuse(struct run *run, const struct policy *policy, const char *path)
{
	fprintf(stderr, "authzcheck: %s: %s: it stays as it is\n",
		text_escape(&run->app->arena, pol_str_of(path)),
		policy_count_text(run->app, policy));
	worsen(run, EXIT_NO);
}

/* Prints what --check, --diff and --json say of the file, or the text for standard output. */
static int print(
	struct run *run, const struct replace_file *file, struct pol_str text, bool changed)
{
	struct app *app = run->app;
	const char *name = text_escape(&app->arena, pol_str_of(file->path));

	if (app->want_json) {
		app_append(app, run->files,
			json_pack("{s:o, s:b, s:o*}", "file", document_text(file->path), "changed",
				changed, "text", is_stdin(file->path) ? document_str(text) : NULL));
		return EXIT_YES;
	}
	if (app->args.given[FLAG_DIFF]) {
		return changed ? compare_text_print(app, name, file->text, text) : EXIT_YES;
	}
	if (is_stdin(file->path) && !only_looks(app)) {
		fwrite(text.ptr, 1, text.len, stdout);
	} else if (changed) {
		puts(name);
	}
	return EXIT_YES;
}

/* Rewrites or prints the formatted text. Warnings of the parser about a text that changes are
 * shown: what they warn of may look right when it is formatted. */
static void use_text(struct run *run, const struct replace_file *file, struct pol_str text,
	struct policy *policy)
{
	bool changed = !pol_str_equal(file->text, text);
	int status = EXIT_YES;

	run->changed += changed;
	if (changed) {
		show_diags(run, policy);
	}
	if (changed && only_looks(run->app)) {
		worsen(run, EXIT_NO);
	} else if (changed && !is_stdin(file->path)) {
		status = replace_write(run->app, file, text);
	}
	if (status == EXIT_YES) {
		status = print(run, file, text, changed);
	}
	worsen(run, status);
}

static void format_file(struct run *run, const char *path)
{
	struct policy policy = { .folder = NULL };
	struct replace_file file;
	struct pol_source source;
	struct pol_arena arena;
	struct pol_str text;
	enum pol_status formatted;
	int status = replace_read(run->app, path, &file);

	run->seen++;
	if (status != EXIT_YES) {
		worsen(run, status);
		return;
	}
	source = (struct pol_source){ pol_str_of(path), file.text };
	pol_arena_init(&arena, POL_FORMAT_MEMORY);
	pol_diags_init(&policy.diags, &source, 1);
	formatted = pol_format(&policy.diags, &arena, &text);
	if (formatted == POL_OK) {
		use_text(run, &file, text, &policy);
	} else if (formatted == POL_EINVALID) {
		show_diags(run, &policy);
		refuse(run, &policy, path);
	} else {
		worsen(run, app_fail(run->app, EXIT_DAEMON, "internal",
				    "%s: no memory left to format it", path));
	}
	pol_arena_finish(&arena);
	policy_finish(&policy);
}

static void format_folder(struct run *run, const char *path)
{
	struct pol_str *names;
	size_t count;
	int status = policy_files(run->app, path, &names, &count);

	worsen(run, status);
	for (size_t i = 0; status == EXIT_YES && i < count; i++) {
		format_file(run, names[i].ptr);
	}
}

static void finish(struct run *run)
{
	struct app *app = run->app;

	if (app->want_json) {
		app_document(
			app, json_pack("{s:o, s:I, s:o}", "files", run->files, "changed",
				     (json_int_t)run->changed, "diagnostics", run->diagnostics));
	}
	if (run->changed > 0 && only_looks(app)) {
		fflush(stdout);
		fprintf(stderr,
			"authzcheck: %s not in the canonical form: 'authzcheck policy fmt' "
			"rewrites %s\n",
			run->changed == 1 ? "1 file is"
					  : app_text(app, "%zu files are", run->changed),
			run->changed == 1 ? "it" : "them");
	}
}

static int run(struct app *app)
{
	struct run run = { .app = app };

	for (size_t i = 0; i < app->args.word_count; i++) {
		if (is_stdin(app->args.words[i]) && app->args.word_count > 1) {
			return app_fail(app, EXIT_USAGE, "usage",
				"'-' (standard input) must be given alone, without files and "
				"folders");
		}
	}
	run.files = app->want_json ? json_array() : NULL;
	run.diagnostics = app->want_json ? json_array() : NULL;
	for (size_t i = 0; i < app->args.word_count; i++) {
		const char *path = app->args.words[i];
		struct stat stat_of;

		if (!is_stdin(path) && stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode)) {
			format_folder(&run, path);
		} else {
			format_file(&run, path);
		}
	}
	finish(&run);
	return run.status;
}

const struct command command_policy_fmt = {
	.name = "policy fmt",
	.words = "FILE|DIR…",
	.summary = "Rewrite policy files in the canonical form",
	.text = "Spaces, line ends and idle commas change, and nothing else: comments\n"
		"stay, and so does the meaning. In a folder all *.policy files are\n"
		"rewritten, as the daemon finds them. The files that changed are listed.\n"
		"- reads standard input and writes standard output, for editors.\n"
		"\n"
		"A file that does not parse stays as it is, and its mistakes are\n"
		"printed. A file is replaced in one step; its mode and owner are kept,\n"
		"and a link is followed. Exit status 1 for a mistake, and with --check\n"
		"or --diff when a file would change.\n",
	.examples =
		"  authzcheck policy fmt policy/\n"
		"  authzcheck policy fmt --check policy/      # for CI: list what would change\n"
		"  authzcheck policy fmt - < roles.policy     # for editors\n",
	.flags = { FLAG_CHECK, FLAG_DIFF },
	.min_words = 1,
	.max_words = COMMAND_MANY_WORDS,
	.run = run,
};
