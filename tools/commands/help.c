/* SPDX-License-Identifier: Apache-2.0 */

/* help: what --help prints, in git's manner. */

#include "tools/help.h"
#include "tools/commands/commands.h"

static int run(struct app *app)
{
	const char *const *words = app->args.words;
	size_t count = app->args.word_count;
	const struct command *command;
	size_t used;

	if (count == 0 || (count == 1 && help_is_group(words[0]))) {
		help_print(app, count > 0 ? words[0] : NULL, stdout);
		return EXIT_YES;
	}
	command = help_find(words, count, &used);
	if (command == NULL || used < count) {
		bool second = count > 1 && (command != NULL || help_is_group(words[0]));

		return help_unknown(app, second ? words[0] : NULL, words[second ? 1 : 0]);
	}
	help_print_command(app, command, stdout);
	return EXIT_YES;
}

const struct command command_help = {
	.name = "help",
	.words = "[COMMAND]",
	.summary = "Describe a command, or list all of them",
	.text = "The same as --help after the command.\n",
	.examples = "  authzcheck help key\n"
		    "  authzcheck help key create\n",
	.max_words = 2,
	.run = run,
};
