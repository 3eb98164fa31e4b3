/* SPDX-License-Identifier: Apache-2.0 */

/* assignment: who holds which role: a principal, every principal, or every caller. */

#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/list.h"
#include "tools/record.h"
#include "tools/show.h"
#include "tools/text.h"
#include "tools/verb.h"
#include "tools/when.h"

/* "alice", "everyone", "anyone". */
static const char *holder_text(struct app *app, struct wire_cursor record)
{
	const char *principal = record_text(&app->arena, record, "principal");

	return principal[0] != '\0'                     ? principal
	       : record_bool(record, "everyone", false) ? "everyone"
							: "anyone";
}

/* "assigned: alice, role viewer, at api:/loans/7". */
static void print_assignment(struct app *app, struct wire_cursor record, const char *done)
{
	const char *at = record_list(&app->arena, record, "at");
	int64_t until = record_int(record, "until", 0);

	printf("%s: %s, role %s%s%s%s%s\n", done, holder_text(app, record),
		record_text(&app->arena, record, "role"), at[0] != '\0' ? ", at " : "", at,
		until != 0 ? ", until " : "", when_text_full(app, until));
}

static int show_assigned(struct app *app, struct wire_cursor record)
{
	print_assignment(app, record, "assigned");
	return EXIT_YES;
}

static bool on_unassigned(void *context, struct wire_cursor item)
{
	print_assignment(context, item, "unassigned");
	return true;
}

static int show_unassigned(struct app *app, struct wire_cursor answer)
{
	record_each(answer, "items", on_unassigned, app);
	return EXIT_YES;
}

/* How many of --principal, --everyone and --anyone were given. */
static int count_holders(const struct app *app)
{
	return app->args.given[FLAG_PRINCIPAL] + app->args.given[FLAG_EVERYONE] +
	       app->args.given[FLAG_ANYONE];
}

/* PRINCIPAL ROLE, or with an option for all of them ROLE alone. */
static int change_run(struct app *app)
{
	const struct args *args = &app->args;
	int holders = count_holders(app);
	struct params params;
	int status;

	if (holders > 1) {
		return app_fail(
			app, EXIT_USAGE, "usage", "give only one of --everyone and --anyone");
	}
	if (holders == 1 && args->word_count > 1) {
		return app_fail(app, EXIT_USAGE, "usage",
			"with --%s, '%s' is one word too many: give the role alone",
			args_name(args->given[FLAG_EVERYONE] ? FLAG_EVERYONE : FLAG_ANYONE),
			args->words[0]);
	}
	if (holders == 0 && args->word_count < 2) {
		return app_fail(app, EXIT_USAGE, "usage",
			"%s needs PRINCIPAL ROLE, or --everyone or --anyone and a role",
			app->command->name);
	}
	params_begin(&params);
	if (holders == 0) {
		params_text(&params, "principal", args->words[0]);
	}
	params_text(&params, "role", args->words[args->word_count - 1]);
	status = params_options(app, &params, app->command->flags);
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	return verb_call(app, &params);
}

static int list_holder_run(struct app *app)
{
	return count_holders(app) == 1
		       ? list_run(app)
		       : app_fail(app, EXIT_USAGE, "usage",
				 "give one of --principal, --everyone and --anyone");
}

const struct command commands_assignment[ASSIGNMENT_COMMANDS] = {
	{
		.name = "assign",
		.words = "[PRINCIPAL] ROLE",
		.summary = "Give a role to a principal, or to all at a place",
		.text = "The role counts everywhere, or with --at only at or below these\n"
			"places; for ever, or --until a time. 'authzcheck principal show' and\n"
			"'authzcheck assignment list' list what is assigned.\n"
			"\n"
			"--everyone gives it to every principal of the tenant, also to those that\n"
			"are made later; --anyone to every caller, also to one without a token\n"
			"where the stack lets it in, and needs --at. The caller must have all "
			"that\n"
			"it gives to all, for as long. A role of an exclusive set is for nobody\n"
			"but principals.\n",
		.examples = "  authzcheck assign alice collector\n"
			    "  authzcheck assign alice viewer --at api:/loans/7 --until 30d\n"
			    "  authzcheck assign --everyone viewer --at api:/projects/7\n"
			    "  authzcheck assign --anyone viewer --at api:/documents/7\n",
		.flags = { FLAG_EVERYONE, FLAG_ANYONE, FLAG_AT, FLAG_UNTIL, FLAG_TENANT },
		.min_words = 1,
		.max_words = 2,
		.by_token = true,
		.run = change_run,
		.method = "assignments.create",
		.params = { "principal", "role" },
		.show = show_assigned,
	},
	{
		.name = "unassign",
		.words = "[PRINCIPAL] ROLE",
		.summary = "Take a role from a principal, or from all; it holds for the next "
			   "request",
		.text = "Removes every assignment of this role to the principal, or to every\n"
			"principal (--everyone) or every caller (--anyone); with --at, the one\n"
			"assignment with exactly these places. What a principal is assigned\n"
			"itself stays.\n",
		.examples = "  authzcheck unassign alice collector\n"
			    "  authzcheck unassign alice viewer --at api:/loans/7\n"
			    "  authzcheck unassign --anyone viewer --at api:/documents/7\n",
		.flags = { FLAG_EVERYONE, FLAG_ANYONE, FLAG_AT, FLAG_TENANT },
		.min_words = 1,
		.max_words = 2,
		.by_token = true,
		.run = change_run,
		.method = "assignments.delete",
		.params = { "principal", "role" },
		.show = show_unassigned,
	},
	{
		.name = "assignment list",
		.summary = "List the roles of a principal, of every principal, or of every caller",
		.text = "'authzcheck role holders' lists those who hold one role.\n",
		.examples = "  authzcheck assignment list --everyone\n"
			    "  authzcheck assignment list --anyone --json | jq '.items[].at'\n"
			    "  authzcheck assignment list --principal alice\n",
		.flags = { FLAG_PRINCIPAL, FLAG_EVERYONE, FLAG_ANYONE, FLAG_TENANT, LIST_FLAGS },
		.by_token = true,
		.run = list_holder_run,
		.list = &show_assignments,
	},
};
