/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * commands: every subcommand, one a file. The table that names them, in the order of the help, is
 * in help.c.
 */

#include "tools/app.h"

extern const struct command command_check;
extern const struct command command_can;
extern const struct command command_key_create;
extern const struct command command_key_import;
extern const struct command command_key_list;
extern const struct command command_key_show;
extern const struct command command_key_edit;
extern const struct command command_key_disable;
extern const struct command command_key_enable;
extern const struct command command_key_rotate;
extern const struct command command_key_finish;
extern const struct command command_key_prolong;
extern const struct command command_key_rollback;
extern const struct command command_key_renew;
extern const struct command command_key_revoke;
extern const struct command command_key_delete;
extern const struct command command_key_restore;
extern const struct command command_key_purge;
extern const struct command command_key_audit;
extern const struct command command_key_pattern;
extern const struct command command_principal_create;
extern const struct command command_principal_list;
extern const struct command command_principal_show;
extern const struct command command_principal_edit;
extern const struct command command_principal_disable;
extern const struct command command_principal_enable;
extern const struct command command_principal_delete;
extern const struct command command_role_create;
extern const struct command command_role_list;
extern const struct command command_role_show;
extern const struct command command_role_edit;
extern const struct command command_role_delete;
extern const struct command command_assign;
extern const struct command command_unassign;
extern const struct command command_tenant_create;
extern const struct command command_tenant_list;
extern const struct command command_tenant_disable;
extern const struct command command_tenant_enable;
extern const struct command command_log;
extern const struct command command_store_backup;
extern const struct command command_store_restore;
extern const struct command command_pepper_rotate;
extern const struct command command_reload;
extern const struct command command_status;
extern const struct command command_policy_check;
extern const struct command command_policy_test;
extern const struct command command_policy_show;
