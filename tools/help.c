/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/help.h"

#include <string.h>

#include "tools/commands/commands.h"
#include "tools/text.h"

/* In the order of the help. */
static const struct {
	const struct command *rows;
	size_t count;
} tables[] = {
	{ &command_check, 1 },
	{ &command_can, 1 },
	{ &command_plan, 1 },
	{ &command_who, 1 },
	{ &command_whoami, 1 },
	{ &command_http_check, 1 },
	{ commands_key, KEY_COMMANDS },
	{ commands_principal, PRINCIPAL_COMMANDS },
	{ commands_role, ROLE_COMMANDS },
	{ commands_assignment, ASSIGNMENT_COMMANDS },
	{ commands_tenant, TENANT_COMMANDS },
	{ &command_log, 1 },
	{ &command_review, 1 },
	{ &command_console, 1 },
	{ &command_store_backup, 1 },
	{ &command_store_restore, 1 },
	{ &command_store_verify, 1 },
	{ &command_store_share, 1 },
	{ commands_store_join, STORE_JOIN_COMMANDS },
	{ commands_store_set, STORE_SET_COMMANDS },
	{ commands_hosts, HOSTS_COMMANDS },
	{ commands_daemon, DAEMON_COMMANDS },
	{ &command_policy_check, 1 },
	{ &command_policy_lint, 1 },
	{ &command_policy_test, 1 },
	{ &command_policy_mutate, 1 },
	{ &command_policy_show, 1 },
	{ &command_policy_fmt, 1 },
	{ &command_policy_try, 1 },
	{ &command_policy_init, 1 },
	{ &command_policy_import_openapi, 1 },
	{ &command_policy_import_routes, 1 },
	{ &command_policy_diff, 1 },
	{ &command_policy_shadow, 1 },
	{ &command_policy_can, 1 },
	{ &command_policy_who, 1 },
	{ &command_policy_plan, 1 },
	{ &command_lsp, 1 },
	{ &command_help, 1 },
};

enum {
	COMMANDS = 80,       /* at most */
	COMMAND_COLUMN = 22, /* width of the names */
	OPTION_COLUMN = 28,
};

const struct command *help_command(size_t at)
{
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		if (at < tables[i].count) {
			return &tables[i].rows[at];
		}
		at -= tables[i].count;
	}
	return NULL;
}

/* The length of the first word of a name, and the second word or NULL. */
static size_t first_word(const char *name, const char **out_second)
{
	size_t len = strcspn(name, " ");

	*out_second = name[len] == ' ' ? name + len + 1 : NULL;
	return len;
}

static bool is_first(const char *name, const char *word)
{
	const char *second;
	size_t len = first_word(name, &second);

	return strlen(word) == len && memcmp(name, word, len) == 0;
}

const struct command *help_find(const char *const *words, size_t count, size_t *out_used)
{
	const struct command *command, *found = NULL;

	for (size_t i = 0; count > 0 && (command = help_command(i)) != NULL; i++) {
		const char *second;

		first_word(command->name, &second);
		if (!is_first(command->name, words[0])) {
			continue;
		}
		if (second == NULL) {
			*out_used = 1;
			found = command;
		} else if (count > 1 && strcmp(second, words[1]) == 0) {
			*out_used = 2;
			return command;
		}
	}
	return found;
}

bool help_is_group(const char *word)
{
	const struct command *command;

	for (size_t i = 0; (command = help_command(i)) != NULL; i++) {
		if (is_first(command->name, word) && strchr(command->name, ' ') != NULL) {
			return true;
		}
	}
	return false;
}

const char *help_nearest(const char *group, const char *word)
{
	/* First words are compared without what follows them, each in a buffer of its own. */
	char firsts[COMMANDS][32];
	const char *candidates[COMMANDS];
	const struct command *command;
	size_t count = 0;

	for (size_t i = 0; (command = help_command(i)) != NULL && count < COMMANDS; i++) {
		const char *second;
		size_t len = first_word(command->name, &second);

		if (group == NULL) {
			snprintf(firsts[count], sizeof firsts[count], "%.*s", (int)len,
				command->name);
			candidates[count] = firsts[count];
			count++;
		} else if (second != NULL && is_first(command->name, group)) {
			candidates[count++] = second;
		}
	}
	word = args_nearest(word, candidates, count);
	if (word == NULL || group != NULL) {
		return word;
	}
	/* Its own name outlives this function; the caller prints the first word of it. */
	for (size_t i = 0; (command = help_command(i)) != NULL; i++) {
		if (is_first(command->name, word)) {
			return command->name;
		}
	}
	return NULL;
}

