/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * answer: a decision on the wire.
 */

#include <stdbool.h>

#include "daemon/call/call.h"
#include "daemon/decide/ask.h"
#include "daemon/decide/outcome.h"
#include "daemon/decide/subject.h"
#include "daemon/keys/quota_counters.h"
#include "policy/decide/eval.h"

/* Bytes of a revision's text. */
#define ANSWER_REVISION 16

/* Into call->out. With `whole`: a response of its own, revision included; else one entry of many.
 */
void answer_put(struct call *call, const struct ask *ask, const struct subject *subject,
	const struct outcome *outcome, bool whole);

/* What a denial was judged by; empty: no single fact. Not for a peer that is not trusted: it stated
 * none, and would learn of the policy. The facts and the report are those of the decision. */
void answer_fact(const struct call *call, const struct pol_decision *decision,
	const struct pol_facts *facts, const struct quota_counters_report *quota,
	char out[POL_FACT_TEXT]);
