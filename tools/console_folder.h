/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_folder: what `authzcheck console` says about the policy folder by itself, with the rights
 * of the user who started it: the calls `folder.*` of the page.
 *
 * The folder is read, compiled and tested when a call needs it, and kept until a file of it
 * changes; each call looks whether one has. Modules and time zones are read with it. Nothing is
 * written, and nothing goes to standard error. A name of a file is the one below the folder, and so
 * is `file` in every answer. What a caller may ask for is bounded; where a list is cut, `total` has
 * the whole number. The calls, with the members of their results; `?` marks what may be absent:
 *
 *   folder.status {revision?}
 *     folder, readable, problem?, valid, revision?, same?, commit?, files: [{name, lines, bytes}]
 *     `same`: the folder's revision is the one in the parameters. `problem`: why it cannot be read
 *     or does not compile. `commit`: what the folder says that it is at.
 *   folder.file {name}
 *     name, text
 *   folder.check {}
 *     ok, errors, warnings, silenced, total, diagnostics: [{severity, code?, file, line, column,
 *     message, notes}], tests: {passed, failed}
 *     Compiles, runs the tests and, when it compiles, looks for what is legal and surely not meant.
 *   folder.tests {role?}
 *     passed, failed, total, tests: [{name, file, line, passed, roles, cases: [{line, text, passed,
 *     failures?}]}]
 *     `roles`: names of those that the test's subjects hold. A case is a line of expectations.
 *   folder.coverage {}
 *     covered, total, counts: {rules, roles, scopes, lines: {covered, total}},
 *     grants: [{role | scope, deny, text, file, line, covered, reached, tests}],
 *     roles: [{role | scope, file, line, covered, tests}],
 *     lines: [{stack, text, file, line, covered, reached, tests}]
 *     `tests`: how many cover it.
 *   folder.matrix {tree?, role? | scope?, cursor?}
 *     revision, holders?: [{kind, name, description?}], nodes: [{resource, description?, actions:
 *     [{action, methods, description?, marks, when?}]}], conditions, cursor?
 *     `marks` has one mark for each holder, as show_matrix.h writes them; `when` the number of a
 *     condition by the number of a holder. A large one comes in parts: with `cursor` the next part
 *     can be asked for. The holders are those of the first part, the conditions of each its own.
 *   folder.role {name}
 *     name, description?, file, line, end_line, text, cut, inherits, inherited_by,
 *     inherited_through, grants (as of folder.coverage), tests (as of folder.tests)
 *     `inherited_through`: the roles that inherit it by another one.
 *
 * Not thread-safe.
 */

#include <jansson.h>

struct console_folder;

/* `modules`: a folder of modules that the policy names, or NULL. Reads nothing. NULL: no memory. */
struct console_folder *console_folder_create(const char *path, const char *modules);
void console_folder_destroy(struct console_folder *folder); /* NULL is ignored */

/* Answers a call. A new value: {"result": …} or {"error": {"code", "message"}}, with the codes of
 * the daemon's protocol. NULL: no memory. */
json_t *console_folder_call(
	struct console_folder *folder, const char *method, const json_t *params);
