/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * eval_internal: what eval.c, eval_conditions.c, eval_fact.c and eval_node.c share.
 */

#include "policy/decide/eval.h"
#include "policy/decide/matched.h"
#include "policy/decide/stack.h"
#include "policy/decide/subject.h"
#include "policy/decide/trace.h"
#include "policy/decide/truth.h"

/* What conditions leave unknown of the permissions asked for. */
struct pol_unknown {
	bool denied;
	bool scopes;
	bool roles;       /* or what `anyone` allows */
	bool roles_sure;  /* roles allow it, whatever is unknown */
	bool anyone_sure; /* the same of `anyone` */
	uint32_t charges; /* how many there were before `authorize` */
};

/* What is asked about: a path, no resource (pol_eval_listing), or a node (pol_eval_of_node). */
enum pol_about { POL_ABOUT_PATH = 0, POL_ABOUT_NOTHING, POL_ABOUT_NODE };

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
	enum pol_about about;
	enum pol_stage stage;    /* the step that ended the decision */
	struct pol_trace *trace; /* NULL: none is recorded */
	struct pol_charges charges;
	struct pol_matched matched;
	struct pol_eval_node *of_node; /* of POL_ABOUT_NODE, else not set */
	bool unmade;                   /* nobody made the request: `record` does not run */
	bool uncertain;                /* by conditions that are unknown: `unknown` is set */
	struct pol_unknown unknown;    /* not zeroed */
	uint32_t steps;                /* that conditions took */
	struct pol_fact_set *missing;  /* of the decision */
	const struct pol_path *at;     /* `path`, or that of the trace or of the facts' memo */
	struct pol_path path;          /* large, and not zeroed */
	struct pol_facts without_peer; /* not zeroed */
	struct pol_truth_table truth;  /* begun by the step of the subject, not zeroed */
};

/* --- eval.c --- */

/* The facts without the principal of the peer. */
struct pol_facts pol_eval_without_peer(const struct pol_facts *facts);

/* Runs a group of the stack. Returns why it did not pass; an empty view: it did. */
struct pol_str pol_eval_run_group(struct pol_evaluation *eval, enum pol_group group);
/* The reason itself, or `module_error` if it is not a denial's reason. */
struct pol_str pol_eval_denial(struct pol_str reason);
/* A denial or a missing scope ends the decision; the rest is for the modules of `authorize`. */
struct pol_str pol_eval_refuse(const struct pol_request *request, bool denied);

/* --- eval_node.c --- */

/* Finds which segments are open, and runs the lines of `authorize` once for each case of what the
 * subject's roles may allow. Returns a reason, so that the step of the subject ends the
 * decision. */
struct pol_str pol_eval_ask_authorize(struct pol_evaluation *eval);

/* --- eval_conditions.c: where a condition is about a permission that is asked for --- */

/* The first word of a run for which a condition was evaluated. */
struct pol_eval_word {
	struct pol_run_word at;
	const struct pol_subject_bits *bits;
	bool denied; /* by a word before it; what the words before allow is in eval->request */
};
/* Finds what roles and scopes allow and deny, from that word on; `rest` are the words after it. For
 * the modules of `authorize` all that is unknown is allowed, and eval->unknown is set. */
struct pol_str pol_eval_check_conditions(
	struct pol_evaluation *eval, const struct pol_eval_word *first, struct pol_run rest);
/* What was taken as allowed is unknown: does the answer depend on it? Then eval->missing is set. */
struct pol_str pol_eval_check_missing(struct pol_evaluation *eval);
