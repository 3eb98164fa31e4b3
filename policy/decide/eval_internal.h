/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * eval_internal: what eval.c (the steps of a decision and their order) and eval_subject.c (what
 * roles and scopes allow, and the facts that are missing) share.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide/eval.h"
#include "policy/decide/matched.h"
#include "policy/decide/stack.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/text/path.h"
#include "policy/text/terms.h"

struct pol_trace;

/* What conditions leave unknown of the permissions asked for. */
struct pol_unknown {
	bool denied;
	bool scopes;
	bool roles;       /* or what `anyone` allows */
	bool roles_sure;  /* roles allow it, whatever is unknown */
	bool anyone_sure; /* the same of `anyone` */
	uint32_t charges; /* how many there were before `authorize` */
};

struct pol_evaluation {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	const struct pol_stack *stack; /* NULL: the service has none */
	struct pol_request request;
	struct pol_run run; /* the permissions that the request needs */
	struct pol_str tree;
	uint32_t node;
	uint32_t marks;
	const struct pol_stack_line *by; /* the line that ended the decision, or NULL */
	bool listing;                    /* no resource is asked for: pol_eval_listing */
	enum pol_stage stage;            /* the step that ended the decision */
	struct pol_trace *trace;         /* NULL: none is recorded */
	struct pol_charges charges;
	struct pol_matched matched;
	bool uncertain;                /* by conditions that are unknown: `unknown` is set */
	struct pol_unknown unknown;    /* not zeroed */
	struct pol_fact_set *missing;  /* of the decision */
	const struct pol_path *at;     /* `path`, or that of the trace or of the facts' memo */
	struct pol_path path;          /* large, and not zeroed */
	struct pol_facts without_peer; /* not zeroed */
	struct pol_truth_table truth;  /* begun by the first condition, not zeroed */
};

/* A step returns a reason code that denies, or this, to go on. */
static inline struct pol_str pol_eval_go_on(void)
{
	return (struct pol_str){ NULL, 0 };
}

/* eval.c: runs a group of the stack, and records it if there is a trace. */
struct pol_str pol_eval_run_group(struct pol_evaluation *eval, enum pol_group group);

/* eval_subject.c: finds what roles and scopes allow and deny. */
struct pol_str pol_eval_subject(struct pol_evaluation *eval);

/* eval_subject.c: after `authorize` passed, if eval->uncertain: does the answer depend on what is
 * unknown? */
struct pol_str pol_eval_missing(struct pol_evaluation *eval);
