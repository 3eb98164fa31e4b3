/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compiled: the structures of a snapshot. Private to policy/.
 *
 * All of it is in snapshot->arena, text included; nothing points to sources or statements.
 * compile/compile.c fills it in this order: environments, limits, facts, conditions, trees, scopes
 * and roles, exclusive sets, principals, stacks, tests. A later part may use the earlier ones.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/condition.h"
#include "policy/snapshot/given.h"
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
	struct pol_str name;        /* of the literal or the parameter; for a root, of the tree */
	struct pol_str description; /* ptr NULL: none */
	uint32_t parent;            /* POL_NONE: a root */
	uint32_t end;               /* one past the last node below it */
	uint32_t tree;
	uint32_t wild;              /* the child that is a parameter or a rest, or POL_NONE */
	uint32_t first;             /* its first permission; the last is before the next node's */
	uint32_t action;            /* its first action; the last as above */
	enum pol_segment_kind kind; /* LITERAL, PARAM, REST; LITERAL for a root */
};

/* An action of a node and its permissions. A method without an action is one too. */
struct pol_action {
	struct pol_str description;
	uint32_t verb;      /* index into snapshot->verbs */
	struct pol_run run; /* its permissions */
	bool has_methods;   /* the action has methods: one permission for each */
};

struct pol_tree {
	struct pol_str name;
	struct pol_str description;
	uint32_t root;
	bool strict_slash; /* a request's '/' at the end begins an empty segment */
};

/*
 * After a mistake in a tree: what may be missing or wrong at a node. While there are errors the
 * rest of the policy is still checked, and what may be missing is not reported as unknown.
 */
#define POL_DAMAGE_DOUBT      1U  /* the node may differ from what was meant */
#define POL_DAMAGE_VERBS      2U  /* actions or methods may be missing, also of lost children */
#define POL_DAMAGE_LITERALS   4U  /* children that are literals may be missing */
#define POL_DAMAGE_PARAMETERS 8U  /* children that are parameters or rests may be missing */
#define POL_DAMAGE_RIVALS     16U /* the node has more than one parameter */
#define POL_DAMAGE_BROKEN     32U /* POL_DAMAGE_ANY, for all nodes below as well */
#define POL_DAMAGE_MOVED      64U /* below one of several parameters: may belong to another */
#define POL_DAMAGE_ANY        15U /* the first four */

struct pol_damage {
	uint32_t verbs;    /* how many nodes before this one have POL_DAMAGE_VERBS */
	uint32_t doubtful; /* how many nodes before this one have any mark */
	uint32_t marks;    /* POL_DAMAGE_ bits of this node */
	uint32_t rival;    /* the next parameter or rest of its parent, or POL_NONE */
};

/* What may be missing where something was looked up. If it is set, "not found" is no error. */
struct pol_loss {
	bool nodes;
	bool verbs;
	bool doubt;
};

/* Bytes of a literal's name that its slot holds; most names fit. */
#define POL_LITERAL_HEAD 16

/* A slot of the hash table of literal children; the key is the parent and the name. Holds what a
 * comparison needs, so that a look-up reads the node only if the name is long. */
struct pol_literal {
	uint32_t hash;
	uint32_t node; /* 0: the slot is free, as node 0 is a root */
	uint32_t parent;
	uint32_t len;
	char head[POL_LITERAL_HEAD]; /* the first bytes of the name */
};

/* A role's membership in an exclusive set, its own or inherited. */
struct pol_exclusion {
	uint32_t set;
	uint32_t member;
};

/* A role or a scope. The sets contain what it inherits or includes. */
struct pol_grantee {
	struct pol_permset allow; /* without a condition, as `deny` */
	struct pol_sketch sketch; /* of `allow` and `sometimes` */
	struct pol_permset deny;
	struct pol_permset sometimes;               /* the union of the sets of `conditionals` */
	const struct pol_conditional *conditionals; /* each condition and effect once */
	uint32_t conditional_count;
	uint32_t conditional_room; /* while roles are joined: of a list of its own; 0: it is shared
				    */
	struct pol_str name;
	struct pol_str description;
	struct pol_exclusion *exclusions; /* of a role */
	uint32_t exclusion_count;
};

/* One grant: its position and the permissions that it selects. A grant whose condition is another
 * one in some of its patterns is several rules. */
struct pol_rule {
	struct pol_span at; /* of its first word */
	uint32_t line;
	uint32_t run_count;
	uint32_t set_count;
	bool deny;
	const struct pol_condition *condition; /* NULL: always */
	const struct pol_run *runs;            /* the permissions: the union of runs and sets */
	const struct pol_permset *sets;
};

/* The provenance of a role's or scope's permissions: its position, its own grants, and what it
 * inherits or includes. For explanations; a decision does not read it. */
struct pol_origin {
	struct pol_span at;
	uint32_t line;
	uint32_t rule_count;
	uint32_t parent_count;
	struct pol_rule *rules;
	uint32_t *parents; /* numbers of the roles or scopes that it inherits or includes */
};

/* A role that a declared principal holds. */
struct pol_assignment {
	struct pol_held held;
	int64_t until; /* Unix seconds; 0: no end */
};

