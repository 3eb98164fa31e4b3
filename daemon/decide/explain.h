/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * explain: an explanation on the wire. PROTOCOL.md has its form.
 */

#include "client/wire.h"
#include "policy/ask/explain.h"

void explain_put(struct wire_buf *buf, const struct pol_explanation *explanation);
