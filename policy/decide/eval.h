/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * eval: the decision about one request, from a snapshot and facts.
 *
 * The daemon, the tool and a policy's own tests decide with these functions, so their results are
 * the same. The steps and their order are in eval.c: the state of the key and the principal come
 * before the stack's `authenticate`, the resource before `account`, denials before `authorize`.
 * What is unknown for lack of a fact is judged after `authorize`, so that a denial which stands
 * without it keeps its reason. No allocation, any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide/truth.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/path.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_stack_line;

/* A decision. Zeroed, it denies. Views live as long as the snapshot. */
struct pol_decision {
	bool allow;
	uint16_t status; /* for an HTTP server: 200, 400, 401, 403, 404, 429 or 503 (reason.h) */
	struct pol_str reason;           /* "ok" or a reason code */
	uint32_t node;                   /* of the request's path, or POL_NONE */
	uint32_t permission;             /* if allowed, the first permission that was needed */
	uint32_t marks;                  /* bits of enum pol_mark that modules of the stack set */
	const struct pol_stack_line *by; /* the line of the stack that gave the reason, or NULL */
	uint32_t steps; /* of conditions: its work beside that of any decision (truth.h) */
	struct pol_fact_set missing; /* of `missing_fact`: the facts that are needed; else none */
};

/* Decides. Always sets *out; any failure is a denial. */
void pol_eval(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out);

/* Writes the fact by which a denial was judged: "192.0.2.1", or "no address was stated"; or which
 * module failed, or which facts are missing. Empty: the decision allows, or no single fact was the
 * reason. UTF-8 without control characters. The snapshot and the facts are those of the decision.
 */
void pol_eval_fact(const struct pol_snapshot *snapshot, const struct pol_decision *decision,
	const struct pol_facts *facts, char out[POL_FACT_TEXT]);

/* Decides about a managing call, whose resource is in the tree `authz`. The built-in modules key,
 * principal (of one that a peer impersonates), role and scope decide, with the account and record
 * lines of the stack `authz` if it is declared.
 */
void pol_eval_managing(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out);

/* May the caller have what it may do listed? Decides as pol_eval does, about no resource: the
 * stack's lines are asked as if roles and scopes allowed the request. */
void pol_eval_listing(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out);

/* Decides as pol_eval does, and records the steps in *trace. */
struct pol_trace;
void pol_eval_traced(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_trace *trace, struct pol_decision *out);

/* The same about a request that nobody has made: the lines of `record` do not run. */
void pol_eval_tried(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_trace *trace, struct pol_decision *out);

/* What the subject's roles may turn out to be, for a decision about all resources of a node. */
enum pol_eval_roles {
	POL_ROLES_NOTHING = 0, /* neither its roles nor `anyone` allow it */
	POL_ROLES_ALLOW,
	POL_ROLES_ANYONE, /* `anyone` allows it, and so do the roles */
	POL_ROLES_CASES
};

/* A decision about all resources of a node, as far as it is one and the same. Large: it has a path.
 */
struct pol_eval_node {
	struct pol_str refused; /* why each of them is denied; empty: roles and scopes decide */
	struct pol_str authorize[POL_ROLES_CASES]; /* why `authorize` denies; empty: it passes */
	bool misnamed; /* a segment is {…}, but not the name of the node's parameter there */
	bool reads_segments; /* a module asked for a segment that is open, and got none */
	uint32_t marks;
	uint32_t node; /* or POL_NONE */
	struct pol_run run;
	struct pol_str tree;
	uint64_t open;             /* bit 1 << i: segment i of the path is open */
	uint32_t open_rest;        /* the first segment of a rest that is open, or POL_NONE */
	struct pol_facts facts;    /* without the principal of the peer, if it does not count */
	struct pol_path_memo memo; /* of the path */
};

/* Decides as pol_eval does, about a path or a node as declared: a segment `{loan}` or `{path...}`
 * that is the node's own, and not percent-encoded, is open. The lines of `authorize` are asked for
 * each of what the roles may turn out to be; those of `record` are not, and nothing is charged. */
void pol_eval_of_node(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_eval_node *out);