struct pol_principal {
	struct pol_str id;
	struct pol_span at;
	struct pol_str description;
	struct pol_assignment *assignments;
	uint32_t assignment_count;
	struct pol_given attributes;
};

/* A line `peer user NAME` or `peer group NAME`. */
struct pol_peer {
	uint32_t id; /* uid or gid, if known */
	uint32_t principal;
	uint32_t line; /* in the order of the files */
	bool group;
	bool known;
};

/* A note that a module left about its line. */
struct pol_note {
	struct pol_str module;
	struct pol_str text;
	struct pol_span at;
	uint32_t line;
};

struct pol_stack;       /* decide/stack.h */
struct pol_stored_slot; /* stored_internal.h */
struct pol_case;        /* compile/suite_case.h */
struct pol_dependency;  /* dependency.h */
struct pol_data_line;   /* prepared.h */
struct pol_fixed;       /* prepared.h */

/* An extension (stored.h) begins as a copy of all fields after the arena, and so does a snapshot
 * with new data files (compile/renew.h). */
struct pol_snapshot {
	atomic_size_t references;
	/* In a snapshot that was compiled: how many snapshots with other data files share its
	 * memory, and one for all references to itself. What is shared lives as long as any of
	 * them; what its own modules read from data files does not. */
	atomic_size_t holders;
	struct pol_arena arena;
	char revision[17];
	struct pol_source *files; /* copies of the sources, for positions; by span.file */
	uint32_t file_count;
	struct pol_dependency *modules; /* first of a list, or NULL */
	struct pol_dependency *data;    /* the same of their data files */
	struct pol_note *notes;         /* of modules */
	uint32_t note_count;
	bool module_is_too_large; /* memory ran out in a module, which was reported */

	struct pol_snapshot *compiled; /* of one with new data files: which it holds; else NULL */
	struct pol_fixed *fixed;       /* what does not depend on data files */
	struct pol_data_line *data_lines; /* in the order in which they were prepared */
	uint32_t data_line_count;

	struct pol_environment *environments;
	size_t environment_count;
	struct pol_names environment_names;
	struct pol_limits limits;

	struct pol_declared_fact *facts; /* the known ones, then the declared ones */
	uint32_t fact_count;
	struct pol_names fact_names;
	bool fact_lost;                          /* a mistake may have removed one */
	bool condition_lost;                     /* the same of named conditions */
	uint32_t condition_count;                /* distinct ones */
	const struct pol_condition **conditions; /* the named ones; NULL: it has a mistake */
	uint32_t named_condition_count;
	struct pol_names condition_names;
	struct pol_tree *trees;
	uint32_t tree_count;
	struct pol_names tree_names;
	struct pol_node *nodes; /* node_count, and one more as the end of the last */
	uint32_t node_count;
	struct pol_action *actions;
	uint32_t action_count;
	struct pol_str *verbs; /* names of actions and methods, without duplicates */
	uint32_t verb_count;
	bool *verb_is_method;
	struct pol_names verb_names; /* GET is POL_VERB_GET, HEAD is POL_VERB_HEAD */
	uint32_t *permissions;       /* the verb of each: a method, or an action without methods */
	uint32_t permission_count;
	struct pol_literal *literals;
	uint32_t literal_mask;
	struct pol_damage *damage; /* node_count + 1; NULL: no tree has a mistake */
	bool tree_lost;            /* the name of a tree could not be parsed */

	struct pol_grantee *roles;
	struct pol_origin *role_origins;
	uint32_t role_count;
	uint32_t anyone;                /* the number of role `anyone`, or POL_NONE */
	struct pol_snapshot *base;      /* of an extension (stored.h), else NULL */
	struct pol_stored_slot *stored; /* the last stored_count roles, in the same order */
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
	struct pol_peer *peers; /* the known ones: users, then groups, by ascending id */
	uint32_t peer_count;
	struct pol_names peer_names; /* "user NAME" or "group NAME" to the index of the line */
	uint32_t *peer_principals;   /* the principal of each line */

	struct pol_stack *stacks;
	uint32_t stack_count;
	struct pol_names stack_names;
	const struct pol_stack *other; /* the stack `other`, or NULL */
	bool may_charge;               /* a module of some stack may name a charge */
	struct pol_str *quotas;        /* the names of module `quota`, each once */
	uint32_t quota_count;
	struct pol_case *tests;
	uint32_t test_count;

	size_t grant_count;
};

/* The declared principal with the line `peer user NAME`, or POL_NONE; for the policy's own tests.
 * In peer.c. */
uint32_t pol_peer_user(const struct pol_snapshot *snapshot, struct pol_str name);

/* In damage.c. Adds to *loss what may be missing in nodes [first, end). */
void pol_damage_of_nodes(
	const struct pol_snapshot *snapshot, uint32_t first, uint32_t end, struct pol_loss *loss);
/* Adds to *loss what may be missing for a child of that kind that the node does not have. */
void pol_damage_of_child(const struct pol_snapshot *snapshot, uint32_t node,
	enum pol_segment_kind kind, struct pol_loss *loss);
/* Adds to *loss what may be missing on the way to a resource, TREE:/path. */
void pol_damage_of_resource(
	const struct pol_snapshot *snapshot, struct pol_str resource, struct pol_loss *loss);
