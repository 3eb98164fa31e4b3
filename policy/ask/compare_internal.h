/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compare_internal: what the files of compare share. For compare*.c alone.
 *
 * Both policies' trees are joined into one, in preorder. Its permissions are numbered like a
 * snapshot's, so that a set of them is a plain bitmap. A set of one policy is brought into this
 * numbering by copying runs of bits.
 */

#include "policy/ask/compare.h"
#include "policy/ask/formula.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"
#include "policy/text/arena.h"
#include "policy/text/path.h"

enum pol_side { POL_SIDE_BEFORE = 0, POL_SIDE_AFTER, POL_SIDES };

/* The most nodes of the joined trees: twice those of one policy. Only a literal that has a large
 * subtree of a parameter beside it in the other policy gives more nodes than both have. */
#define POL_JOINT_LIMIT ((size_t)2000000)

/* A node of either policy. */
struct pol_joint_node {
	const struct pol_node *shown; /* whose name is shown: that of the policy after, if any */
	uint32_t parent;              /* POL_NONE: a root */
	uint32_t end;                 /* one past the last node below it */
	uint32_t first;               /* its first permission; the last is before the next node's */
	uint32_t own[POL_SIDES];      /* the node that declares this path, or POL_NONE */
	bool split;                   /* it has a parameter in one policy and a rest in the other */
	uint32_t answers[POL_SIDES];  /* the node that a request for this path leads to */
};

struct pol_joint_tree {
	struct pol_str name;
	uint32_t root;
	uint32_t number[POL_SIDES]; /* of the tree; POL_NONE */
};

/* Consecutive permissions of the joined trees that are consecutive in one policy too. */
struct pol_joint_segment {
	uint32_t at, from, count;
};

/* The permissions of each verb that one policy has, ascending. */
struct pol_joint_verbs {
	uint32_t *begin; /* verb_count + 1 */
	uint32_t *items;
	uint32_t *rank;    /* by permission: its index in items */
	uint32_t *present; /* by permission, and one more: how many before it this policy has */
};

struct pol_joint {
	struct pol_joint_tree *trees;
	uint32_t tree_count;
	struct pol_joint_node *nodes; /* node_count, and one more as the end of the last */
	uint32_t node_count;
	uint32_t *verb_of;           /* by permission */
	uint32_t *node_of;           /* by permission */
	uint32_t *source[POL_SIDES]; /* by permission: that of the policy, or POL_NONE */
	uint32_t permission_count;
	struct pol_str *verbs;
	uint32_t verb_count;
	struct pol_joint_segment *segments[POL_SIDES];
	size_t segment_count[POL_SIDES];
	struct pol_joint_verbs by_verb[POL_SIDES];
	size_t words; /* of a bitmap */
	bool equal;   /* both policies number the same permissions alike */
};

/* A list of changes that grows. */
struct pol_changes {
	struct pol_change *items;
	size_t count, capacity;
};

/* Nodes at one place, for the text of patterns. Zeroed: all nodes, as declared. */
struct pol_region {
	struct pol_str place; /* ptr NULL: no place */
	uint32_t node;
	uint32_t depth; /* how many segments the place has */
};

/* A bitmap that was folded before. */
struct pol_folded {
	struct pol_folded *next; /* of the same slot */
	uint64_t hash;
	enum pol_change_kind kind;
	size_t word_count;
	const uint32_t *at; /* the words that are not zero */
	const uint64_t *words;
	struct pol_changes changes;
};

/* Bytes of all bitmaps that are kept to find equal ones; later ones are folded again. */
#define POL_FOLDED_BYTES ((size_t)64 * 1024 * 1024)
#define POL_FOLDED_SLOTS 4096

/* Two roles or scopes that were compared, by the lists of their sets. */
struct pol_grantee_slot {
	const void *lists[3 * POL_SIDES];
	bool used;
	bool equal;
};

/* A pattern; see compare_fold.c. */
struct pol_piece {
	uint32_t node;
	bool deep; /* the node and all below it */
	uint32_t verb;
	uint32_t count; /* of permissions */
	size_t hole;    /* in compare->holes: the first that is left out */
	size_t hole_count;
};
struct pol_pieces {
	struct pol_piece *items;
	size_t count, capacity;
};

struct pol_compare {
	const struct pol_snapshot *sides[POL_SIDES];
	struct pol_arena arena;   /* what lives as long as the comparison */
	struct pol_arena present; /* the present difference */
	struct pol_joint joint;
	struct pol_resource resource; /* a buffer for text */

