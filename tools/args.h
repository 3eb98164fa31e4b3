/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * args: the options of every subcommand, with their help, and what the command line holds. Values
 * point into argv and the arena that the caller gave.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/text/arena.h"
#include "policy/text/str.h"

/* Zero is no option. The order is that of the table in args.c, and of the help. */
enum flag {
	FLAG_NONE = 0,
	FLAG_SOCKET,
	FLAG_SERVER_USER,
	FLAG_JSON,
	FLAG_NO_COLOR,
	FLAG_NO_PAGER,
	FLAG_TIMEOUT,
	FLAG_EVERYWHERE,
	FLAG_AS_OF,
	FLAG_HELP,
	FLAG_VERSION,
	FLAG_PRINCIPAL,
	FLAG_ROLE,
	FLAG_ONE_ROLE, /* --role with one role */
	FLAG_SCOPE,
	FLAG_ONE_SCOPE, /* --scope with one scope */
	FLAG_NAME,
	FLAG_LABEL,
	FLAG_KIND,
	FLAG_ATTRIBUTE,
	FLAG_SET_ATTRIBUTE, /* --attribute of a principal that has others */
	FLAG_REMOVE_ATTRIBUTE,
	FLAG_API_ACCESS,
	FLAG_DESCRIPTION,
	FLAG_INHERITS,
	FLAG_GRANT,
	FLAG_STATUS,
	FLAG_ENVIRONMENT,
	FLAG_TENANT,
	FLAG_EXPIRES_IN,
	FLAG_EXPIRES_AT,
	FLAG_NOT_BEFORE,
	FLAG_ROTATE_EVERY,
	FLAG_MODE,
	FLAG_OVERLAP,
	FLAG_FINISH_OLD,
	FLAG_EVERYONE,
	FLAG_ANYONE,
	FLAG_UNTIL,
	FLAG_NETWORK,
	FLAG_AT,
	FLAG_SERVICE,
	FLAG_TREE,
	FLAG_SEARCH,
	FLAG_UNFOLD,
	FLAG_HTML,
	FLAG_OUTPUT,
	FLAG_IP,
	FLAG_MFA_AT,
	FLAG_TIME,
	FLAG_FACT,
	FLAG_SQL,
	FLAG_COLUMN,
	FLAG_TOKEN,
	FLAG_TOKEN_FILE,
	FLAG_IMPERSONATE,
	FLAG_EXPLAIN,
	FLAG_EXPLAIN_CODE, /* --explain with a code */
	FLAG_LIST_CODES,
	FLAG_ACTOR,
	FLAG_KEY,
	FLAG_TARGET_KIND, /* --kind of what a record of the trail is about */
	FLAG_TARGET,
	FLAG_OF_KEY, /* --key whose decision is asked for */
	FLAG_SINCE,
	FLAG_BEFORE, /* --until for times in the past */
	FLAG_AFTER,
	FLAG_FOLLOW,
	FLAG_LINES,
	FLAG_VERIFY,
	FLAG_STATE,
	FLAG_CONFIG,
	FLAG_ACCEPT_ROLLBACK,
	FLAG_ACCEPT_LOST,
	FLAG_RESTORE,
	FLAG_AT_PLACE, /* --at with a place of the log */
	FLAG_DISCARD,
	FLAG_LOCAL,
	FLAG_FORMAT,
	FLAG_CHECK,
	FLAG_DIFF,
	FLAG_FAIL_ON,
	FLAG_AGAINST,
	FLAG_AGAINST_POLICY, /* --against with a policy */
	FLAG_BASE,
	FLAG_PREFIX,
	FLAG_OPENAPI,
	FLAG_ROUTES,
	FLAG_NAME_OF_API, /* --name with a word that is not text */
	FLAG_MODULES,
	FLAG_VERBOSE,
	FLAG_FILTER,
	FLAG_COVERAGE,
	FLAG_FAIL_UNDER,
	FLAG_JOBS,
	FLAG_ALL,
	FLAG_DRY_RUN,
	FLAG_YES,
	FLAG_COUNT_OF,
	FLAG_FOR,
	FLAG_RUNNING,
	FLAG_HASH,
	FLAG_IDLE,
	FLAG_EXPIRING,
	FLAG_COLUMNS,
	FLAG_WIDE,
	FLAG_FAMILY,
	FLAG_HEADER,
	FLAG_COOKIE,
	FLAG_LISTEN,
	FLAG_NO_BROWSER,
	FLAG_COUNT
};

struct args_list {
	struct pol_str *items;
	size_t count;
	size_t capacity;
};

struct args {
	bool given[FLAG_COUNT];
	const char *values[FLAG_COUNT];
	struct args_list lists[FLAG_COUNT]; /* of those that take A,B or may be repeated */
	const char *const *words;           /* after the subcommand: a part of argv */
	size_t word_count;
	char error[256]; /* why args_parse failed */
};

/*
 * Parses argv[1..] (argv[0] is skipped) with the global options and `count` more. With `leading` it
 * stops at the first word, for the options before a subcommand; else options and words may come in
 * any order and "--" ends the options. Adds to *args, and returns the index of the first word that
 * it did not take, or -1 with args->error.
 */
int args_parse(struct args *args, struct pol_arena *arena, int argc, char **argv,
	const enum flag *flags, size_t count, bool leading);

/* "    --name NAME  what it does" and so on, for the help; a list of `count` options. */
struct args_help {
	const char *option; /* "--role A,B", with "-v, " before it where there is a letter */
	const char *text;
};
struct args_help args_help_of(enum flag flag, char *buf, size_t size);

/* The global options: the first ones of enum flag. */
size_t args_globals(const enum flag **out);

/* The option that "--name", "--name=…" or "-n" is, the first of those with this name; FLAG_NONE. */
enum flag args_find(const char *word);
bool args_takes_value(enum flag flag);
/* A,B. */
bool args_is_list(enum flag flag);

/* "--name" of an option. */
const char *args_name(enum flag flag);

/* The word of a list nearest to `word`, when it is near enough to be meant; else NULL. */
const char *args_nearest(const char *word, const char *const *candidates, size_t count);
