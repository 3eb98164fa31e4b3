/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compare: what a change of the policy changes: who gains and who loses what.
 *
 * Two compiled policies are compared by what they decide, not by their text: the sets of
 * permissions, conditions by the values of facts that their constants distinguish, the lines of
 * stacks after inclusion, the pairs of roles that exclude each other. A rewriting that changes no
 * decision gives no difference.
 *
 * Nodes of both policies are one when their paths are equal; the names of parameters do not count.
 * Where only one policy has a node, the other answers the node's paths as it would answer a
 * request: by a parameter or a rest beside it. So a literal that is removed may give its paths to
 * the parameter beside it, and that is a gain. Not compared: descriptions, and policies' own tests.
 * A path with a segment that differs from a literal in case alone is not considered.
 *
 * Pure. A comparison belongs to one thread; the snapshots may be read by others meanwhile.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* In the order in which they are visited. */
enum pol_compared {
	POL_COMPARED_ENVIRONMENT = 0,
	POL_COMPARED_LIMITS,
	POL_COMPARED_FACT,
	POL_COMPARED_TREE,
	POL_COMPARED_ROLE,
	POL_COMPARED_SCOPE,
	POL_COMPARED_PRINCIPAL,
	POL_COMPARED_EXCLUSIVE,
	POL_COMPARED_STACK,
	POL_COMPARED_KEY /* never by pol_compare_policies */
};

/* "environment", "limits", "tree", ... Static. */
const char *pol_compare_kind_name(enum pol_compared kind);

enum pol_change_kind {
	/* permissions */
	POL_CHANGE_GAINED = 0, /* allowed now, and not before */
	POL_CHANGE_LOST,
	POL_CHANGE_DENIED,   /* of a role or scope: denied now, whatever else is held */
	POL_CHANGE_UNDENIED, /* no longer denied */
	/* permissions on other conditions: by what they allow, not by their text */
	POL_CHANGE_WIDER, /* allowed whenever it was before, and more often */
	POL_CHANGE_NARROWER,
	POL_CHANGE_OTHERWISE, /* allowed where it was not, and no longer where it was */
	POL_CHANGE_MAYBE,     /* too many combinations of values to say which */
	POL_CHANGE_READS, /* the condition of a grant reads the fact `what`, and none did before */
	POL_CHANGE_NONE,  /* at the place `at`: what changes elsewhere does not change here */
	POL_CHANGE_DECLARED, /* of a tree: new permissions */
	POL_CHANGE_DROPPED,  /* permissions that are no longer declared */
	/* anything else: `what` */
	POL_CHANGE_ADDED,
	POL_CHANGE_REMOVED,
	POL_CHANGE_ALTERED /* from `before` to `after` */
};

/* "gained", "lost", ... Static. */
const char *pol_compare_change_name(enum pol_change_kind kind);

/* What a change may do to somebody; bits. The line of a stack has both, since what a module decides
 * is not known here. */
#define POL_CHANGE_GAIN 1U
#define POL_CHANGE_LOSS 2U

/* A change of one difference. */
struct pol_change {
	enum pol_change_kind kind;
	unsigned effect; /* bits */

	/* Permissions: those of `verbs` on the nodes of `pattern`, as a grant writes it: one node,
	 * `api:/loans/{loan}`, or with two stars at its end the node and all below it that have the
	 * verb.
	 * LOST, UNDENIED and DROPPED speak of the nodes of the policy before, the others of the
	 * policy after. */
	const struct pol_str *verbs; /* methods, and actions without methods */
	size_t verb_count;
	/* The condition on which they are gained, lost or denied; empty: there is none. Where there
	 * is one before and another after, `before` and `after` have both, and `always` or `never`.
	 * Written as the language does, with `FACT absent` where a default counts. */
	struct pol_str when;
	bool denial; /* OTHERWISE, MAYBE: of denials, whatever else is held */
	/* Nodes of the pattern that are left out, as in a grant: `except api:/loans/{loan}`. */
	const struct pol_str *except;
	size_t except_count;
	bool all;           /* the verbs are all that these nodes have */
	size_t permissions; /* how many */
	struct pol_str pattern;

	/* For a principal or key: the change is about resources at this place alone, which are not
	 * among those of changes without a place or at a place above it. Empty: about all
	 * others. */
	struct pol_str at;
	/* The change takes place then, Unix seconds: a role ends. All changes of a difference with
	 * the same time replace those of earlier times. 0: now. */
	int64_t from;

	/* Anything else: "key_ttl", "peer user billing", "account required network". */
	struct pol_str what;
	struct pol_str before, after; /* of ALTERED, and conditions: see `when` */
};

enum pol_presence { POL_IN_BOTH = 0, POL_IN_BEFORE, POL_IN_AFTER };

/* One role, scope, ... that differs. POL_IN_BEFORE: it is removed, POL_IN_AFTER: it is new. It may
 * have no changes then. */
struct pol_difference {
	enum pol_compared kind;
	enum pol_presence presence;
	struct pol_str name; /* empty: of limits, exclusive */
	const struct pol_change *changes;
	size_t count;
};

/* All effects of its changes. */
unsigned pol_compare_effect(const struct pol_difference *difference);

struct pol_compare;

/* Prepares the comparison; the snapshots must outlive it. POL_ENOMEM; POL_ELIMIT: the policies are
 * too large to be compared. */
enum pol_status pol_compare_open(const struct pol_snapshot *before,
	const struct pol_snapshot *after, struct pol_compare **out);
void pol_compare_close(struct pol_compare *compare); /* NULL is ignored */

/* Called for each difference, by kind and then in the order of the policy after, those of the
 * policy before alone last. Views live until it returns. */
typedef void (*pol_compare_visit)(void *context, const struct pol_difference *difference);

/* Compares everything but stored roles. Roles of principals that have ended at `now` (Unix seconds)
 * do not count. POL_ENOMEM, POL_ELIMIT. */
enum pol_status pol_compare_policies(
	struct pol_compare *compare, int64_t now, pol_compare_visit visit, void *context);

/* Compares two roles by their numbers in each policy, for stored roles; POL_NONE: it has none.
 * *out lives until the next comparison. */
enum pol_status pol_compare_roles(
	struct pol_compare *compare, uint32_t before, uint32_t after, struct pol_difference *out);

/* Compares what a principal or key may do. The facts are those about the subject, with numbers of
 * the one or the other policy; NULL: there is no such subject. The caller sets kind and name of
 * *out, which lives until the next comparison. */
enum pol_status pol_compare_subject(struct pol_compare *compare, const struct pol_facts *before,
	const struct pol_facts *after, int64_t now, struct pol_difference *out);
