/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * parse: the parser, from sources to statements (the syntax tree, AST) with positions.
 *
 * The statements of all files come in the order of the files. Names are not resolved, and nothing
 * is checked that concerns more than one statement. The AST lives in the caller's arena; the text
 * of unquoted words is a view of the sources. After a mistake the parser goes on with the next line
 * or statement, so that one run reports all mistakes. Lines with a mistake are left out, but a
 * statement without a name stays. An AST with errors is only good for finding further errors.
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

/* Bytes of one file, and of all files of a folder; more is an error. A caller need not read more
 * than one byte past them. */
#define POL_FILE_MAX   ((size_t)8 * 1024 * 1024)
#define POL_FOLDER_MAX ((size_t)64 * 1024 * 1024)

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

/* TREE:/path of a grant. A list of suffixes becomes one pattern for each of them, and path.at is
 * the position of the suffix. */
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
	POL_ENTRY_STRICT_SLASH, /* a setting, in a tree's own block */
	/* marks for what a mistake may have left out of the list: */
	POL_ENTRY_LOST,      /* any entries */
	POL_ENTRY_LOST_VERB, /* an action or a method */
	POL_ENTRY_DOUBTFUL   /* nothing, but the entry before may not be what was meant */
};

struct pol_ast_entry {
	enum pol_ast_entry_kind kind;
	struct pol_word description;
	union {
		struct { /* METHOD, ACTION, STRICT_SLASH */
			struct pol_word name;
			struct pol_words methods; /* ACTION */
			bool yes;                 /* STRICT_SLASH */
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
	bool broken;   /* its braces do not match or it was not parsed: any node may be missing */
	bool unclosed; /* a '}' is missing: it may be that of any block of the tree */
	bool misnamed; /* the name is not valid: another one was meant */
};

/* An operand of a comparison. */
enum pol_ast_operand_kind {
	POL_AST_WORD,     /* a fact, the name of a condition, or a value without quotes */
	POL_AST_STRING,   /* a value in quotes */
	POL_AST_PARAMETER /* {name}; the word is without braces */
};
struct pol_ast_operand {
	enum pol_ast_operand_kind kind;
	struct pol_word word;
};
struct pol_ast_operands {
	struct pol_ast_operand *items;
	uint32_t count;
};

/* A line of `facts { … }`: SPACE.NAME TYPE [default VALUE, …]. */
struct pol_ast_fact {
	struct pol_word name;            /* `resource.owner` */
	struct pol_words types;          /* one: a type; several: the words that it may be */
	struct pol_ast_operands presets; /* after `default`; several are the members of a set */
	bool incomplete;                 /* its type or its default has a mistake */
};

enum pol_ast_comparison {
	POL_AST_ALONE, /* a fact of type bool, or the name of a condition; nothing on the right */
	POL_AST_IS,
	POL_AST_IS_NOT,
	POL_AST_LESS,
	POL_AST_LESS_OR_EQUAL,
	POL_AST_GREATER,
	POL_AST_GREATER_OR_EQUAL,
	POL_AST_IN,
	POL_AST_NOT_IN,
	POL_AST_HAS,
	POL_AST_HAS_ANY,
	POL_AST_HAS_ALL
};
enum pol_ast_condition_kind {
	POL_AST_COMPARE,
	POL_AST_NOT, /* one part */
	POL_AST_AND,
	POL_AST_OR
};
struct pol_ast_condition {
	enum pol_ast_condition_kind kind;
	enum pol_ast_comparison comparison; /* COMPARE */
	struct pol_span at;                 /* all of it */
	struct pol_ast_operand left;        /* COMPARE */
	struct pol_ast_operands right;      /* COMPARE: one, or the items of a list */
	struct pol_ast_condition *parts;    /* NOT, AND, OR */
	uint32_t part_count;
	struct pol_known_condition
		*known; /* of a whole one: see compile_condition.h; NULL at first */
};

/* condition NAME = CONDITION */
struct pol_ast_named_condition {
	struct pol_word name;
	struct pol_ast_condition condition;
	bool incomplete; /* it has a mistake: it may mean anything */
};

/* `attribute NAME VALUE, …` of a principal, and one of the facts of `given` in a test. */
struct pol_ast_given {
	struct pol_word name;           /* `branch` of an attribute, `resource.owner` of a fact */
	struct pol_ast_operands values; /* `empty` and `absent` of a test are words among them */
};

struct pol_ast_grant {
	struct pol_span at; /* of allow or deny */
	bool deny;
	bool all;    /* verbs is empty then */
	bool except; /* there is at least one of except_all, _verbs and _patterns */
	bool except_all;
	struct pol_words verbs;
	struct pol_ast_patterns patterns;
	struct pol_words except_verbs;
	struct pol_ast_patterns except_patterns;
	struct pol_span except_at;
	uint32_t when_offset; /* where the condition begins; its file is that of `at` */
	/* NULL: always. Grants may share one that they write alike: its positions are those of the
	 * first of them. */
	struct pol_ast_condition *when;
};

/* The position in the grant of what is at `at` in grant->when. */
static inline struct pol_span pol_ast_when_at(const struct pol_ast_grant *grant, struct pol_span at)
{
	return (struct pol_span){ grant->at.file,
		at.offset + (grant->when_offset - grant->when->at.offset), at.length };
}

/* The condition with the grant's own positions, a copy if it has others. NULL: no memory. */
const struct pol_ast_condition *pol_parse_known_own(
	struct pol_arena *arena, const struct pol_ast_grant *grant);

/* A role or a scope. */
struct pol_ast_grantee {
	struct pol_word name, description;
	struct pol_words parents; /* the names after inherits or includes */
	struct pol_ast_grant *grants;
	uint32_t grant_count;
	bool incomplete; /* a part with a mistake is left out */
};

/* role A, B [at P, P] [until T] */
struct pol_ast_assignment {
	struct pol_words roles;
	struct pol_words places; /* `api:/loans/7`, not normalised */
	struct pol_word until;   /* RFC 3339, not checked */
};

struct pol_ast_peer {
	bool group;
	struct pol_word name;
};

struct pol_ast_principal {
	struct pol_word id, description;
	struct pol_ast_peer *peers;
	uint32_t peer_count;
	struct pol_ast_assignment *held;
	uint32_t held_count;
	struct pol_ast_given *attributes;
	uint32_t attribute_count;
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
	bool incomplete; /* a line with a mistake is left out */
};

enum pol_step_kind {
	POL_STEP_AS_ROLE,
	POL_STEP_AND_ROLE,
	POL_STEP_EVERYONE_ROLE, /* held: by every principal */
	POL_STEP_ANYONE_ROLE,   /* held: by every caller */
	POL_STEP_AS_PRINCIPAL,  /* word: the id, or `inactive` */
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
	POL_STEP_GIVEN, /* given */
	POL_STEP_EXPECT
};

struct pol_ast_step {
	enum pol_step_kind kind;
	struct pol_span at;
	struct pol_word word;
	struct pol_words words;
	struct pol_ast_assignment held; /* AS_ROLE, AND_ROLE, EVERYONE_ROLE, ANYONE_ROLE */
	struct pol_ast_given *given;    /* GIVEN */
	uint32_t given_count;
	/* EXPECT: */
	bool deny;
	struct pol_words verbs;
	struct pol_words places; /* any path, even a malformed one: `api:/loans/../x` */
	struct pol_word because;
};

struct pol_ast_test {
	struct pol_word name;
	struct pol_ast_step *steps;
	uint32_t step_count;
	bool incomplete; /* a line with a mistake is left out */
};

/* X(type, field): the lists of statements. */
#define POL_AST_LISTS(X)                                                                           \
	X(struct pol_ast_environment, environments)                                                \
	X(struct pol_ast_fact, facts)                                                              \
	X(struct pol_ast_named_condition, conditions)                                              \
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
 * Parses the sources into *out. Mistakes are added to diags. POL_OK: there is none; POL_EINVALID:
 * there is at least one; else the status of the arena. No source at all is a mistake.
 */
enum pol_status pol_parse(const struct pol_source *sources, size_t count, struct pol_arena *arena,
	struct pol_diags *diags, struct pol_ast *out);

/* Bytes of AST for one byte of text, an estimate. */
#define POL_PARSE_GROWTH 10

/*
 * pol_parse of diags->sources; large sources are cut into pieces that host->parallel parses at the
 * same time. If any piece has a diagnostic, all sources are parsed again by pol_parse, so that the
 * diagnostics are the same. host NULL: pol_parse only.
 */
struct pol_host;
enum pol_status pol_parse_parallel(const struct pol_host *host, struct pol_arena *arena,
	struct pol_diags *diags, struct pol_ast *out);
