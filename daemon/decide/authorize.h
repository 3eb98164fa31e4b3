/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authorize: decisions, and their counts. The methods are in call/methods.h.
 */

#include "daemon/decide/ask.h"
#include "daemon/decide/subject.h"
#include "policy/decide/eval.h"

/* Decides whether the subject may have what it may do listed, with all lines of the stack, and
 * counts that as a use of its key. `ask` is one of ask_read_listing, and `subject` its subject. */
void authorize_listing(struct call *call, const struct ask *ask, struct subject *subject,
	struct pol_decision *out);
