/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * commands: every subcommand. A noun has one table of its verbs; commands with code of their own
 * have a file of their own. The table that lists them all, in the order of the help, is in
 * tools/help.c.
 */

#include "tools/app.h"

enum {
	KEY_COMMANDS = 18,
	PRINCIPAL_COMMANDS = 7,
	ROLE_COMMANDS = 6,
	ASSIGNMENT_COMMANDS = 3,
	TENANT_COMMANDS = 4,
	DAEMON_COMMANDS = 3,
	STORE_JOIN_COMMANDS = 3,
	STORE_SET_COMMANDS = 2,
	HOSTS_COMMANDS = 2,
};

extern const struct command commands_key[KEY_COMMANDS];
extern const struct command commands_principal[PRINCIPAL_COMMANDS];
extern const struct command commands_role[ROLE_COMMANDS];
extern const struct command commands_assignment[ASSIGNMENT_COMMANDS];
extern const struct command commands_tenant[TENANT_COMMANDS];
extern const struct command commands_daemon[DAEMON_COMMANDS];
extern const struct command commands_store_join[STORE_JOIN_COMMANDS];
extern const struct command commands_store_set[STORE_SET_COMMANDS];
extern const struct command commands_hosts[HOSTS_COMMANDS];

extern const struct command command_check;
extern const struct command command_can;
extern const struct command command_plan;
extern const struct command command_who;
extern const struct command command_whoami;
extern const struct command command_help;
extern const struct command command_http_check;
extern const struct command command_console;
extern const struct command command_log;
extern const struct command command_review;
extern const struct command command_lsp;
extern const struct command command_store_backup;
extern const struct command command_store_restore;
extern const struct command command_store_verify;
extern const struct command command_store_share;
extern const struct command command_policy_check;
extern const struct command command_policy_lint;
extern const struct command command_policy_test;
extern const struct command command_policy_mutate;
extern const struct command command_policy_show;
extern const struct command command_policy_fmt;
extern const struct command command_policy_try;
extern const struct command command_policy_init;
extern const struct command command_policy_import_openapi;
extern const struct command command_policy_import_routes;
extern const struct command command_policy_diff;
extern const struct command command_policy_shadow;
extern const struct command command_policy_can;
extern const struct command command_policy_who;
extern const struct command command_policy_plan;

/* Functions that rows of the tables run. */
int key_audit_run(struct app *app);
int key_create_run(struct app *app);
int key_import_run(struct app *app);
int key_import_show(struct app *app, struct wire_cursor record);
int key_pattern_run(struct app *app);
int principal_show_run(struct app *app);
int status_show(struct app *app, struct wire_cursor result);

/* Do the options describe a new key? EXIT_YES; or EXIT_USAGE, reported. */
int key_create_check(struct app *app);
