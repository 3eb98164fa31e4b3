/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * eval: (snapshot, facts) into a decision.
 *
 * The whole order of reasons lives here, so that the daemon, the tool and a policy's own tests
 * cannot differ: what a credential carries is judged before the stack is asked, and the stack
 * before what it authorizes. Pure, allocation-free, any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* Zeroed, it denies. Views live as long as the snapshot. */
struct pol_decision {
	bool allow;
	uint16_t status; /* what an HTTP server should answer: 200, 400, 401, 403, 404, 429, 503 */
	struct pol_str reason; /* "ok" or one reason code */
	uint32_t node;         /* the node that was asked for, or POL_NONE */
	uint32_t permission;   /* the first one of the node that was asked for; of an allowed one */
	uint32_t marks;        /* bits of enum pol_mark that modules of the stack set */
};

/* Always fills *out; there is no failure beside a denial. */
void pol_eval(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out);

/* Likewise for a managing call, a resource of the tree authz: modules key, role and scope decide,
 * with the account and record lines of stack `authz`, if one is declared. */
void pol_eval_managing(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out);

/* The same decision by the same code, and *trace says how it came about. */
struct pol_trace;
void pol_eval_traced(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_trace *trace, struct pol_decision *out);
