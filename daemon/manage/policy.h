/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * policy_encode: what `status` and `policy.status` have in common.
 */

#include "daemon/call/call.h"

/* May this peer ask about the daemon itself? A token gives no such right. 0; 1: refused. */
int policy_admit(struct call *call);

/* A map: revision, when, how the last attempt ended, its diagnostics. */
void policy_encode(struct call *call, const struct report_policy *report);
