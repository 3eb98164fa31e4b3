/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * explain: a decision, and why.
 *
 * What the stack's lines said and what ended a group, which rules of roles and scopes allowed or
 * denied, or which roles and scopes would have allowed it. The decision is made by the very code
 * that makes all others, with a trace (trace.h). All views live as long as the arena, the snapshot
 * and the facts; whoever reads an explanation that came over the wire fills the same structures.
 *
 * Nothing is told of rules before the decision came to them: of somebody who was refused as
 * unauthenticated nothing is said but that.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide/eval.h"
#include "policy/decide/trace.h"
#include "policy/language/parse.h"
#include "policy/text/arena.h"

/* Rules that are told; a subject may hold thousands that say the same. */
#define POL_EXPLAIN_RULES 16
/* Roles, and scopes, that are told to whoever lacks one. */
#define POL_EXPLAIN_NEEDS 5
/* Actions of a resource that are told to whoever asks for another. */
#define POL_EXPLAIN_ACTIONS 32
/* Bytes of a rule's text that are told: a line may be as long as its file. */
#define POL_EXPLAIN_TEXT 1000
/* Candidates among which the narrowest are looked for. */
#define POL_EXPLAIN_CANDIDATES 64

/* Line 0: nowhere in the files. */
struct pol_place {
	struct pol_str file;
	uint32_t line;
	struct pol_span at; /* of what was made here, in the sources that were compiled */
};

enum pol_ends { POL_ENDS_NOTHING = 0, POL_ENDS_SUBSTACK, POL_ENDS_GROUP };

struct pol_explained_line {
	enum pol_control control;
	enum pol_verdict verdict; /* when asked */
	enum pol_ends ends;
	bool asked;
	struct pol_str module;
	struct pol_str reason; /* of deny and error */
	struct pol_str stack;  /* in which it stands; empty: the built-in one */
	const struct pol_str *arguments;
	uint32_t argument_count;
	struct pol_place place;
};

struct pol_explained_group {
	bool asked;
	bool passed;
	struct pol_str reason; /* why it did not pass */
	const struct pol_explained_line *lines;
	uint32_t line_count;
};

/* A rule of a role or scope that was held; or of one that would have been needed. */
struct pol_explained_rule {
	bool deny;
	bool scope;
	bool held;                   /* of one that is needed: it is held, but at `at` alone */
	const struct pol_str *chain; /* who holds it first, who says it last: collector, viewer */
	uint32_t chain_count;
	struct pol_str text;      /* its first line as written; */
	struct pol_place place;   /* neither for a role that was made outside of the files */
	const struct pol_str *at; /* where it is held; of rules that counted, the place that did */
	uint32_t at_count;
	int64_t until;               /* Unix seconds; 0: for good */
	const struct pol_str *verbs; /* which of the permissions that were asked for, if not all */
	uint32_t verb_count;
};

struct pol_explained_kinds {
	bool role;
	bool scope;
};

struct pol_explanation {
	enum pol_stage stage; /* where it ended */
	bool has_stack;
	struct pol_str stack; /* empty: the built-in one */
	struct pol_place place;
	struct pol_explained_group groups[POL_GROUP_COUNT];
	struct pol_str
		resource;      /* as declared: api:/loans/{loan}; empty: not found, or not asked */
	struct pol_str action; /* whose permissions are asked for; empty likewise */
	const struct pol_str *has; /* what the resource has instead, where it has no such action */
	uint32_t has_count;
	struct pol_str quota; /* the name of the one that is used up; told by whoever counts */
	const struct pol_explained_rule *rules;
	uint32_t rule_count;
	struct pol_explained_kinds missing;     /* one of each is needed, both together */
	struct pol_explained_kinds none;        /* of which nothing would do: then needs is empty */
	const struct pol_explained_rule *needs; /* roles, then scopes; the nearest first */
	uint32_t need_count;
	uint32_t more_needs;          /* that are not told */
	const struct pol_str *key_at; /* the key's places, when they leave this out */
	uint32_t key_at_count;
};

/* Decides, as pol_eval, and fills *out. POL_OK, or the arena's status: then *decision stands and
 * *out does not. */
enum pol_status pol_explain(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_arena *arena, struct pol_decision *decision, struct pol_explanation *out);
