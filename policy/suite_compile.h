/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suite_compile: a policy's tests with their names resolved.
 *
 * Called last by the compiler, when the snapshot can answer for its names, places and stacks.
 * The result lives in the snapshot's arena.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/arena.h"
#include "policy/diag.h"
#include "policy/parse.h"
#include "policy/snapshot.h"
#include "policy/status.h"

struct pol_test;

/* Zeroed: there are none. */
struct pol_tests {
	const struct pol_test *items;
	size_t count;
};

/* POL_OK, POL_EINVALID after errors in diags, or the arena's status. Text is copied. */
enum pol_status pol_tests_compile(const struct pol_ast_test *tests, size_t count,
	const struct pol_snapshot *snapshot, struct pol_arena *arena, struct pol_diags *diags,
	struct pol_tests *out);
