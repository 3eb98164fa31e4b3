/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compile: statements into a snapshot. For the files policy/compile/compile*.c alone; others call
 * pol_compile (snapshot.h).
 *
 * Each stage fills its part of the snapshot, adds what is wrong to the diagnostics and goes on, so
 * that one run finds every mistake; only memory ends it early. What is not part of the result lives
 * in `scratch` and goes with the statements.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/language/parse.h"
#include "policy/snapshot/compiled.h"
#include "policy/text/nearest.h"
#include "policy/text/path.h"

/* Nodes of all trees together; also bounds the work that lists of paths inside each other make. */
#define POL_NODE_LIMIT 1000000

/* Where the runs of a verb begin in `posts`, in the order of the permissions. */
struct pol_postings {
	uint32_t *begin; /* verb_count + 1 */
	struct pol_run *runs;
};

/* Names of nodes that are remembered; a power of two. */
#define POL_RECENT_NAMES 256

struct pol_expansions; /* compile_expand.c: sets made before */

/* The nodes that a pattern selects: ranges [first, end), none overlapping. */
struct pol_node_range {
	uint32_t first, end;
};
struct pol_node_ranges {
	struct pol_node_range *items;
	size_t count, capacity;
};

/* What one or several grants select: small pieces as runs, large ones as shared sets. */
struct pol_selection {
	struct pol_run *runs;
	size_t run_count, run_capacity;
	struct pol_permset *sets;
	size_t set_count, set_capacity;
};

/* A pattern that was followed as far as it names one node after the other. */
struct pol_ahead {
	const struct pol_ast_pattern *pattern;
	uint32_t node;
	uint32_t depth; /* segments that led there */
	uint32_t hash;  /* of the next one, a literal */
};
struct pol_aheads {
	struct pol_ahead *items; /* in the order in which they will be asked for */
	uint32_t count, next;
};

struct pol_compiler {
	struct pol_snapshot *snapshot;
	const struct pol_ast *ast;
	const struct pol_host *host; /* NULL: nobody is asked */
	struct pol_diags *diags;
	struct pol_arena *scratch;
	struct pol_permset_pool *pool;
	struct pol_postings postings;
	struct pol_expansions *expansions;
	struct pol_node_ranges ranges;  /* what the pattern resolved last selects */
	struct pol_loss loss;           /* and what may be missing there */
	bool doubtful;                  /* the grants at hand may select other than was meant */
	struct pol_selection selection; /* room that one statement leaves to the next */
	struct pol_node_ranges spare;   /* compile_pattern.c's, between two segments */
	struct pol_aheads aheads;       /* of the grants at hand */
	uint64_t steps;                 /* what all patterns selected, child after child */
	struct pol_line_cursor lines;   /* where the last grant stood */
	char *text;                     /* room for copies of text */
	size_t text_left;
	struct pol_str names[POL_RECENT_NAMES]; /* copies, each where its hash puts it */
};

/* A copy of the text that lives as long as the snapshot; ptr NULL: the arena's status. An absent
 * text stays absent and is no failure. */
struct pol_str pol_compile_text(struct pol_compiler *compiler, struct pol_str text);

/* The same of a node's name: many nodes are called alike, and their names are one in memory when
 * they do not stand too far from each other. */
struct pol_str pol_compile_name(struct pol_compiler *compiler, struct pol_str name);

/* "unknown role 'x': did you mean 'y'?" */
void pol_compile_unknown(struct pol_compiler *compiler, const char *what,
	const struct pol_word *word, const struct pol_names *known);

/* The stages, in this order. Each returns POL_OK (also after mistakes) or the arena's status. */
enum pol_status pol_compile_settings_environments(struct pol_compiler *compiler);
enum pol_status pol_compile_settings_limits(struct pol_compiler *compiler);
enum pol_status pol_compile_trees(struct pol_compiler *compiler);
enum pol_status pol_compile_grantees(struct pol_compiler *compiler);
enum pol_status pol_compile_principals(struct pol_compiler *compiler);

/* --- peers, for pol_compile_principals: compile_peer.c --- */

/* Whom the kernel's peers stand for, while the principals are read. */
struct pol_peers {
	const struct pol_ast_principal **owners; /* by the number of the line */
	const struct pol_ast_peer **places;
	uint32_t count;
};

