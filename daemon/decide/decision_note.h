/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * decision_note: writes what the policy marks in a decision to the daemon's log and to the log of
 * decisions. It never writes what follows the `?` of a path; log_sink_put redacts tokens.
 */

#include "daemon/call/call.h"
#include "policy/decide/eval.h"
#include "policy/snapshot/module.h"

struct subject;

/* Does what the decision's marks say. `facts` are those that were decided, `subject` is theirs. */
void decision_note_write(struct call *call, const struct subject *subject,
	const struct pol_facts *facts, const struct pol_decision *decision);
