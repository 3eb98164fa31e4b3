/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * condition: declared facts and compiled conditions. Private to policy/, except the functions
 * that find a fact by its name.
 *
 * A condition is kept in negation normal form: `and` and `or` of predicates, each of which may be
 * negated. Names of other conditions are replaced by what they stand for, a list (`in`, `has any`,
 * `has all`) by one predicate for each item, `>` by `<` with its sides exchanged. In the logic of
 * three values (Kleene, 1952) De Morgan's laws hold, so nothing changes its meaning.
 *
 * Equal predicates and equal conditions of a snapshot are one object, so that an address shows
 * whether one was evaluated already. Conditions of a stored role are objects of their own. All of
 * it is immutable and lives as long as the snapshot, or the stored role.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/permset.h"
#include "policy/text/value.h"
#include "policy/text/word.h"

struct pol_snapshot;

/* Bounds of a policy; text/value.h has those of a condition as it is written. Predicates count
 * after names and lists are put in. */
#define POL_CONDITION_PREDICATES 64
#define POL_CONDITIONS_MAX       4096 /* distinct ones */
#define POL_FACTS_MAX            256  /* declared ones */

/* The first facts are known without a declaration; the declared ones follow in their order. */
enum pol_known_fact {
	POL_FACT_PRINCIPAL_ID = 0, /* string */
	POL_FACT_PRINCIPAL_TENANT, /* string */
	POL_FACT_PRINCIPAL_KIND,   /* word: user, service or none */
	POL_FACT_PRINCIPAL_ROLES,  /* strings: held here and now, and what they inherit */
	POL_FACT_ENVIRONMENT,      /* string: context.environment */
	POL_FACT_SERVICE,          /* string: context.service */
	POL_FACT_IP,               /* address: context.ip */
	POL_FACT_TIME,             /* time: context.time */
	POL_FACT_MFA_AGE,          /* duration since the second factor: context.mfa_age */
	POL_FACT_KNOWN             /* how many there are */
};

enum pol_space { POL_SPACE_PRINCIPAL, POL_SPACE_RESOURCE, POL_SPACE_ACTION, POL_SPACE_CONTEXT };

/* A fact, known or declared; its number is its index in snapshot->facts. */
struct pol_declared_fact {
	struct pol_str name; /* `resource.owner` */
	enum pol_space space;
	enum pol_type type;
	const struct pol_str *words; /* WORD: what it may be, as declared */
	uint32_t word_count;
	struct pol_value preset; /* its default; absent: it has none */
	struct pol_span at;      /* of its declaration; of a known one no position */
	bool is_used;            /* some condition reads it */
};

enum pol_operand_kind { POL_OPERAND_FACT = 0, POL_OPERAND_SEGMENT, POL_OPERAND_VALUE };

struct pol_operand {
	enum pol_operand_kind kind;
	uint32_t number;        /* FACT: its number; SEGMENT: of the path's segment, from 0 */
	struct pol_str name;    /* SEGMENT: of the parameter, for people */
	struct pol_value value; /* VALUE */
};

/* What a predicate says of its left and its right operand. */
enum pol_comparison {
	POL_COMPARE_TRUE = 0,      /* left, a bool, is true; there is no right */
	POL_COMPARE_IS,            /* one type, no sets */
	POL_COMPARE_LESS,          /* INT, TIME, DURATION */
	POL_COMPARE_LESS_OR_EQUAL, /* the same */
	POL_COMPARE_HAS,           /* left, a set, has right, a string */
	POL_COMPARE_HAS_ANY,       /* both are sets: some member of right is in left */
	POL_COMPARE_HAS_ALL,       /* both are sets: all members of right are in left */
	POL_COMPARE_WITHIN         /* left, an address, is in right, a network */
};

struct pol_predicate {
	enum pol_comparison comparison;
	struct pol_operand left, right;
};

enum pol_condition_kind { POL_CONDITION_PREDICATE = 0, POL_CONDITION_AND, POL_CONDITION_OR };

struct pol_condition {
	enum pol_condition_kind kind;
	bool negated;                             /* PREDICATE */
	const struct pol_predicate *predicate;    /* PREDICATE */
	const struct pol_condition *const *parts; /* AND, OR: at least two, none of the same kind */
	uint32_t part_count;
};

/* Permissions that a role or a scope allows or denies when a condition holds. */
struct pol_conditional {
	struct pol_permset set;
	const struct pol_condition *condition;
	bool deny;
};

/* The number of a fact by its name, `resource.owner`, or POL_NONE. */
uint32_t pol_condition_fact(const struct pol_snapshot *snapshot, struct pol_str name);

/* A declared or known fact by its number, or NULL. */
const struct pol_declared_fact *pol_condition_declared(
	const struct pol_snapshot *snapshot, uint32_t fact);

/* Can values of these types be compared so? If not, as with an absent value, a predicate is
 * unknown. Of POL_COMPARE_TRUE the right one is not read. In comparison.c, as the next. */
bool pol_condition_fits(enum pol_comparison comparison, enum pol_type left, enum pol_type right);

/* What the comparison of two values that fit comes to. */
bool pol_condition_holds(enum pol_comparison comparison, const struct pol_value *left,
	const struct pol_value *right);

/* The same of any two values; false if they do not fit. */
bool pol_condition_compare(enum pol_comparison comparison, const struct pol_value *left,
	const struct pol_value *right);

/* Writes the condition as the language does, in one line: `resource.owner is principal.id and
 * context.amount <= 500`. At most `size` bytes with a NUL; longer text is cut. Returns the length
 * of the whole text. */
size_t pol_condition_format(const struct pol_snapshot *snapshot,
	const struct pol_condition *condition, char *out, size_t size);

/* The same of one predicate, negated or not. */
size_t pol_condition_format_predicate(const struct pol_snapshot *snapshot,
	const struct pol_predicate *predicate, bool negated, char *out, size_t size);

/* The same with the values of its left and its right operand in their places: `600 <= 500`. */
size_t pol_condition_format_values(const struct pol_predicate *predicate, bool negated,
	const struct pol_value values[2], char *out, size_t size);