enum pol_status pol_compile_peer_begin(struct pol_compiler *compiler, struct pol_peers *peers);
/* The lines of one principal; number POL_NONE after a mistake. */
enum pol_status pol_compile_peer_add(struct pol_compiler *compiler, struct pol_peers *peers,
	const struct pol_ast_principal *principal, uint32_t number);
void pol_compile_peer_end(struct pol_compiler *compiler, const struct pol_peers *peers);

/* --- trees, for pol_compile_trees --- */

/* A tree's node while it is built; children in the order of their declaration. */
struct pol_build_action {
	const struct pol_ast_entry *entry;
	struct pol_words methods; /* its own, or none after a mistake */
	struct pol_build_action *next;
};

struct pol_build_node {
	struct pol_segment segment;
	struct pol_word description;
	struct pol_build_node *parent;
	struct pol_build_node *first_child, *last_child; /* literals, and the wild one */
	struct pol_build_node *next;
	struct pol_build_node *wild;
	struct pol_build_action *first_action, *last_action;
	union {
		uint64_t hash;                /* a literal's */
		struct pol_build_node *rival; /* a parameter's, after a mistake: the next one */
	};
	uint32_t literal_count;
	uint32_t action_count;
	uint32_t permission_count;
	uint32_t entry; /* the entry that named it last, to see it named twice */
	uint32_t number;
	uint8_t depth;
	uint8_t damage; /* POL_DAMAGE_* */
};

struct pol_compile_tree {
	struct pol_word name;
	struct pol_word description;
	struct pol_build_node *root;
};

struct pol_build {
	struct pol_compiler *compiler;
	struct pol_compile_tree *trees;
	uint32_t tree_count;
	struct pol_build_node *
		*table; /* literal children of those that have many, by both; open addressing */
	size_t table_used, table_mask;
	uint32_t node_count;
	uint32_t action_count;
	uint32_t permission_count;
	uint32_t verb_room;
	uint32_t visits;
	bool too_many;
	bool damaged;  /* any node */
	bool unclosed; /* the tree that is built lacks a closing brace somewhere */
};

/* compile_child.c: a new node, the last of its parent's children (NULL: a root); NULL: scratch's
 * status. */
struct pol_build_node *pol_compile_child_make(
	struct pol_build *build, struct pol_build_node *parent, const struct pol_segment *segment);
/* The child that the segment names, made if it is new. After a complaint it stands beside the one
 * that was there, or beside the tree, so that what is below is looked at all the same. */
enum pol_status pol_compile_child_get(struct pol_build *build, struct pol_build_node *parent,
	const struct pol_segment *segment, struct pol_build_node **out);
/* Remembers what may be missing at the node. */
static inline void pol_build_damage(
	struct pol_build *build, struct pol_build_node *node, unsigned marks)
{
	node->damage = (uint8_t)(node->damage | marks);
	build->damaged = true;
}
/* compile_tree.c: the statements into build nodes. */
enum pol_status pol_compile_tree(
	struct pol_build *build, const struct pol_ast_tree *tree, struct pol_compile_tree *into);
/* compile_number.c: build nodes into the snapshot's arrays. */
enum pol_status pol_compile_number(struct pol_build *build);
/* compile_authz.c: the statements of the built-in tree, in the scratch arena. */
enum pol_status pol_compile_authz(struct pol_compiler *compiler, struct pol_ast_tree *out);

/* --- grants, for pol_compile_grantees --- */

/* compile_pattern.c: fills compiler->ranges and ->loss; complains and leaves the ranges empty when
 * the pattern names nothing. */
enum pol_status pol_compile_pattern(
	struct pol_compiler *compiler, const struct pol_ast_pattern *pattern);
/* The child that a parameter's segment stands for, or POL_NONE. */
uint32_t pol_compile_pattern_wild_child(
	const struct pol_snapshot *snapshot, uint32_t node, const struct pol_segment *segment);

/* compile_ahead.c: follows the patterns of the next few grants that allow, or deny, as grant
 * `first` does, side by side: a large policy's nodes are far from each other in memory, and waiting
 * for one of them after the other would be most of the work. Says nothing of mistakes. */
enum pol_status pol_compile_prefetch(
	struct pol_compiler *compiler, const struct pol_ast_grantee *statement, uint32_t first);
