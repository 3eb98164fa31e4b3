/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authorize: decisions, and their counts. The methods are in call/methods.h.
 */

#include "daemon/decide/ask.h"
#include "daemon/decide/subject.h"
#include "daemon/keys/quota_counters.h"
#include "policy/decide/eval.h"

/* The decision about a listing, and what is said of it. */
struct authorize_listed {
	struct pol_decision decision;
	struct quota_counters_report quota;
	char fact[POL_FACT_TEXT];
};

/* Counts a decision, which may be about no permission, as a use of the subject's key, or a denial
 * of it. */
void authorize_count(struct call *call, const struct ask *ask, const struct subject *subject,
	const struct pol_decision *decision);

/* Decides whether the subject may have what it may do listed, with all lines of the stack, and
 * counts that as a use of its key. `ask` is one of ask_read_listing, and `subject` its subject. */
void authorize_listing(struct call *call, const struct ask *ask, struct subject *subject,
	struct authorize_listed *out);
