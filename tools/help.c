/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/help.h"

#include <string.h>

#include "tools/commands/commands.h"
#include "tools/text.h"

static const struct command *const commands[] = {
	&command_check,
	&command_can,
	&command_key_create,
	&command_key_import,
	&command_key_list,
	&command_key_show,
	&command_key_edit,
	&command_key_disable,
	&command_key_enable,
	&command_key_rotate,
	&command_key_finish,
	&command_key_prolong,
	&command_key_rollback,
	&command_key_renew,
	&command_key_revoke,
	&command_key_delete,
	&command_key_restore,
	&command_key_purge,
	&command_key_audit,
	&command_key_pattern,
	&command_principal_create,
	&command_principal_list,
	&command_principal_show,
	&command_principal_edit,
	&command_principal_disable,
	&command_principal_enable,
	&command_principal_delete,
	&command_role_create,
	&command_role_list,
	&command_role_show,
	&command_role_edit,
	&command_role_delete,
	&command_assign,
	&command_unassign,
	&command_tenant_create,
	&command_tenant_list,
	&command_tenant_disable,
	&command_tenant_enable,
	&command_log,
	&command_store_backup,
	&command_store_restore,
	&command_pepper_rotate,
	&command_reload,
	&command_status,
	&command_policy_check,
	&command_policy_test,
	&command_policy_show,
};

enum {
	COMMAND_COUNT = sizeof commands / sizeof commands[0],
	COMMAND_COLUMN = 20, /* of the summaries, behind the names */
	OPTION_COLUMN = 28,
};

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
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const char *second;

		if (count == 0 || !is_first(commands[i]->name, words[0])) {
			continue;
		}
		first_word(commands[i]->name, &second);
		if (second == NULL || (count > 1 && strcmp(second, words[1]) == 0)) {
			*out_used = second == NULL ? 1 : 2;
			return commands[i];
		}
	}
	return NULL;
}

bool help_is_group(const char *word)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (is_first(commands[i]->name, word)) {
			return strchr(commands[i]->name, ' ') != NULL;
		}
	}
	return false;
}

const char *help_nearest(const char *group, const char *word)
{
	/* First words are looked for with what follows cut off, each in a buffer of its own. */
	char firsts[COMMAND_COUNT][32];
	const char *candidates[COMMAND_COUNT];
	size_t count = 0;
	const char *nearest;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const char *second;
		size_t len = first_word(commands[i]->name, &second);

		if (group == NULL) {
			snprintf(firsts[count], sizeof firsts[count], "%.*s", (int)len,
				commands[i]->name);
			candidates[count] = firsts[count];
			count++;
		} else if (second != NULL && is_first(commands[i]->name, group)) {
			candidates[count++] = second;
		}
	}
	nearest = args_nearest(word, candidates, count);
	if (nearest == NULL || group != NULL) {
		return nearest;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (is_first(commands[i]->name, nearest)) {
			/* The whole name lives on; its caller prints the first word of it. */
			return commands[i]->name;
		}
	}
	return NULL;
}

size_t help_flags(const struct command *command, enum flag out[static FLAG_COUNT])
{
	static const enum flag token[] = { FLAG_TOKEN, FLAG_TOKEN_FILE };
	size_t count = command->flag_count;

	if (count > 0) {
		memcpy(out, command->flags, count * sizeof *out);
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

static void print_flags(const enum flag *flags, size_t count, FILE *file)
{
	for (size_t i = 0; i < count; i++) {
		char buf[64];
		struct args_help help = args_help_of(flags[i], buf, sizeof buf);

		fprintf(file, "  %-*s  %s\n", OPTION_COLUMN, help.option, help.text);
	}
}

static void print_global_flags(const struct app *app, FILE *file)
{
	const enum flag *globals;
	size_t count = args_globals(&globals);

	print_title(app, "Options everywhere:", file);
	print_flags(globals, count, file);
}

void help_print(const struct app *app, const char *group, FILE *file)
{
	fprintf(file, "usage: authzcheck [OPTION…] %s%sCOMMAND [ARGUMENT…]\n\n",
		group != NULL ? group : "", group != NULL ? " " : "");
	print_title(app, "Commands:", file);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (group == NULL || is_first(commands[i]->name, group)) {
			fprintf(file, "  %-*s  %s\n", COMMAND_COLUMN, commands[i]->name,
				commands[i]->summary);
		}
	}
	fputc('\n', file);
	print_global_flags(app, file);
	fputs("\n'authzcheck COMMAND --help' tells more, with examples.\n"
	      "Exit status: 0 allowed, done, clean; 1 denied, failed, refused;\n"
	      "2 usage or unreadable input; 3 no daemon, deadline, or its own trouble.\n",
		file);
}

void help_print_command(const struct app *app, const struct command *command, FILE *file)
{
	enum flag flags[FLAG_COUNT];
	size_t count = help_flags(command, flags);

	fprintf(file, "usage: authzcheck %s%s%s%s\n\n%s\n", command->name,
		count > 0 ? " [OPTION…]" : "", command->words[0] != '\0' ? " " : "", command->words,
		command->summary);
	if (command->text != NULL) {
		fprintf(file, "\n%s", command->text);
	}
	if (count > 0) {
		fputc('\n', file);
		print_title(app, "Options:", file);
		print_flags(flags, count, file);
	}
	fputc('\n', file);
	print_global_flags(app, file);
	fputc('\n', file);
	print_title(app, "Examples:", file);
	fputs(command->examples, file);
}
