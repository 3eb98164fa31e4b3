/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * query_internal: the state of a walk. For query.c and query_entry.c alone.
 */

#include "policy/ask/query.h"
#include "policy/ask/query_when.h"
#include "policy/ask/substitution.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/resource.h"

/* What is allowed and denied of one word, with the places of a substitution and of all with which
 * it begins. */
struct pol_query_answer {
	uint64_t roles, anyone, denied;
	uint64_t allowed; /* in the end */
};

struct pol_query_walk {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	const struct pol_query *query;
	struct pol_query_result *out;
	struct pol_arena arena;
	struct pol_substitutions substitutions;
	struct pol_resource resource;
	bool stopped;
	bool by_places; /* the key counts and has places */

	/* the present tree */
	uint32_t tree;
	uint32_t first, end; /* its substitutions, without [0] */
	bool *placed_roles;  /* per held role: it has a place in this tree */

	/* the present node; `words` each */
	size_t words, word_capacity;
	struct pol_run_word *at;
	struct pol_subject_bits *general;
	struct pol_subject_bits *said; /* per held role: what it allows and denies at its places */
	struct pol_query_answer *answers; /* per substitution */
	bool *inside;                     /* per substitution: a place of the key covers it */
	struct pol_str *actions;

	/* where conditions make a difference */
	bool conditional;          /* some role or scope of the subject has one */
	bool any_unsure;           /* some bit of `unsure` is set */
	uint64_t *unsure;          /* of the present node: a condition is about it */
	uint64_t *allowed;         /* of the present substitution */
	struct pol_query_when own; /* of the present substitution */
	struct pol_query_when of_general;
	uint32_t *groups;   /* by permission of the node */
	uint32_t first_bit; /* of its first permission, from that one's word */
	char when[POL_WHEN_TEXT];
};

/* Shows the entries of one resource from number `from` on: 1 is what is allowed always. It is left
 * out if it has no actions and others follow. In query_entry.c. */
void pol_query_show(struct pol_query_walk *walk, uint32_t node, uint32_t number, uint32_t from);
