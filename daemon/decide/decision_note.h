/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * decision_note: writes a decision that the policy marks into the daemon's log or the log
 * of decisions. It writes no token, and no part of a path after `?`.
 */

#include "daemon/call/call.h"
#include "policy/decide/eval.h"
#include "policy/snapshot/module.h"

struct subject;

/* Does what the decision's marks say. `facts` are those that were decided, `subject` is theirs. */
void decision_note_write(struct call *call, const struct subject *subject,
	const struct pol_facts *facts, const struct pol_decision *decision);
