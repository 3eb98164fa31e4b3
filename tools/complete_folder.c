/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/language/parse.h"
#include "tools/complete.h"
#include "tools/git.h"
#include "tools/policy.h"

/* --- names of a policy folder ----------------------------------------------------------------- */

static bool has_policy(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	bool found = false;

	while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
		size_t len = strlen(entry->d_name);

		found = entry->d_name[0] != '.' && len > 7 &&
			strcmp(entry->d_name + len - 7, ".policy") == 0;
	}
	if (folder != NULL) {
		closedir(folder);
	}
	return found;
}

/* The one that the line names; before it does, the current one or its policy/, if it has files of a
 * policy itself: a whole home is not searched. NULL: none. */
static const char *find_folder(const struct app *app)
{
	static const char *const likely[] = { ".", "policy" };

	if (app->args.word_count > 0) {
		return app->args.words[0];
	}
	for (size_t i = 0; i < sizeof likely / sizeof likely[0]; i++) {
		if (has_policy(likely[i])) {
			return likely[i];
		}
	}
	return NULL;
}

static void offer(const struct completing *word, struct pol_str name, struct pol_str what)
{
	struct app *app = word->app;

	complete_offer(word, app_text(app, "%.*s", POL_STR_ARGS(name)),
		app_text(app, "%.*s", POL_STR_ARGS(what)));
}

static void offer_grantees(
	const struct completing *word, const struct pol_ast_grantee *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		offer(word, items[i].name.text, items[i].description.text);
	}
}

static void offer_declared(
	const struct completing *word, const struct pol_ast *ast, enum complete_kind kind)
{
	switch (kind) {
	case COMPLETE_ROLES:
		offer_grantees(word, ast->roles, ast->roles_count);
		break;
	case COMPLETE_SCOPES:
		offer_grantees(word, ast->scopes, ast->scopes_count);
		break;
	case COMPLETE_PRINCIPALS:
		for (size_t i = 0; i < ast->principals_count; i++) {
			offer(word, ast->principals[i].id.text,
				ast->principals[i].description.text);
		}
		break;
	case COMPLETE_TREES:
		for (size_t i = 0; i < ast->trees_count; i++) {
			offer(word, ast->trees[i].name.text, ast->trees[i].description.text);
		}
		complete_offer(word, "authz", "the daemon's own methods");
		break;
	case COMPLETE_FACTS:
		for (size_t i = 0; i < ast->facts_count; i++) {
			complete_offer(word,
				app_text(word->app, "%.*s=", POL_STR_ARGS(ast->facts[i].name.text)),
				"");
		}
		break;
	}
}

void complete_folder(const struct completing *word, enum complete_kind kind)
{
	struct app *app = word->app;
	const char *path = find_folder(app);
	struct policy policy = { .snapshot = NULL };
	struct folder_sources sources;
	struct pol_diags diags;
	struct pol_ast ast;
	enum pol_status status;

	if (path == NULL || policy_read(app, path, &policy) != EXIT_YES) {
		policy_finish(&policy);
		return;
	}
	sources = policy_sources(&policy);
	pol_diags_init(&diags, sources.items, sources.count);
	status = pol_parse(sources.items, sources.count, &app->arena, &diags, &ast);
	if (status == POL_OK || status == POL_EINVALID) {
		offer_declared(word, &ast, kind);
	}
	pol_diags_finish(&diags);
	policy_finish(&policy);
}

/* --- git -------------------------------------------------------------------------------------- */

static const struct {
	const char *prefix, *what;
} references[] = {
	{ "refs/heads/", "branch" },
	{ "refs/tags/", "tag" },
	{ "refs/remotes/", "branch of a remote" },
};

static void offer_reference(const struct completing *word, const char *name)
{
	for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
		size_t len = strlen(references[i].prefix);

		if (strncmp(name, references[i].prefix, len) == 0) {
			complete_offer(word, name + len, references[i].what);
		}
	}
}

void complete_revisions(const struct completing *word)
{
	static const char *const words[] = { "for-each-ref", "--format=%(refname)", "refs/heads/",
		"refs/tags/", "refs/remotes/", NULL };
	char why[GIT_WHY];
	char *names = NULL;
	size_t len = 0;

	if (git_run(".", words, &names, &len, why) != 0) {
		return;
	}
	complete_offer(word, "HEAD", "what is checked out");
	for (char *name = names, *end; (end = strchr(name, '\n')) != NULL; name = end + 1) {
		*end = '\0';
		offer_reference(word, name);
	}
	free(names);
}
