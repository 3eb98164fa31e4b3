/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compile: turns parsed statements into a snapshot. For the files of policy/compile/ alone; other
 * rooms call pol_compile (snapshot/snapshot.h).
 *
 * Each stage fills its part of the snapshot, reports mistakes as diagnostics and goes on, so that
 * one run finds every mistake; only a lack of memory ends a run early. The result lives in the
 * snapshot's arena. Everything else lives in `scratch` and is freed together with the statements.
 * All functions run in the thread that called pol_compile.
 *
 * A mistake in a tree may leave nodes or actions out. The parser marks where (POL_ENTRY_LOST,
 * POL_SEGMENT_LOST); the nodes there carry the marks as damage (POL_DAMAGE_*); and a look-up adds
 * what may be missing to a struct pol_loss. A grant, role, scope or stack that for such a reason,
 * or by a mistake of its own, may differ from what was meant is doubtful. What may only follow from
 * an earlier mistake is not reported.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/language/parse.h"
#include "policy/snapshot/compiled.h"
#include "policy/text/nearest.h"
#include "policy/text/path.h"

/* The most nodes that all trees may have together. It also bounds the work that nested lists of
 * paths cause. */
#define POL_NODE_LIMIT 1000000

/* An index from verbs to permissions: the runs of verb v are runs[begin[v]] up to, not including,
 * runs[begin[v + 1]], in the order of the permissions. */
struct pol_postings {
	uint32_t *begin; /* verb_count + 1 */
	struct pol_run *runs;
};

/* Slots of pol_compiler.names, the cache of node names; a power of two. */
#define POL_RECENT_NAMES 256

struct pol_expansions; /* compile_expand.c: a cache of sets */
struct pol_interned;   /* compile_intern.c */

/* The nodes that a pattern selects: ranges [first, end), none overlapping. */
struct pol_node_range {
	uint32_t first, end;
};
struct pol_node_ranges {
	struct pol_node_range *items;
	size_t count, capacity;
};

/* The permissions that one or several grants select: small pieces as runs, large ones as sets that
 * grants share. */
struct pol_selection {
	struct pol_run *runs;
	size_t run_count, run_capacity;
	struct pol_permset *sets;
	size_t set_count, set_capacity;
};

/* A pattern that was followed while each segment named exactly one node. */
struct pol_prefetched {
	const struct pol_ast_pattern *pattern;
	uint32_t node;
	uint32_t depth; /* how many segments led to the node */
	uint32_t hash;  /* of the next segment, when that is a literal */
};
struct pol_prefetch {
	struct pol_prefetched *items; /* in the order in which the compiler takes them */
	uint32_t count, next;
};

struct pol_compiler {
	struct pol_snapshot *snapshot;
	const struct pol_ast *ast;
	const struct pol_host *host; /* NULL: there is none */
	struct pol_diags *diags;
	struct pol_arena *scratch;
	struct pol_permset_pool *pool;
	struct pol_postings postings;
	struct pol_expansions *expansions;
	struct pol_node_ranges ranges;  /* the nodes of the pattern that was resolved last */
	struct pol_loss loss;           /* what may be missing among them */
	bool doubtful;                  /* the present statement may grant other than was meant */
	struct pol_selection selection; /* arrays that each statement uses again */
	struct pol_node_ranges spare;   /* compile_pattern.c: the second array of its loop */
	struct pol_prefetch prefetch;   /* of the present statement's next grants */
	uint64_t steps;                 /* nodes that all patterns visited one by one */
	uint64_t lookups;               /* of an action in a range of nodes, for all grants */
	struct pol_line_cursor lines;   /* the position of the last grant */
	void *room;                     /* compile_conditional.c: memory for one statement */
	size_t room_size;
	char *text; /* free bytes for copies of text */
	size_t text_left;
	struct pol_str names[POL_RECENT_NAMES]; /* copies of node names, by hash */
	struct pol_interned *interned;          /* compile_intern.c: predicates and conditions */
	bool *fact_is_used;                     /* by fact; NULL: this is no policy's text */
	uint64_t trials;                        /* compile_trial.c: of all conditions */
};

/* Returns a copy of the text that lives as long as the snapshot. Its ptr is NULL when the text's is
 * NULL, or when the snapshot's arena failed; arena.status then says why. */
struct pol_str pol_compile_text(struct pol_compiler *compiler, struct pol_str text);

/* The same for a node's name. Many nodes share a name; those that are compiled close to each other
 * share one copy. */
