/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * parse: bytes into statements with positions.
 *
 * The statements of all files of a folder, in file order, as written: names are not resolved,
 * nothing is checked that needs a second statement. Everything lives in the arena that the caller
 * gave, but views of unquoted words point into the sources. The parser resumes at the next
 * statement after a mistake, so what it returns beside errors is good for finding more of them
 * and for nothing else: lines with a mistake are left out. A statement whose name is missing stays,
 * for the mistakes in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/diag.h"
#include "policy/text/line.h"
#include "policy/text/path.h"
#include "policy/text/str.h"
#include "policy/text/terms.h"

struct pol_segment {
	enum pol_segment_kind kind;
	struct pol_span at;
	struct pol_str text;
};

/* A path as declared; no segments is the root. */
struct pol_ast_path {
	struct pol_segment *segments;
	uint32_t count;
	struct pol_span at;
};

/* TREE:/path of a grant. Lists of suffixes are spread out: each has one path, whose `at` is the
 * place to complain about. */
struct pol_ast_pattern {
	struct pol_word tree;
	struct pol_ast_path path;
};

struct pol_ast_patterns {
	struct pol_ast_pattern *items;
	uint32_t count;
};

struct pol_ast_environment {
	struct pol_word name, description, prefix;
};

enum pol_ast_entry_kind {
	POL_ENTRY_NODE,
	POL_ENTRY_METHOD,
	POL_ENTRY_ACTION,
	/* after a mistake: */
	POL_ENTRY_LOST,      /* anything may be missing here */
	POL_ENTRY_LOST_VERB, /* an action or a method is */
	POL_ENTRY_DOUBTFUL   /* what was meant stands beside this */
};

struct pol_ast_entry {
	enum pol_ast_entry_kind kind;
	struct pol_word description;
	union {
		struct { /* METHOD, ACTION */
			struct pol_word name;
			struct pol_words methods; /* ACTION */
		};
		struct { /* NODE: `/a, /b { … }` */
			struct pol_ast_path *paths;
			struct pol_ast_entry *entries;
			uint32_t path_count;
			uint32_t entry_count;
		};
	};
};

struct pol_ast_tree {
	struct pol_word name, description;
	struct pol_ast_entry *entries;
	uint32_t entry_count;
	bool torn;     /* what stands in it, and where, is not known */
	bool unclosed; /* a '}' is missing: any block of it may be the one that lacks it */
	bool misnamed; /* the name is none: another was meant */
};

struct pol_ast_grant {
	struct pol_span at; /* allow or deny */
	bool deny;
	bool all;    /* then verbs is empty */
	bool except; /* at least one of except_all, _verbs and _patterns is given */
	bool except_all;
	struct pol_words verbs;
	struct pol_ast_patterns patterns;
	struct pol_words except_verbs;
	struct pol_ast_patterns except_patterns;
	struct pol_span except_at;
};

/* A role or a scope. */
struct pol_ast_grantee {
	struct pol_word name, description;
	struct pol_words parents; /* inherits, includes */
	struct pol_ast_grant *grants;
	uint32_t grant_count;
	bool incomplete; /* a part was not understood and is left out */
};

/* role A, B [at P, P] [until T] */
struct pol_ast_held {
	struct pol_words roles;
	struct pol_words places; /* raw, `api:/loans/7` */
	struct pol_word until;   /* RFC 3339, raw */
};

struct pol_ast_peer {
	bool group;
	struct pol_word name;
};

struct pol_ast_principal {
	struct pol_word id, description;
	struct pol_ast_peer *peers;
	uint32_t peer_count;
	struct pol_ast_held *held;
	uint32_t held_count;
};

struct pol_ast_exclusive {
	struct pol_span at;
	struct pol_words roles;
};

struct pol_ast_limit {
	struct pol_word name, value;
};

struct pol_ast_stack {
	struct pol_word name;
	struct pol_ast_line *lines;
	uint32_t line_count;
	bool incomplete; /* a line was not understood and is left out */
};

enum pol_step_kind {
	POL_STEP_AS_ROLE,
	POL_STEP_AND_ROLE,
	POL_STEP_AS_PRINCIPAL, /* word: the id, or `inactive` */
	POL_STEP_AS_NOBODY,
	POL_STEP_WITH_SCOPE,  /* words */
	POL_STEP_KEY_AT,      /* words: places */
	POL_STEP_KEY_STATE,   /* word: active, inactive, expired, revoked, missing, unknown */
	POL_STEP_ENVIRONMENT, /* word */
	POL_STEP_SERVICE,     /* word */
	POL_STEP_FROM,        /* word */
	POL_STEP_TIME,        /* word */
	POL_STEP_PEER,        /* word */
	POL_STEP_MFA,
	POL_STEP_EXPECT
};

struct pol_ast_step {
	enum pol_step_kind kind;
	struct pol_span at;
	struct pol_word word;
	struct pol_words words;
	struct pol_ast_held held; /* AS_ROLE, AND_ROLE */
	bool deny;                /* EXPECT, the rest too */
	struct pol_words verbs;
	struct pol_words places; /* raw, `api:/loans/../x` allowed */
	struct pol_word because;
};

struct pol_ast_test {
	struct pol_word name;
	struct pol_ast_step *steps;
	uint32_t step_count;
	bool incomplete; /* a line was not understood and is left out */
};

/* X(type, field): the lists of statements. */
#define POL_AST_LISTS(X)                                                                           \
	X(struct pol_ast_environment, environments)                                                \
	X(struct pol_ast_tree, trees)                                                              \
	X(struct pol_ast_grantee, roles)                                                           \
	X(struct pol_ast_grantee, scopes)                                                          \
	X(struct pol_ast_principal, principals)                                                    \
	X(struct pol_ast_exclusive, exclusives)                                                    \
	X(struct pol_ast_limit, limits)                                                            \
	X(struct pol_ast_stack, stacks)                                                            \
	X(struct pol_ast_test, tests)

struct pol_ast {
#define POL_AST_FIELD(type, field)                                                                 \
	type *field;                                                                               \
	size_t field##_count;                                                                      \
	size_t field##_capacity;
	POL_AST_LISTS(POL_AST_FIELD)
#undef POL_AST_FIELD
};

/*
 * Parses every source into *out, whose lists keep the order of the files. Mistakes go to diags.
 * Returns POL_OK when there was none, POL_EINVALID when diags says what is wrong, or the arena's
 * status. Bounds: nesting 64, a name 128 bytes.
 */
enum pol_status pol_parse(const struct pol_source *sources, size_t count, struct pol_arena *arena,
	struct pol_diags *diags, struct pol_ast *out);

/* Bytes of statements that a byte of text becomes, more or less. */
#define POL_PARSE_GROWTH 10

/*
 * The same of diags' own sources, pieces of them side by side where the host can and they are large
 * (host NULL: it cannot). Where one piece has anything to complain of all is parsed again in one
 * go, so that mistakes are found, told and bounded as ever.
 */
struct pol_host;
enum pol_status pol_parse_spread(const struct pol_host *host, struct pol_arena *arena,
	struct pol_diags *diags, struct pol_ast *out);
