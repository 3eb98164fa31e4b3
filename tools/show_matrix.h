/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * show_matrix: what each role and scope may do of each action, as text for a page: one character
 * for each holder and action, and the texts of conditions, each once.
 *
 *   +  allowed          ~  some of its methods allowed     ?  some on a condition
 *   -  some denied      x  some denied, others allowed     !  some denied, others on a condition
 *   .  nothing
 *
 * The marks of an action come as runs: "....+" is ".4+". Most roles may do little, so most marks
 * are the same as the one before.
 */

#include "policy/ask/show.h"
#include "tools/app.h"

/* Marks of one page: actions times roles and scopes. Each is at most one byte of the page. */
#define SHOW_MATRIX_MARKS ((size_t)8 * 1024 * 1024)

/* Zeroed it is empty and may be finished. Arrays are of the app's arena. */
struct show_matrix {
	struct app *app;
	const struct pol_snapshot *snapshot;
	struct pol_show_holder *holders; /* all roles, then all scopes; or one */
	size_t holder_count;
	char *marks;               /* of one action, one character for each holder */
	json_t *conditions;        /* their texts, each once */
	json_t *condition_numbers; /* by text */
};

/* Counts the actions of a tree (empty: of all). As pol_show. */
enum pol_status show_matrix_count(
	const struct pol_snapshot *snapshot, struct pol_str tree, size_t *out);
/* May one page have the marks of this many actions for all roles and scopes? */
bool show_matrix_fits(const struct pol_snapshot *snapshot, size_t actions);

/* With all holders, or with `one`. False: no memory. */
bool show_matrix_begin(struct show_matrix *matrix, struct app *app,
	const struct pol_snapshot *snapshot, const struct pol_show_holder *one);
void show_matrix_finish(struct show_matrix *matrix);

/* b may be NULL. */
bool show_matrix_is(const struct pol_show_holder *a, const struct pol_show_holder *b);
/* Of holder number i. */
struct pol_str show_matrix_name(const struct show_matrix *matrix, size_t i);
struct pol_str show_matrix_description(const struct show_matrix *matrix, size_t i);

/* The marks of an action by its number, until the next call. *out_conditions is a new object, the
 * number of a condition's text by the number of a holder; NULL: it depends on none. */
struct pol_str show_matrix_marks(
	struct show_matrix *matrix, uint32_t action, json_t **out_conditions);
