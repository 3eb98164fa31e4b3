/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/complete.h"

#include <stdio.h>
#include <string.h>

#include "tools/help.h"
#include "tools/text.h"

/* Words of a line that are kept; what comes after them is completed as the last one is. */
#define LINE_WORDS 8

/* A command line up to the word that is being typed. */
struct line {
	const char *words[LINE_WORDS]; /* neither options nor their values */
	size_t count;
	enum flag pending; /* the option whose value is being typed; FLAG_NONE: none */
	bool ended;        /* by "--": no options follow */
};

/* Is it an item of the list that stands before what is typed: of "key," or "--columns=key,"? */
static bool is_before(const char *before, const char *value)
{
	const char *sign = strncmp(before, "--", 2) == 0 ? strchr(before, '=') : NULL;
	size_t wanted = strlen(value);

	for (before = sign != NULL ? sign + 1 : before; *before != '\0';) {
		size_t len = strcspn(before, ",");

		if (before[len] == ',' && len == wanted && memcmp(before, value, len) == 0) {
			return true;
		}
		before += len + (before[len] == ',');
	}
	return false;
}

void complete_offer(const struct completing *word, const char *value, const char *what)
{
	struct pol_arena *arena = &word->app->arena;
	size_t len = strlen(word->typed);

	if (value[0] == '\0' || strncmp(value, word->typed, len) != 0 ||
		is_before(word->before, value)) {
		return;
	}
	printf("%s%s", word->before, text_escape(arena, pol_str_of(value)));
	if (what[0] != '\0') {
		printf("\t%s", text_escape(arena, pol_str_of(what)));
	}
	putchar('\n');
}

/* --- the line --------------------------------------------------------------------------------- */

/* What was typed of the options that say whom to ask. */
static void keep(struct app *app, enum flag flag, const char *value)
{
	if (flag == FLAG_SOCKET || flag == FLAG_SERVER_USER || flag == FLAG_TENANT) {
		app->args.given[flag] = true;
		app->args.values[flag] = value;
	}
}

/* Two options of different commands may have one name. */
static enum flag flag_of(const struct command *command, enum flag named)
{
	enum flag flags[FLAG_COUNT];
	size_t count = command != NULL ? help_flags(command, flags) : 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(args_name(flags[i]), args_name(named)) == 0) {
			return flags[i];
		}
	}
	return named;
}

/* Returns how many words were read: an option may take the next one. */
static int read_option(struct app *app, struct line *line, char **argv, int left)
{
	const char *text = argv[0];
	const char *sign = strchr(text, '=');
	size_t used;
	enum flag flag = flag_of(help_find(line->words, line->count, &used), args_find(text));

	if (sign != NULL) {
		keep(app, flag, sign + 1);
	} else if (args_takes_value(flag)) {
		if (left < 2) {
			line->pending = flag;
			return 1;
		}
		keep(app, flag, argv[1]);
		return 2;
	} else if (flag != FLAG_NONE) {
		app->args.given[flag] = true;
	}
	return 1;
}

static void read_line(struct app *app, struct line *line, char **argv, int count)
{
	for (int i = 0; i < count;) {
		const char *text = argv[i];

		if (!line->ended && strcmp(text, "--") == 0) {
			line->ended = true;
			i++;
		} else if (!line->ended && text[0] == '-' && text[1] != '\0') {
			i += read_option(app, line, argv + i, count - i);
		} else {
			if (line->count < LINE_WORDS) {
				line->words[line->count++] = text;
			}
			i++;
		}
	}
}

/* --- what may follow -------------------------------------------------------------------------- */

static void offer_commands(const struct completing *word, const char *group)
{
	const struct command *command;
	char first[32] = "", last[32] = "";

	for (size_t i = 0; (command = help_command(i)) != NULL; i++) {
		size_t len = strcspn(command->name, " ");
		const char *second = command->name[len] == ' ' ? command->name + len + 1 : NULL;

		snprintf(first, sizeof first, "%.*s", (int)len, command->name);
		if (group == NULL && strcmp(first, last) != 0) {
			complete_offer(word, first,
				second == NULL ? command->summary
					       : app_text(word->app, "the commands %s …", first));
		} else if (group != NULL && second != NULL && strcmp(first, group) == 0) {
			complete_offer(word, second, command->summary);
		}
		snprintf(last, sizeof last, "%s", first);
	}
}

