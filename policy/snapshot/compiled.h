/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compiled: what a snapshot is made of. For policy/ alone.
 *
 * Everything hangs in snapshot->arena, text included: nothing refers to sources or statements.
 * compile.c fills it in this order: environments, limits, trees, scopes, roles, exclusive,
 * principals, then stacks (stack.h: pol_stack_compile) and tests (suite's: pol_suite_compile),
 * which may use everything before them.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/arena.h"
#include "policy/text/diag.h"
#include "policy/text/names.h"
#include "policy/text/path.h"
#include "policy/text/word.h"

#define POL_VERB_GET  0
#define POL_VERB_HEAD 1

struct pol_node {
	struct pol_str name; /* the literal, or the parameter's name; the tree's at its root */
	struct pol_str description; /* ptr NULL: none */
	uint32_t parent;            /* POL_NONE: a root */
	uint32_t end;               /* one past the last node below it */
	uint32_t tree;
	uint32_t wild;              /* the parameter or rest child, or POL_NONE */
	uint32_t first;             /* its permissions: up to the next node's first */
	uint32_t action;            /* its actions: likewise */
	enum pol_segment_kind kind; /* LITERAL, PARAM, REST; LITERAL for a root */
};

/* A name with the permissions that it stands for; a bare method is one too. */
struct pol_action {
	struct pol_str description;
	uint32_t verb; /* number in snapshot->verbs */
	struct pol_run run;
	bool has_methods; /* a name with methods: run is one permission for each */
};

struct pol_tree {
	struct pol_str name;
	struct pol_str description;
	uint32_t root;
};

/* What may be missing, or be other than was meant, at a node after a mistake in a tree. */
#define POL_DAMAGE_DOUBT      1U  /* something of it is not as it was meant */
#define POL_DAMAGE_VERBS      2U  /* actions or methods; those of all that is below, too */
#define POL_DAMAGE_LITERALS   4U  /* children that are literals */
#define POL_DAMAGE_PARAMETERS 8U  /* children that are parameters or rests */
#define POL_DAMAGE_RIVALS     16U /* a second parameter stands beside the wild child */
#define POL_DAMAGE_TORN       32U /* all of that, of all nodes below as well */
#define POL_DAMAGE_MOVED      64U /* below one of such parameters: it may belong below another */
#define POL_DAMAGE_ANY        15U

struct pol_damage {
	uint32_t verbs;    /* nodes before this one whose verbs may be missing */
	uint32_t doubtful; /* likewise, of which something is in doubt */
	uint32_t marks;    /* of the node itself */
	uint32_t rival;    /* the next parameter or rest of its parent, or POL_NONE */
};

/* What may be missing in what was looked for: then that it was not found is no news. */
struct pol_loss {
	bool nodes;
	bool verbs;
	bool doubt;
};

/* What a literal's slot holds of its name: all of most. */
#define POL_LITERAL_HEAD 16

/* A literal child: found by parent and folded name. What tells it is here, so that the node and its
 * text, which lie elsewhere in memory, are touched by those alone who go on from it. */
struct pol_literal {
	uint32_t hash;
	uint32_t node; /* 0 is a root and no child, so a zeroed slot is free */
	uint32_t parent;
	uint32_t len;
	char head[POL_LITERAL_HEAD]; /* of the name */
};

/* Where a role stands in an exclusive set, own or through what it inherits. */
struct pol_exclusion {
	uint32_t set;
	uint32_t member;
};

/* A role or a scope. The sets hold what is inherited or included too. */
struct pol_grantee {
	struct pol_permset allow;
	struct pol_sketch sketch; /* of `allow`, once all are joined */
	struct pol_permset deny;
	struct pol_str name;
	struct pol_str description;
	struct pol_exclusion *exclusions; /* roles */
	uint32_t exclusion_count;
};

/* One grant: what it selects, as it was compiled into the sets, and where it stands. */
struct pol_rule {
	struct pol_span at; /* its first word */
	uint32_t line;
	uint32_t run_count;
	uint32_t set_count;
	bool deny;
	const struct pol_run *runs; /* small pieces, the others as sets */
	const struct pol_permset *sets;
};

/* Where a role or scope stands, what it says itself, and from whom it has the rest. For whoever
 * explains a decision; deciding reads none of it. */
struct pol_origin {
	struct pol_span at;
	uint32_t line;
	uint32_t rule_count;
	uint32_t parent_count;
	struct pol_rule *rules;
	uint32_t *parents; /* what it inherits or includes, by number */
};

/* A role of a principal that the files declare. */
struct pol_assignment {
	struct pol_held held;
	int64_t until; /* Unix seconds; 0: for good */
};

struct pol_principal {
	struct pol_str id;
	struct pol_span at;
	struct pol_str description;
	struct pol_assignment *assignments;
	uint32_t assignment_count;
};

/* A line `peer user NAME` or `peer group NAME`. */
struct pol_peer {
	uint32_t id; /* the machine's number for the name, when it is known */
	uint32_t principal;
	uint32_t line; /* in the order of the files */
	bool group;
	bool known;
};

struct pol_stack;       /* stack.h */
struct pol_stored_slot; /* stored_internal.h */
struct pol_case;        /* suite's own */
struct pol_used;        /* used.h */

/* What comes behind the arena is shared with extensions as it is. */
struct pol_snapshot {
	atomic_size_t references;
	struct pol_arena arena;
	char revision[17];
	struct pol_source *files; /* copies, so that places can be shown; spans count them */
	uint32_t file_count;
	struct pol_used *used; /* what came from the host; first of a list, or NULL */

	struct pol_environment *environments;
	size_t environment_count;
	struct pol_names environment_names;
	struct pol_limits limits;

	struct pol_tree *trees;
	uint32_t tree_count;
	struct pol_names tree_names;
	struct pol_node *nodes; /* node_count, and one more that ends the last */
	uint32_t node_count;
	struct pol_action *actions;
	uint32_t action_count;
	struct pol_str *verbs; /* names of actions and methods, each once */
	uint32_t verb_count;
	bool *verb_is_method;
	struct pol_names verb_names; /* GET is POL_VERB_GET, HEAD POL_VERB_HEAD */
	uint32_t *permissions;       /* verb numbers: the method, or the action without methods */
	uint32_t permission_count;
	struct pol_literal *literals;
	uint32_t literal_mask;
	struct pol_damage *damage; /* node_count + 1; NULL: there was no mistake in a tree */
	bool tree_lost;            /* of a tree not even the name is known */

	struct pol_grantee *roles;
	struct pol_origin *role_origins;
	uint32_t role_count;
	uint32_t anyone;                /* its role, or POL_NONE */
	struct pol_snapshot *base;      /* of an extension (stored.h), else NULL */
	struct pol_stored_slot *stored; /* its last roles, in their order */
	uint32_t stored_count;
	struct pol_names role_names;
	struct pol_grantee *scopes;
	struct pol_origin *scope_origins;
	uint32_t scope_count;
	struct pol_names scope_names;
	uint32_t exclusive_count;
	struct pol_principal *principals;
	uint32_t principal_count;
	struct pol_names principal_names;
	struct pol_peer *peers; /* those that the machine knows: users, then groups, by number */
	uint32_t peer_count;
	struct pol_names peer_names; /* "user NAME", "group NAME": the number of the line */
	uint32_t *peer_principals;   /* by that number */

	struct pol_stack *stacks;
	uint32_t stack_count;
	struct pol_names stack_names;  /* filled by pol_stack_compile */
	const struct pol_stack *other; /* NULL: not declared */
	bool may_charge;               /* some stack has a line that may name a charge */
	struct pol_case *tests;
	uint32_t test_count;

	size_t grant_count;
};

/* The declared principal whose peer is the user of that name, or POL_NONE; for tests. peer.c */
uint32_t pol_peer_user(const struct pol_snapshot *snapshot, struct pol_str name);

/* damage.c: adds to *loss what may be missing in nodes [first, end). */
void pol_damage_of_nodes(
	const struct pol_snapshot *snapshot, uint32_t first, uint32_t end, struct pol_loss *loss);
/* The same of a child that the node does not have. */
void pol_damage_of_child(const struct pol_snapshot *snapshot, uint32_t node,
	enum pol_segment_kind kind, struct pol_loss *loss);
/* The same of where a request's TREE:/path leads, or would. */
void pol_damage_of_place(
	const struct pol_snapshot *snapshot, struct pol_str place, struct pol_loss *loss);
