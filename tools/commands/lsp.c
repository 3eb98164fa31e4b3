/* SPDX-License-Identifier: Apache-2.0 */

/* lsp: a language server for editors. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/lsp/server.h"

static int run(struct app *app)
{
	const char *given = app->args.word_count > 0 ? app->args.words[0] : NULL;
	char *folder = NULL;
	int status;

	if (app->want_json) {
		return app_fail(app, EXIT_USAGE, "usage",
			"lsp has no --json: it speaks the Language Server Protocol");
	}
	if (given != NULL) {
		folder = realpath(given, NULL);
		if (folder == NULL) {
			return app_fail(
				app, EXIT_USAGE, "unreadable", "%s: %s", given, strerror(errno));
		}
	}
	status = lsp_serve(app, folder);
	free(folder);
	return status;
}

const struct command command_lsp = {
	.name = "lsp",
	.words = "[DIR]",
	.summary = "Serve an editor: a language server for policies",
	.text = "Speaks the Language Server Protocol 3.17 on standard input and output; an\n"
		"editor starts it. It compiles the policy folder as it is typed and reports\n"
		"errors, findings of lint and tests that fail. It completes keywords, names,\n"
		"actions and paths, shows what a name stands for and what a pattern selects,\n"
		"finds where names are declared and used, renames them in all files, and\n"
		"formats. The folder is DIR for files below it, else that of the file itself, or\n"
		"one above it when the policy has files in several folders.\n",
	.examples = "  authzcheck lsp            # in the configuration of an editor\n"
		    "  authzcheck lsp policy/    # files below this folder are one policy\n",
	.flags = { FLAG_MODULES },
	.max_words = 1,
	.run = run,
};