struct pol_str pol_compile_name(struct pol_compiler *compiler, struct pol_str name);

/* Returns the name in lower case (ASCII), in scratch. ptr NULL: scratch has no memory. */
struct pol_str pol_compile_fold(struct pol_compiler *compiler, struct pol_str name);

/* Reports "unknown role 'x': did you mean 'y'?"; `what` is "role". */
void pol_compile_unknown(struct pol_compiler *compiler, const char *what,
	const struct pol_word *word, const struct pol_names *known);

/* The stages, in this order. Each returns POL_OK, even after mistakes, or an arena's status. */
enum pol_status pol_compile_settings_environments(struct pol_compiler *compiler);
enum pol_status pol_compile_settings_limits(struct pol_compiler *compiler);
enum pol_status pol_compile_facts(struct pol_compiler *compiler);
enum pol_status pol_compile_conditions(struct pol_compiler *compiler);
enum pol_status pol_compile_trees(struct pol_compiler *compiler);
enum pol_status pol_compile_grantees(struct pol_compiler *compiler);
enum pol_status pol_compile_facts_end(struct pol_compiler *compiler);
enum pol_status pol_compile_asked_roles(struct pol_compiler *compiler);
enum pol_status pol_compile_principals(struct pol_compiler *compiler);

/* --- peers, for pol_compile_principals: compile_peer.c --- */

/* The `peer` lines of all principals, in the order of the files. */
struct pol_peers {
	const struct pol_ast_principal **owners; /* the principal of each line */
	const struct pol_ast_peer **lines;
	uint32_t count;
};

/* Makes room for the lines of all principals. POL_OK or an arena's status. */
enum pol_status pol_compile_peer_begin(struct pol_compiler *compiler, struct pol_peers *peers);
/* Adds the lines of one principal; `number` is POL_NONE when it has none after a mistake. POL_OK or
 * the snapshot's arena's status. */
enum pol_status pol_compile_peer_add(struct pol_compiler *compiler, struct pol_peers *peers,
	const struct pol_ast_principal *principal, uint32_t number);
/* Sorts the peers for pol_peer_find, and reports names that mean one user or group of the host but
 * belong to two principals. */
void pol_compile_peer_end(struct pol_compiler *compiler, const struct pol_peers *peers);

/* --- trees, for pol_compile_trees --- */

/* A tree under construction; all of it lives in scratch. Lists are in the order of declaration. */
struct pol_build_action {
	const struct pol_ast_entry *entry;
	struct pol_words methods; /* those that no other action of the node has */
	struct pol_build_action *next;
};

struct pol_build_node {
	struct pol_segment segment;
	struct pol_word description;
	struct pol_build_node *parent;
	struct pol_build_node *first_child, *last_child; /* literals, parameters and rests */
	struct pol_build_node *next;
	struct pol_build_node *wild; /* the first parameter or rest among them, or NULL */
	struct pol_build_action *first_action, *last_action;
	union {
		uint64_t hash;                /* of a literal in build.table */
		struct pol_build_node *rival; /* of a parameter: a second one, after a mistake */
	};
	uint32_t literal_count;
	uint32_t action_count;
	uint32_t permission_count;
	uint32_t entry;  /* the entry that named it last: finds a path twice in one list */
	uint32_t number; /* in the snapshot; set by compile_number.c */
	uint8_t depth;
	uint8_t damage; /* POL_DAMAGE_* */
};

struct pol_build_tree {
	struct pol_word name;
	struct pol_word description;
	struct pol_build_node *root;
	struct pol_word setting; /* its `strict_slash`, if any */
	bool strict_slash;
};

struct pol_build {
	struct pol_compiler *compiler;
	struct pol_build_tree *trees;
	uint32_t tree_count;
	struct pol_build_tree *into; /* the one that is built */
	/* Literal children of nodes that have many, by parent and name; open addressing. */
	struct pol_build_node **table;
	size_t table_used, table_mask;
	uint32_t node_count;
	uint32_t action_count;
	uint32_t permission_count;
	uint32_t verb_room;
	uint32_t visits; /* entries and paths that were added */
	bool too_many;   /* the bound was passed and reported */
	bool damaged;    /* some node is */
	bool unclosed;   /* the tree that is built lacks a closing brace */
};

/* compile_child.c: makes a node, the last child of its parent; parent NULL: a root. NULL: scratch
 * failed. */
struct pol_build_node *pol_compile_child_make(
	struct pol_build *build, struct pol_build_node *parent, const struct pol_segment *segment);
