/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * decision_event: a decision with the facts that it was made from, for decisions.watch.
 *
 * What is held is given by name, so that another policy can be asked the same. It has no token, and
 * nothing that follows the `?` of a path.
 */

#include "daemon/call/call.h"
#include "daemon/decide/ask.h"
#include "policy/decide/eval.h"

/* Puts the event, if a watch is on. The subject is as gathered for `ask`, with the request's facts.
 */
void decision_event_put(struct call *call, const struct ask *ask, const struct subject *subject,
	const struct pol_decision *decision);
