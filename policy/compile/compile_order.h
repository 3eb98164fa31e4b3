/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compile_order: puts statements that name each other in an order in which each comes after those
 * that it names, and reports the circles. For the files of policy/compile/ alone: roles and scopes
 * (compile_inherit.c), and conditions (compile_named.c).
 */

#include <stdint.h>

#include "policy/language/parse.h"
#include "policy/text/arena.h"
#include "policy/text/diag.h"
#include "policy/text/status.h"

/* Statements of one kind, by number. */
struct pol_graph {
	struct pol_diags *diags;
	const char *what; /* for messages: "role" */
	const char *verb; /* how one names another: "inherits" */
	uint32_t count;
	uint32_t **targets; /* target_counts[i] numbers of those that i names */
	const uint32_t *target_counts;
	const struct pol_word *(*name)(const void *context, uint32_t number);
	/* Where `from` names `to`. */
	struct pol_span (*position)(const void *context, uint32_t from, uint32_t to);
	const void *context;
};

/* Sets order[0] … order[count - 1] to all numbers. A target that closes a circle is reported and
 * becomes POL_NONE: what remains has no circle. The memory of the walk is taken from `scratch`.
 * POL_OK, after a circle too, or the status of `scratch`. */
enum pol_status pol_compile_order(
	const struct pol_graph *graph, struct pol_arena *scratch, uint32_t *order);