/* Finds or makes the child that the segment names. After a mistake *out is a node of its own, in
 * the tree or apart from it, so that what stands below it is checked too. POL_OK or scratch's
 * status. */
enum pol_status pol_compile_child_get(struct pol_build *build, struct pol_build_node *parent,
	const struct pol_segment *segment, struct pol_build_node **out);
/* Notes what a mistake may have taken from the node: marks are POL_DAMAGE_*. */
static inline void pol_compile_mark_damage(
	struct pol_build *build, struct pol_build_node *node, unsigned marks)
{
	node->damage = (uint8_t)(node->damage | marks);
	build->damaged = true;
}
/* compile_count.c: would all nodes and actions of the statement, its lists multiplied out, stay
 * within the bounds? False: no, which is reported, and build->too_many is set. */
bool pol_compile_count(struct pol_build *build, const struct pol_ast_tree *tree);
/* compile_tree.c: adds one statement to the tree. POL_OK or scratch's status. */
enum pol_status pol_compile_tree(
	struct pol_build *build, const struct pol_ast_tree *tree, struct pol_build_tree *into);
/* compile_number.c: numbers all nodes, actions and permissions into the snapshot's arrays. POL_OK
 * or an arena's status. */
enum pol_status pol_compile_number(struct pol_build *build);
/* compile_authz.c: parses the built-in tree `authz` into scratch. POL_OK or scratch's status. */
enum pol_status pol_compile_authz(struct pol_compiler *compiler, struct pol_ast_tree *out);

/* --- grants, for pol_compile_grantees --- */

/* compile_pattern.c: resolves a pattern into compiler->ranges and ->loss. When it names no node,
 * the ranges are empty and the mistake is reported. POL_OK or scratch's status. */
enum pol_status pol_compile_pattern(
	struct pol_compiler *compiler, const struct pol_ast_pattern *pattern);
/* Returns the child for a segment {name} or {name...}, or POL_NONE. */
uint32_t pol_compile_pattern_wild_child(
	const struct pol_snapshot *snapshot, uint32_t node, const struct pol_segment *segment);

/* compile_prefetch.c: follows the patterns of the next few grants that have the same effect as
 * grant `first`, side by side, and prefetches what each will read next. The nodes of a large policy
 * are far apart in memory, and waiting for them one at a time would be most of the work. Reports no
 * mistakes. POL_OK or scratch's status. */
enum pol_status pol_compile_prefetch(
	struct pol_compiler *compiler, const struct pol_ast_grantee *statement, uint32_t first);
/* Takes the result for the pattern. False: the next prefetched pattern is another one. */
bool pol_compile_prefetch_take(struct pol_compiler *compiler, const struct pol_ast_pattern *pattern,
	uint32_t *out_node, uint32_t *out_depth);

/* compile_expand.c: adds the permissions of a verb (POL_NONE: of all verbs) in a range of nodes to
 * a selection. *out_any becomes true when there are any. POL_OK, POL_ENOMEM or an arena's status.
 */
enum pol_status pol_compile_expand(struct pol_compiler *compiler, struct pol_node_range range,
	uint32_t verb, struct pol_selection *into, bool *out_any);
/* Adds one set to a selection. POL_OK or scratch's status. */
enum pol_status pol_compile_expand_add_set(
	struct pol_compiler *compiler, struct pol_selection *into, struct pol_permset set);
/* Sorts the runs from number `first` on and joins those that touch. */
void pol_compile_expand_merge(struct pol_selection *selection, size_t first);
/* Makes one set of a selection. */
enum pol_status pol_compile_expand_set(struct pol_compiler *compiler,
	const struct pol_selection *selection, struct pol_permset *out);
/* Builds compiler->postings from the numbered trees. */
enum pol_status pol_compile_expand_postings(struct pol_compiler *compiler);
/* Creates and destroys the cache of sets. Destroy it also when its creation failed. */
enum pol_status pol_compile_expand_create(struct pol_compiler *compiler);
void pol_compile_expand_destroy(struct pol_compiler *compiler);

/* All roles, or all scopes, while they are compiled. Arrays are by number unless they say other. */
struct pol_grantee_kind {
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
	uint32_t **parents; /* parent_counts[i] of them; POL_NONE: left out, it closed a circle */
	uint32_t *parent_counts;
	uint32_t *order;                      /* all numbers, parents before their children */
	bool *doubtful;                       /* it may grant other than was meant */
	const struct pol_ast_grantee **aside; /* a list: those without a number, after a mistake */
	uint32_t aside_count;
};

