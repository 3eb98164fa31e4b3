/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * decision_note_write: what the policy has noted of a decision: its marks, in the daemon's log and
 * in the log of decisions. Never a token, nor what stands behind a path's `?`.
 */

#include "daemon/call/call.h"
#include "policy/decide/eval.h"
#include "policy/snapshot/module.h"

struct subject;

/* Does what the decision's marks say. `facts` are those that were decided; subject tells whose they
 * are. */
void decision_note_write(struct call *call, const struct subject *subject,
	const struct pol_facts *facts, const struct pol_decision *decision);

/* One line of the log of decisions into `line`; gives its length, the newline included. For
 * tests. */
#define AUTHORIZE_LINE 8192
size_t decision_note_format(const struct call *call, const struct subject *subject,
	const struct pol_facts *facts, const struct pol_decision *decision,
	char line[static AUTHORIZE_LINE]);