/* Where that pattern led; false: it is not the next of those. */
bool pol_compile_prefetch_take(struct pol_compiler *compiler, const struct pol_ast_pattern *pattern,
	uint32_t *out_node, uint32_t *out_depth);

/* compile_expand.c: adds the permissions of a verb (POL_NONE: all) in a range of nodes. *out_any
 * becomes true when there are any. */
enum pol_status pol_compile_expand(struct pol_compiler *compiler, struct pol_node_range range,
	uint32_t verb, struct pol_selection *into, bool *out_any);
/* Sorts the runs from number `first` on and joins those that touch. */
void pol_compile_expand_merge(struct pol_selection *selection, size_t first);
enum pol_status pol_compile_expand_set(struct pol_compiler *compiler,
	const struct pol_selection *selection, struct pol_permset *out);
enum pol_status pol_compile_expand_postings(struct pol_compiler *compiler);
enum pol_status pol_compile_expand_create(struct pol_compiler *compiler);
void pol_compile_expand_destroy(struct pol_compiler *compiler);

/* Roles or scopes, with the statements behind them, by number. */
struct pol_family {
	struct pol_compiler *compiler;
	const char *what;    /* "role" */
	const char *inherit; /* "inherits" */
	const struct pol_ast_grantee *list;
	size_t list_count;
	const struct pol_ast_grantee **statements;
	struct pol_grantee *grantees;
	struct pol_origin *origins;
	uint32_t count;
	struct pol_names *names;
	uint32_t **parents; /* parent_counts[i] of them, those alone that exist */
	uint32_t *parent_counts;
	uint32_t *order;                      /* all numbers, parents before their children */
	bool *doubtful;                       /* by number: it may grant other than was meant */
	const struct pol_ast_grantee **aside; /* those that got no number, after a mistake */
	uint32_t aside_count;
};

/* compile_inherit.c: finds parents and circles, joins sets. */
enum pol_status pol_compile_inherit(struct pol_family *family);
/* compile_exclusive.c */
enum pol_status pol_compile_exclusives(struct pol_family *roles);

/* All that a statement allows, or all that it denies; *_ends say which pieces came from which
 * grant. */
struct pol_pieces {
	struct pol_compiler *compiler;
	struct pol_selection selection;
	const struct pol_ast_grant **grants;
	bool *doubtful; /* by grant: it may select other than was meant */
	size_t *run_ends;
	size_t *set_ends;
	size_t count;
};

/* compile_cover.c: those of grant i; views. */
struct pol_selection pol_compile_cover_pieces(const struct pol_pieces *pieces, size_t i);
/* Joins what was selected, and warns of what is there twice. */
enum pol_status pol_compile_cover_join(const struct pol_pieces *pieces, struct pol_permset *out);

/* compile_origin.c: adds the grants as rules to out->rules, which has room. */
enum pol_status pol_compile_origin_rules(const struct pol_pieces *pieces, struct pol_origin *out);
/* Notes where each statement of the family stands and what it inherits, once that is known. */
enum pol_status pol_compile_origin_parents(struct pol_family *family);
/* Copies of the files, for the snapshot to show. */
enum pol_status pol_compile_origin_files(
	struct pol_snapshot *snapshot, const struct pol_source *sources, size_t count);

/* compile_grant.c: what a statement's grants allow and deny by themselves; as rules in *origin. */
enum pol_status pol_compile_grants(struct pol_compiler *compiler,
	const struct pol_ast_grantee *statement, struct pol_grantee *out,
	struct pol_origin *origin);

/*
 * stack.c's and suite.c's share. Both fill their part of the snapshot from its arena and complain
 * in diags. POL_OK; POL_EINVALID after at least one pol_diag_error; or the arena's status. Called
 * even when there were errors before, to find more, as long as the statements were parsed.
 */
enum pol_status pol_stack_compile(struct pol_snapshot *snapshot, const struct pol_ast *ast,
	const struct pol_host *host, struct pol_diags *diags);
enum pol_status pol_suite_compile(
	struct pol_snapshot *snapshot, const struct pol_ast *ast, struct pol_diags *diags);

/* Is the word a place of this policy: TREE:/path that leads to or through a declared node? Says
 * in diags why it is not. */
bool pol_compile_principal_place(
	const struct pol_snapshot *snapshot, struct pol_diags *diags, const struct pol_word *place);
