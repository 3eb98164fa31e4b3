/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plan_encode: a plan on the wire, as PROTOCOL.md describes it: its formula as text and as nested
 * arrays, without `not`. The daemon and `authzcheck policy plan` have the same bounds.
 */

#include "client/wire.h"
#include "policy/ask/plan.h"
#include "policy/text/value.h"

/* A plan takes a few KiB; the largest one takes as long as a few thousand decisions. For the arena
 * in which it is made and encoded. */
#define PLAN_ENCODE_MEMORY ((size_t)1 << 20)

/* The value alone, as a request may state it. */
void plan_encode_value(struct wire_buf *out, const struct pol_value *value);

/*
 * Appends the map that answers the plan. POL_PLAN_TOO_LARGE: its text or its tree is larger, or
 * nests deeper, than in an answer; what was appended is no whole map then.
 */
enum pol_plan_fault plan_encode(struct wire_buf *out, const struct pol_snapshot *snapshot,
	const struct pol_plan *plan, struct pol_arena *arena);

/* The code of the error that says why there is no plan. */
enum wire_code plan_encode_code(enum pol_plan_fault fault);
