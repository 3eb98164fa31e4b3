/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * model: a random policy, and what it means according to the reference manual.
 *
 * It shares no code with policy/. A set is a bit for each permission, found by checking for every
 * permission whether a grant selects it; trees are walked node by node. model_make.c makes a policy
 * from a seed, model_print.c writes it as text, and model.c decides what is allowed from the
 * structures below, never from the text.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

/* 0 to sides - 1. */
unsigned roll(struct dice *dice, unsigned sides);
/* True with a probability of `percent`. */
bool chance(struct dice *dice, unsigned percent);

enum { TREES = 3, NODES = 256, ACTIONS = 5, METHODS = 3, DEPTH = 5, PERMISSIONS = 4096 };
enum { VERBS = 3, PATTERNS = 3, SUFFIXES = 3, GRANTS = 5, PARENTS = 2, ROLES = 6, SCOPES = 4 };
enum { FACTS = 3 }; /* context.f0, context.f1, ...: bool, without a default */
enum { HELD = 3, COMMON = 2, PLACES = 2, SEGMENTS = DEPTH + 3, ANYONE = 0 };

enum segment_kind { LITERAL, PARAM, REST, STAR, STARSTAR };

struct segment {
	enum segment_kind kind;
	const char *name; /* of the first three */
};

struct route {
	struct segment segments[2 * DEPTH];
	unsigned count;
};

/* A name with its methods, a name alone, or a bare method. */
struct action {
	const char *name;
	const char *methods[METHODS];
	unsigned method_count;
};

struct node {
	unsigned tree;
	int parent; /* -1: a tree's root */
	unsigned depth;
	struct segment segment;
	struct action actions[ACTIONS];
	unsigned action_count;
	unsigned first, end; /* its permissions */
	int twin;            /* an earlier sibling declared together with it, or -1 */
};

struct permission {
	unsigned node, action;
	const char *verb; /* the method, or the action without methods */
};

struct set {
	uint64_t words[PERMISSIONS / 64];
};

/* `/a { /b, /c }`: when there are inner routes, it stands only for these. */
struct suffix {
	struct route route;
	struct route inner[SUFFIXES];
	unsigned inner_count;
};

struct pattern {
	unsigned tree;
	struct route head;
	struct suffix suffixes[SUFFIXES];
	unsigned suffix_count;
};

struct selector {
	bool all;
	const char *verbs[VERBS];
	unsigned verb_count; /* neither all nor verbs: `except PATTERNS` */
	struct pattern patterns[PATTERNS];
	unsigned pattern_count; /* none: `except ACTIONS` */
};

struct grant {
	bool deny, except;
	struct selector what, less;
	unsigned condition; /* 0: none; else 1 + 2 * the fact, and 1 more for `not` */
};

/* A role or a scope. */
struct grantee {
	char name[16];
	struct grant grants[GRANTS];
	unsigned grant_count;
	unsigned parents[PARENTS];
	unsigned parent_count;
	/* With the policy's facts, inherited ones included: model_finish. */
	struct set allow, deny;
};

struct policy {
	unsigned tree_count;
	const char *trees[TREES];
	bool strict[TREES]; /* strict_slash */
	struct node nodes[NODES];
	unsigned node_count;
	struct permission permissions[PERMISSIONS];
	unsigned permission_count;
	struct grantee roles[ROLES]; /* ANYONE is `anyone` when has_anyone */
	unsigned role_count;
	bool has_anyone;
	struct grantee scopes[SCOPES];
	unsigned scope_count;
	bool conditional; /* some grants have conditions */
	bool facts[FACTS];
	bool anonymous; /* the stack lets a caller without a token through */
	bool has_fault;
	struct grant fault; /* a wrong grant: it selects nothing, or its exception is wrong */
};

/* A request's path, or a place. */
struct concrete {
	unsigned tree;
	const char *segments[SEGMENTS];
	unsigned count;
	bool slash; /* a '/' at the end */
};

enum who { NOBODY, PRINCIPAL, KEY_OF_PRINCIPAL, KEY_OF_ROLES, KEY_OF_SCOPES };

#define GONE (-1) /* a role or scope that the policy no longer has */

/* Who holds a role: the subject, every principal, or every caller. */
enum by { BY_ITSELF, BY_EVERYONE, BY_ANYONE };

/* The most that a subject holds, with what all hold. */
enum { MOST_HELD = HELD + 2 * COMMON };

struct holding {
	int role;
	enum by by; /* those of all come last, those of every caller after the others */
	struct concrete places[PLACES];
	unsigned place_count;
};

struct subject {
	enum who who;
	struct holding held[MOST_HELD];
	unsigned held_count;
	int scopes[PLACES];
	unsigned scope_count;
	struct concrete places[PLACES];
	unsigned place_count;
};

/* --- model_make.c, model_tree.c --------------------------------------------------------------- */

/* Trees, nodes and permissions. */
void make_trees(struct dice *dice, struct policy *out);
void make_policy(struct dice *dice, struct policy *out);
/* A path that leads to the node, with random values for its parameters. */
void make_concrete(
	struct dice *dice, const struct policy *policy, unsigned node, struct concrete *out);
void make_subject(struct dice *dice, const struct policy *policy, struct subject *out);

/* --- model_print.c, model_print_path.c -------------------------------------------------------- */

enum { FILES = 4 };

/* Writes the policy to files[0 .. return value - 1], with statements and declarations in a random
 * order. The caller frees each. With the fault, the policy must be refused. */
unsigned print_policy(
	struct dice *dice, const struct policy *policy, bool fault, char *files[FILES]);
/* Writes one grant on one line, as for a stored role. The caller frees it. */
char *print_grant(const struct policy *policy, const struct grant *grant);
/* "api:/a/{x}" and "api:/a/7", into `room` bytes. */
void print_node(const struct policy *policy, unsigned node, char *out, size_t room);
void print_concrete(
	const struct policy *policy, const struct concrete *concrete, char *out, size_t room);
void print_subject(
	const struct policy *policy, const struct subject *subject, char *out, size_t room);

/* --- model_grant.c ---------------------------------------------------------------------------- */

bool has(const struct set *set, unsigned permission);
/* Does the verb, an action or a method, stand for that permission? */
bool stands_for(const struct policy *policy, const char *verb, unsigned permission);
/* Path number `number` of a pattern, its suffix joined. False: there are fewer. */
bool spread(const struct pattern *pattern, unsigned number, struct route *out);
bool selects(const struct policy *policy, const struct selector *selector, unsigned permission);
/* Does the language accept the grant: does every verb and pattern find something, does every part
 * of the exception take something away, and is something left? */
bool grant_is_valid(const struct policy *policy, const struct grant *grant);
/* Computes the sets of all roles and scopes, with what they inherit. */
void model_finish(struct policy *policy);

/* --- model.c ---------------------------------------------------------------------------------- */

/* The node that a path means, or -1. */
int model_find(const struct policy *policy, const struct concrete *path);
/* Returns the reason of the decision, "ok" when it is allowed. */
const char *model_judge(const struct policy *policy, const struct subject *subject,
	const struct concrete *path, const char *verb);
/* Is one permission of the path's node allowed? Stacks are not considered. */
bool model_allows(const struct policy *policy, const struct subject *subject,
	const struct concrete *path, unsigned permission);
/* Is `path` at the place or below it? */
bool is_within(const struct concrete *place, const struct concrete *path);