int help_unknown(struct app *app, const char *group, const char *word)
{
	const char *nearest = help_nearest(group, word);
	size_t len = nearest != NULL ? strcspn(nearest, " ") : 0;

	return app_fail(app, EXIT_USAGE, "usage",
		"unknown command '%s%s%.64s'%s%.*s%s (see 'authzcheck%s%s --help')",
		group != NULL ? group : "", group != NULL ? " " : "", word,
		nearest != NULL ? ": did you mean '" : "", (int)len, nearest != NULL ? nearest : "",
		nearest != NULL ? "'?" : "", group != NULL ? " " : "", group != NULL ? group : "");
}

size_t help_flags(const struct command *command, enum flag out[static FLAG_COUNT])
{
	static const enum flag token[] = { FLAG_TOKEN, FLAG_TOKEN_FILE, FLAG_IMPERSONATE };
	size_t count = 0;

	while (command->flags[count] != FLAG_NONE) {
		out[count] = command->flags[count];
		count++;
	}
	if (command->by_token) {
		memcpy(out + count, token, sizeof token);
		count += sizeof token / sizeof token[0];
	}
	return count;
}

static void print_title(const struct app *app, const char *title, FILE *file)
{
	fprintf(file, "%s%s%s\n", text_begin(app->colour, COLOUR_BOLD), title,
		text_end(app->colour, COLOUR_BOLD));
}

static void print_flags(
	const struct command *command, const enum flag *flags, size_t count, FILE *file)
{
	bool all = command != NULL && (command->all_tenants || command->bulk != NULL);
	const char *const *formats = command != NULL ? command->formats : NULL;

	for (size_t i = 0; i < count; i++) {
		char buf[64];
		struct args_help help = args_help_of(flags[i], buf, sizeof buf);

		fprintf(file, "  %-*s  %s%s", OPTION_COLUMN, help.option, help.text,
			all && flags[i] == FLAG_TENANT ? ", or '*' for all of them" : "");
		for (size_t k = 0; flags[i] == FLAG_FORMAT && formats[k] != NULL; k++) {
			fprintf(file, "%s%s%s", k == 0 ? ": " : ", ", formats[k],
				k == 0 ? " (the default)" : "");
		}
		fputc('\n', file);
	}
}

static void print_global_flags(const struct app *app, FILE *file)
{
	const enum flag *globals;
	size_t count = args_globals(&globals);

	print_title(app, "Options everywhere:", file);
	print_flags(NULL, globals, count, file);
}

void help_print(const struct app *app, const char *group, FILE *file)
{
	const struct command *command;

	fprintf(file, "usage: authzcheck [OPTION…] %s%sCOMMAND [ARGUMENT…]\n\n",
		group != NULL ? group : "", group != NULL ? " " : "");
	print_title(app, "Commands:", file);
	for (size_t i = 0; (command = help_command(i)) != NULL; i++) {
		if (group == NULL || is_first(command->name, group)) {
			fprintf(file, "  %-*s  %s\n", COMMAND_COLUMN, command->name,
				command->summary);
		}
	}
	fputc('\n', file);
	print_global_flags(app, file);
	fputs("\n'authzcheck help COMMAND' describes a command, with examples.\n"
	      "Exit status: 0 allowed, done, clean; 1 denied, failed, refused;\n"
	      "2 usage or unreadable input; 3 no daemon, deadline, or an internal error.\n",
		file);
}

void help_print_command(const struct app *app, const struct command *command, FILE *file)
{
	enum flag flags[FLAG_COUNT];
	size_t count = help_flags(command, flags);

	fprintf(file, "usage: authzcheck %s%s%s%s\n\n%s\n", command->name,
		count > 0 ? " [OPTION…]" : "", command->words != NULL ? " " : "",
		command->words != NULL ? command->words : "", command->summary);
	if (command->text != NULL) {
		fprintf(file, "\n%s", command->text);
	}
	if (count > 0) {
		fputc('\n', file);
		print_title(app, "Options:", file);
		print_flags(command, flags, count, file);
	}
	fputc('\n', file);
	print_global_flags(app, file);
	fputc('\n', file);
	print_title(app, "Examples:", file);
	fputs(command->examples, file);
}
