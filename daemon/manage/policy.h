/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * policy: what `status` and other methods share with `policy.status`.
 */

#include "daemon/call/call.h"

/* May this peer call methods about the daemon itself? It is a superuser, or a `manage` line names
 * it. 0; 1: refused, the error is written. */
int policy_admit(struct call *call);

/* Appends a map: the current policy, and the last attempt to load one with its diagnostics. */
void policy_encode(struct call *call, const struct report_policy *report);

/* Names of each kind that an answer has: far more than anybody chooses from, and there is room. */
#define POLICY_NAMES_MAX 10000

/* policy_names.c */
int policy_names(struct call *call);

/* policy_tree.c: what grants can name. */
enum { POLICY_TREE_FIELDS = 3 };
extern const struct wire_field policy_tree_fields[POLICY_TREE_FIELDS];
int policy_tree(struct call *call);
