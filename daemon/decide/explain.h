/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * explain: writes an explanation into an answer. daemon/PROTOCOL.md describes its form.
 */

#include "client/wire.h"
#include "policy/ask/explain.h"

/* positions: with the places in the policy's files. */
void explain_put(struct wire_buf *buf, const struct pol_explanation *explanation, bool positions);