	/* fold */
	struct pol_folded *folded[POL_FOLDED_SLOTS];
	size_t folded_bytes;
	uint32_t *sorted; /* permissions of one bitmap, by verb */
	uint32_t *counts; /* verb_count + 1 */
	struct pol_pieces pieces, holes;

	/* roles and scopes */
	uint64_t *scratch[POL_SIDES]; /* a set in the policy's own numbering */
	uint64_t *allow[POL_SIDES];
	uint64_t *deny[POL_SIDES];
	uint64_t *result;
	struct pol_grantee_slot *slots; /* slot_mask + 1 */
	size_t slot_mask, slots_used;

	/* conditions */
	struct pol_condition_marks *marks[POL_SIDES]; /* by permission of the policy */
	uint32_t *group_of;                           /* by permission; NULL: none was needed yet */
	uint64_t *sometimes;                          /* what depends on conditions */

	/* principals and keys */
	struct pol_path path; /* the last one read; large, so there is only one */
};

/* --- compare_tree.c --------------------------------------------------------------------------- */

/* Fills in compare->joint. POL_ENOMEM, POL_ELIMIT. */
enum pol_status pol_joint_make(struct pol_compare *compare);
/* Brings a bitmap of a policy's permissions into the joined numbering. */
void pol_joint_translate(
	const struct pol_joint *joint, enum pol_side side, const uint64_t *from, uint64_t *out);
/* The child that a request's segment leads to, or POL_NONE. */
uint32_t pol_joint_step(const struct pol_joint *joint, uint32_t node, struct pol_str segment);

/* --- compare_number.c ------------------------------------------------------------------------- */

/* Numbers the permissions of the joined nodes. */
enum pol_status pol_joint_number(struct pol_compare *compare);

/* --- compare_folded.c ------------------------------------------------------------------------- */

/* Adds the permissions of the bitmap as changes of that kind: patterns of the policy `side`.
 * `region` NULL: as declared. */
enum pol_status pol_fold(struct pol_compare *compare, const uint64_t *bits,
	enum pol_change_kind kind, const struct pol_region *region, struct pol_changes *out);

/* --- compare_fold.c --------------------------------------------------------------------------- */

/* The same, without looking whether an equal bitmap was folded before. */
enum pol_status pol_fold_fresh(struct pol_compare *compare, const uint64_t *bits,
	enum pol_change_kind kind, const struct pol_region *region, struct pol_changes *out);

/* --- compare_grantee.c ------------------------------------------------------------------------ */

/* Do both roles, or scopes, allow and deny the same? NULL: there is none. */
enum pol_status pol_compare_grantees(struct pol_compare *compare, const struct pol_grantee *before,
	const struct pol_grantee *after, bool *out_equal);
enum pol_status pol_compare_all_grantees(
	struct pol_compare *compare, bool scopes, pol_compare_visit visit, void *context);

/* --- compare_condition.c ---------------------------------------------------------------------- */

/* A hash of the grants with conditions that have the permission. */
struct pol_condition_marks {
	uint64_t words[2];
};

/* Compares both roles, or scopes, on the permissions of compare->sometimes; NULL: there is none.
 * Adds the changes to *out, unless that is NULL; *equal becomes false if there are any. */
enum pol_status pol_compare_conditions(struct pol_compare *compare,
	const struct pol_grantee *const both[POL_SIDES], struct pol_changes *out, bool *equal);

/* How the conditions of one permission differ, as changes: NONE, if they do not. */
struct pol_condition_verdict {
	enum pol_change_kind kind;
	struct pol_str when, before, after;
	bool denial;
};
/* `shown` are the formulas whose text is shown; they are those that are compared, or these without
 * what need not be said. */
enum pol_status pol_compare_allowed(struct pol_compare *compare,
	const struct pol_formula *const formulas[POL_SIDES],
	const struct pol_formula *const shown[POL_SIDES], struct pol_condition_verdict *out);
/* The value of a segment of the path to a joined node: it is known of a literal. */
struct pol_knowledge pol_compare_segment(
	const struct pol_joint *joint, uint32_t node, uint32_t segment);
/* Adds the permissions of the bitmap as changes. */
enum pol_status pol_compare_add_verdict(struct pol_compare *compare, const uint64_t *bits,
	const struct pol_condition_verdict *verdict, const struct pol_region *region,
	struct pol_changes *out);
/* Do both say the same? */
bool pol_compare_equal_verdicts(
	const struct pol_condition_verdict *a, const struct pol_condition_verdict *b);

/* --- compare_subject.c ------------------------------------------------------------------------ */

/* Adds what the subject gains and loses. */
enum pol_status pol_compare_add_subject(struct pol_compare *compare,
	const struct pol_facts *const facts[POL_SIDES], int64_t now, struct pol_changes *out);

