/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plan_encode: a formula on the wire, as PROTOCOL.md describes it: nested arrays, without `not`.
 */

#include "client/wire.h"
#include "policy/ask/formula.h"
#include "policy/text/value.h"

/* Does it nest deeper than a message may? */
bool plan_encode_is_deep(const struct pol_formula *formula);

/* The value alone, as a request may state it. */
void plan_encode_value(struct wire_buf *out, const struct pol_value *value);

void plan_encode(struct wire_buf *out, const struct pol_snapshot *snapshot,
	const struct pol_formula *formula);