static void offer_flags(const struct completing *word, const enum flag *flags, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char buf[64];

		complete_offer(word, app_text(word->app, "--%s", args_name(flags[i])),
			args_help_of(flags[i], buf, sizeof buf).text);
	}
}

static void offer_options(const struct completing *word, const struct command *command)
{
	enum flag flags[FLAG_COUNT];
	const enum flag *globals;
	size_t count = args_globals(&globals);

	if (command != NULL) {
		offer_flags(word, flags, help_flags(command, flags));
	}
	offer_flags(word, globals, count);
}

/* In a list, what stands after the last comma is being typed. `kept` stays before it. */
static void offer_values(struct app *app, const struct command *command, enum flag named,
	struct pol_str kept, const char *typed)
{
	enum flag flag = flag_of(command, named);
	const char *comma = args_is_list(flag) ? strrchr(typed, ',') : NULL;
	size_t len = comma != NULL ? (size_t)(comma + 1 - typed) : 0;
	const struct completing word = { app,
		app_text(app, "%.*s%.*s", POL_STR_ARGS(kept), (int)len, typed), typed + len };

	complete_option(&word, command, flag);
}

/* The name in a command's usage of its word number `at`: KEY of "[KEY]". */
static struct pol_str word_name(const struct command *command, size_t at)
{
	const char *text = command->words != NULL ? command->words : "";

	for (;;) {
		size_t len;

		text += strspn(text, " []|");
		len = strcspn(text, " []|");
		if (at == 0 || len == 0) {
			return (struct pol_str){ text, len };
		}
		at--;
		text += len;
	}
}

static void offer_words(const struct completing *word, const struct line *line,
	const struct command *command, size_t used)
{
	size_t skip = line->count > 0 && strcmp(line->words[0], "help") == 0 ? 1 : 0;
	const char *group = line->count > skip ? line->words[skip] : NULL;

	if (skip == 0 && command != NULL) {
		size_t at = command->max_words == COMMAND_MANY_WORDS ? 0 : line->count - used;

		/* These take the place of the principal. */
		at += word->app->args.given[FLAG_EVERYONE] || word->app->args.given[FLAG_ANYONE];
		complete_word(word, command, word_name(command, at));
		if (used == 1 && line->count == 1 && help_is_group(group)) {
			offer_commands(word, group);
		}
	} else if (line->count == skip || (line->count == skip + 1 && help_is_group(group))) {
		offer_commands(word, group);
	}
}

int complete_run(struct app *app, int argc, char **argv)
{
	const char *typed = argc > 0 ? argv[argc - 1] : "";
	const struct completing word = { app, "", typed };
	const struct command *command;
	struct line line = { .count = 0 };
	const char *sign;
	size_t used = 0;

	if (freopen("/dev/null", "w", stderr) == NULL) {
		return EXIT_YES;
	}
	read_line(app, &line, argv, argc - 1);
	command = help_find(line.words, line.count, &used);
	app->command = command;
	if (command != NULL) {
		app->args.words = line.words + used;
		app->args.word_count = line.count - used;
	}
	sign = strchr(typed, '=');
	if (line.pending != FLAG_NONE) {
		offer_values(app, command, line.pending, (struct pol_str){ "", 0 }, typed);
	} else if (!line.ended && strncmp(typed, "--", 2) == 0 && sign != NULL) {
		offer_values(app, command, args_find(typed),
			(struct pol_str){ typed, (size_t)(sign + 1 - typed) }, sign + 1);
	} else if (!line.ended && typed[0] == '-') {
		offer_options(&word, command);
	} else {
		offer_words(&word, &line, command, used);
	}
	return EXIT_YES;
}
