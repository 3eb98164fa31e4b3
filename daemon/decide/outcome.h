/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * outcome: makes the decision about one question, and does what follows from a decision: the counts
 * of the call and of missing facts, the log, the watch. What it means for the key is authorize's.
 */

#include <stdbool.h>

#include "daemon/call/call.h"
#include "daemon/decide/ask.h"
#include "daemon/decide/subject.h"
#include "daemon/keys/quota_counters.h"
#include "policy/ask/explain.h"
#include "policy/decide/eval.h"

/* A decision, and why, if that was asked for: until outcome_finish. */
struct outcome {
	struct pol_decision decision;
	struct quota_counters_turn quota;
	bool explained;
	struct pol_arena arena;
	struct pol_explanation explanation;
};

/* memo: of ask->path, or NULL. 0, or -ENOMEM for an explanation; either way *outcome is to be
 * finished. */
int outcome_make(struct call *call, const struct ask *ask, struct pol_path_memo *memo,
	struct subject *subject, struct outcome *outcome);

/* The same decision about a request that nobody has made, explained. It changes nothing: no quota
 * is charged, nothing is counted, logged or seen by a watch, and no line of `record` runs. */
int outcome_try(
	struct call *call, const struct ask *ask, struct subject *subject, struct outcome *outcome);

void outcome_finish(struct outcome *outcome);
