/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * explain: makes a decision and explains it.
 *
 * An explanation has what each line of the stack answered and which line ended a group, the rules
 * of roles and scopes that allowed or denied the request, and, of a denied one, the roles and
 * scopes that would have allowed it. A rule that has a condition is shown with what that came to,
 * and with the values that it compared: an explanation is for those who may see them. The decision
 * is made by the code that makes all others, with a trace (decide/trace.h). Everything in an
 * explanation lives as long as the arena, the snapshot and the facts. A program that reads an
 * explanation from the wire fills the same structures.
 *
 * An explanation shows rules only when the decision reached them: a request that was refused as
 * unauthenticated shows none. Pure, any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide/eval.h"
#include "policy/decide/subject.h"
#include "policy/decide/trace.h"
#include "policy/decide/truth.h"
#include "policy/language/parse.h"
#include "policy/text/arena.h"

/* The most rules of an explanation; a subject may hold thousands that allow the same. */
#define POL_EXPLAIN_RULES 16
/* The most roles, and the most scopes, that are named as needed. */
#define POL_EXPLAIN_NEEDS 5
/* The most actions that are listed when the resource does not have the one asked for. */
#define POL_EXPLAIN_ACTIONS 32
/* The most bytes of a rule's text: a line may be as long as its file. */
#define POL_EXPLAIN_TEXT 1000
/* The most predicates of all rules together, and the most bytes of the text of each. */
#define POL_EXPLAIN_PREDICATES 64
#define POL_EXPLAIN_PREDICATE  200
/* The narrowest are chosen among this many candidates, and all that are held elsewhere. */
#define POL_EXPLAIN_CANDIDATES 64

/* FILE:LINE. Line 0: not in the files. */
struct pol_position {
	struct pol_str file;
	uint32_t line;
	struct pol_span at; /* in the compiled sources; not set in one that came over the wire */
};

/* What the answer of a line ended. */
enum pol_ends { POL_ENDS_NOTHING = 0, POL_ENDS_SUBSTACK, POL_ENDS_GROUP };

struct pol_explained_line {
	enum pol_control control;
	enum pol_verdict verdict; /* when `asked` */
	enum pol_ends ends;
	bool asked;
	struct pol_str module;
	struct pol_str reason; /* of deny and error */
	struct pol_str fact;   /* of deny: what it was judged by; empty: the module says none */
	struct pol_str stack;  /* the stack that has it; empty: the built-in one */
	const struct pol_str *arguments;
	uint32_t argument_count;
	struct pol_position position;
};

struct pol_explained_group {
	bool asked;
	bool passed;
	struct pol_str reason; /* why it did not pass */
	const struct pol_explained_line *lines;
	uint32_t line_count;
};

/* A predicate of a condition. */
struct pol_explained_predicate {
	struct pol_str text;   /* `context.amount <= principal.limit` */
	struct pol_str values; /* `600 <= 500`; empty: they are not shown */
	enum pol_truth truth;
};

/* A rule of a role or scope that is held, or of one that is needed. One with a condition is among
 * `rules` whatever the condition came to, if it bears on the request. */
struct pol_explained_rule {
	bool deny;
	bool scope;
	bool held; /* a needed role: it is held, but only at `at` */
	/* The held role, the one that it inherits, and so on to the one that has the rule. */
	const struct pol_str *chain;
	uint32_t chain_count;
	struct pol_str text; /* its first line as written; empty for a stored role, as position */
	struct pol_position position;
	const struct pol_str *at; /* where it is held; of `rules`: the place that counted */
	uint32_t at_count;
	int64_t until;               /* Unix seconds; 0: for good */
	enum pol_holder holder;      /* of a held role: through what the subject holds it */
	const struct pol_str *verbs; /* which of the permissions asked for; none: all of them */
	uint32_t verb_count;
	const struct pol_condition *condition; /* NULL: none, or it came over the wire */
	struct pol_str when;                   /* its text; empty: none */
	enum pol_truth truth;                  /* what it came to; without one, POL_TRUE */
	const struct pol_explained_predicate *predicates;
	uint32_t predicate_count;
};

struct pol_explained_kinds {
	bool role;
	bool scope;
};

struct pol_explanation {
	enum pol_stage stage; /* where it ended */
	bool has_stack;
	struct pol_str stack; /* empty: the built-in one */
	struct pol_position position;
	struct pol_explained_group groups[POL_GROUP_COUNT];
	struct pol_str resource; /* as declared: api:/loans/{loan}; empty: not found, not reached */
	struct pol_str action; /* the action that has the permissions asked for; empty: the same */
	const struct pol_str *has; /* the resource's actions, when the one asked for is not there */
	uint32_t has_count;
	struct pol_str fact;  /* what the key's networks were compared with, when they refuse */
	struct pol_str quota; /* the quota that is used up; set by the daemon, which counts */
	const struct pol_explained_rule *rules;
	uint32_t rule_count;
	struct pol_explained_kinds missing;     /* one of each kind is needed, together */
	struct pol_explained_kinds none;        /* no role or scope would do: `needs` is empty */
	const struct pol_explained_rule *needs; /* roles, then scopes; the nearest first */
	uint32_t need_count;
	uint32_t more_needs;          /* how many more would do */
	const struct pol_str *key_at; /* the key's places, when they do not cover the request */
	uint32_t key_at_count;
};

/* Decides as pol_eval does, and fills *out. POL_OK, or the arena's status: then *decision is valid
 * and *out is not written. */
enum pol_status pol_explain(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_arena *arena, struct pol_decision *decision, struct pol_explanation *out);

/* The same about a request that nobody has made: the lines of `record` do not run. */
enum pol_status pol_explain_tried(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_arena *arena, struct pol_decision *decision,
	struct pol_explanation *out);