/* --- compare_region.c ------------------------------------------------------------------------- */

/* The paths at one place, or those of a tree that are at no place; and what changes there. */
struct pol_subject_region {
	struct pol_region at; /* `at.place` NULL: a whole tree */
	uint32_t tree;        /* of the joined trees */
	uint32_t wild;        /* the depth of its last segment that is not a literal; 0: none */
	uint32_t general;     /* the region in which it lies; of a whole tree itself */
	bool owned;           /* no other path in that region leads to its node */
	const struct pol_str *segments; /* of the place: `at.depth` */
	uint64_t *gained, *lost;
	uint64_t *was_gained, *was_lost; /* at the time before */
	/* By permission: the number of its verdict and one more, for those that depend on
	 * conditions and that differ; else 0. They are not in the others. NULL: none depends. */
	uint32_t *verdicts, *was_verdicts;
};

/* Formulas of a permission on both sides that were compared. */
struct pol_subject_memo {
	const struct pol_formula *both[POL_SIDES]; /* NULL: none were */
	uint32_t verdict;
};
#define POL_SUBJECT_MEMOS 256

struct pol_subject_search {
	struct pol_compare *compare;
	const struct pol_facts *facts[POL_SIDES]; /* NULL: there is no such subject */
	struct pol_arena arena;                   /* all of the search */
	struct pol_subject_region *regions;
	size_t count;

	/* conditions */
	bool conditional;         /* a role or scope of a subject has some */
	struct pol_arena scratch; /* the formulas of one permission */
	struct pol_subject_memo *memos;
	struct pol_condition_verdict *verdicts;
	size_t verdict_count, verdict_capacity;
};

/* Fills in the regions of both subjects. */
enum pol_status pol_subject_regions_find(struct pol_subject_search *search);
/* Computes what changes in the region for these facts. */
enum pol_status pol_subject_region_compare(struct pol_subject_search *search,
	const struct pol_facts *const facts[POL_SIDES], struct pol_subject_region *region);

/* --- compare_depends.c ------------------------------------------------------------------------ */

/* Does what either subject may do depend on a condition? */
bool pol_subject_depends(const struct pol_subject_search *search);
/* Does a condition of the role or scope read the fact? NULL: there is none. */
bool pol_subject_grantee_reads(const struct pol_grantee *grantee, uint32_t fact);
/* Fills in the verdicts of the permissions of the bitmap. */
enum pol_status pol_subject_region_judge(struct pol_subject_search *search,
	const struct pol_facts *const facts[POL_SIDES], struct pol_subject_region *region,
	const uint64_t *bits);
/* Adds the changes of the verdicts in the region. */
enum pol_status pol_subject_region_add(struct pol_subject_search *search,
	const struct pol_subject_region *region, struct pol_changes *out);

/* --- compare_fact.c --------------------------------------------------------------------------- */

/* Does the condition read the fact, a number of its policy? */
bool pol_compare_reads(const struct pol_condition *condition, uint32_t fact);

/* --- compare_settings.c, _fact.c, _declared.c, _exclusive.c, _stack.c, _principal.c ---------- */

/* Each visits the differences of its kind. POL_ENOMEM, POL_ELIMIT. */
enum pol_status pol_compare_environments(
	struct pol_compare *compare, pol_compare_visit visit, void *context);
enum pol_status pol_compare_limits(
	struct pol_compare *compare, pol_compare_visit visit, void *context);
enum pol_status pol_compare_facts(
	struct pol_compare *compare, pol_compare_visit visit, void *context);
enum pol_status pol_compare_trees(
	struct pol_compare *compare, pol_compare_visit visit, void *context);
enum pol_status pol_compare_exclusives(
	struct pol_compare *compare, pol_compare_visit visit, void *context);
enum pol_status pol_compare_stacks(
	struct pol_compare *compare, pol_compare_visit visit, void *context);
enum pol_status pol_compare_principals(
	struct pol_compare *compare, int64_t now, pol_compare_visit visit, void *context);

/* --- compare.c -------------------------------------------------------------------------------- */

/* Ends the present difference, whose memory is freed. */
void pol_compare_next(struct pol_compare *compare);
/* Adds a change; NULL: no memory, and the status of compare->present says so. */
struct pol_change *pol_changes_add(
	struct pol_compare *compare, struct pol_changes *changes, enum pol_change_kind kind);
/* Text that lives as long as the present difference. */
__attribute__((format(printf, 2, 3))) struct pol_str pol_compare_text(
	struct pol_compare *compare, const char *format, ...);