/* compile_inherit.c: resolves the names of parents, reports circles, and adds what is inherited to
 * the sets. */
enum pol_status pol_compile_inherit(struct pol_grantee_kind *kind);
/* compile_exclusive.c: fills in the exclusive sets of all roles, and reports roles that break one.
 */
enum pol_status pol_compile_exclusives(struct pol_grantee_kind *roles);

/* All that a statement allows, or all that it denies. Grant i selected the runs and sets from
 * *_ends[i - 1] up to, not including, *_ends[i]. A grant whose condition is another one in some of
 * its patterns is several of them. */
struct pol_pieces {
	struct pol_compiler *compiler;
	struct pol_selection selection;
	const struct pol_ast_grant **grants;
	const struct pol_condition **conditions; /* by grant; NULL: always */
	bool *doubtful;                          /* by grant: it may select other than was meant */
	size_t *run_ends;
	size_t *set_ends;
	size_t count;
	bool any_conditional;
};

/* compile_cover.c: what grant i selected; a view. */
struct pol_selection pol_compile_cover_pieces(const struct pol_pieces *pieces, size_t i);
/* Joins all of it into one set, what has a condition into the conditionals of `out`, and warns of
 * grants that another one covers. */
enum pol_status pol_compile_cover_join(const struct pol_pieces *pieces, bool deny,
	struct pol_permset *out_set, struct pol_grantee *out);

/* compile_origin.c: adds the grants as rules to out->rules, which has room for them. POL_OK or the
 * snapshot's arena's status, as for the two below. */
enum pol_status pol_compile_origin_rules(const struct pol_pieces *pieces, struct pol_origin *out);
/* Notes the position of each statement and what it inherits, after pol_compile_inherit. */
enum pol_status pol_compile_origin_parents(struct pol_grantee_kind *kind);
/* Keeps copies of the files in the snapshot, for explanations. */
enum pol_status pol_compile_origin_files(
	struct pol_snapshot *snapshot, const struct pol_source *sources, size_t count);

/* Does a look-up miss nothing? */
static inline bool pol_compile_loss_is_none(const struct pol_loss *loss)
{
	return !loss->nodes && !loss->verbs && !loss->doubt;
}

/* compile_grant.c: adds what the grant selects, less its exception. *loss: what may be missing in
 * it. */
enum pol_status pol_compile_grant_select(struct pol_compiler *compiler,
	const struct pol_ast_grant *grant, struct pol_selection *into, struct pol_loss *loss);
/* The set of what the verbs of the grant select in some of its patterns, which have no mistake, and
 * what is in `whole`. */
enum pol_status pol_compile_grant_select_part(struct pol_compiler *compiler,
	const struct pol_ast_grant *grant, const struct pol_ast_patterns *patterns,
	const struct pol_permset *whole, struct pol_permset *out);

/* compile_grants.c: compiles what a statement's own grants allow and deny into *out, and its rules
 * into *origin. */
enum pol_status pol_compile_grants(struct pol_compiler *compiler,
	const struct pol_ast_grantee *statement, struct pol_grantee *out,
	struct pol_origin *origin);

/*
 * stack_compile.c and suite_compile.c: the stages for stacks and tests. Both fill their part of the
 * snapshot from its arena and report mistakes in diags. POL_OK; POL_EINVALID after at least one
 * error; or the arena's status. They run after mistakes in earlier stages too, to find more.
 */
enum pol_status pol_stack_compile(struct pol_snapshot *snapshot, const struct pol_ast *ast,
	const struct pol_host *host, struct pol_diags *diags);
enum pol_status pol_suite_compile(
	struct pol_snapshot *snapshot, const struct pol_ast *ast, struct pol_diags *diags);

/* --- a policy that differs from its text: compile.c ------------------------------------------- */

/* Changes the parsed policy, which has no mistake, before it is compiled. It may leave statements
 * out; it must not reorder them. */
struct pol_compile_edit {
	void (*apply)(const struct pol_compile_edit *edit, struct pol_ast *ast);
};

/* pol_compile of diags->sources; edit NULL: nothing is changed. The revision is that of the
 * sources, so that the snapshot is only good for questions about it. */
enum pol_status pol_compile_edited(const struct pol_host *host, struct pol_diags *diags,
	const struct pol_compile_edit *edit, struct pol_snapshot **out);
