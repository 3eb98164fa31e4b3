/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * decisions: the methods `decisions.*`. decisions.c has the table and decisions.watch.
 */

#include "daemon/call/call.h"
#include "daemon/decide/ask.h"

/* Those of a question, with `key` in the place of `token`. */
enum { DECISIONS_TRY_FIELDS = ASK_PLAN_FIELDS };
extern const struct wire_field decisions_try_fields[DECISIONS_TRY_FIELDS];
int decisions_try(struct call *call);
