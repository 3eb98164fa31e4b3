/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compile_condition: turns written conditions into those of a snapshot (snapshot/condition.h). For
 * the files of policy/compile/ alone.
 *
 * A condition is built from its parts upwards. `not` exchanges `and` and `or` below it and negates
 * the predicates. What is made is interned: equal predicates and equal conditions are one object.
 * Nothing is built before the predicates of the whole condition, names and lists put in, were
 * counted: named conditions that name each other twice double at each step.
 */

#include "policy/compile/compile.h"
#include "policy/snapshot/condition.h"
#include "policy/snapshot/given.h"

/* What {name} stands for in a grant: the number of a segment of its paths. */
struct pol_parameter {
	struct pol_str name;
	uint32_t segment;
};
struct pol_parameters {
	const struct pol_parameter *items;
	uint32_t count;
};

/* --- facts: compile_facts.c --- */

/* With what values are read. */
struct pol_reading {
	const struct pol_snapshot *snapshot;
	struct pol_diags *diags;
	struct pol_arena *arena; /* in which the values live */
};

/* Reads the values that are written for a fact: one, or the members of a set, or `empty`. Reports
 * what is not a value of its type. False: it did, or the arena has no memory. */
bool pol_compile_facts_value(const struct pol_reading *reading, uint32_t fact,
	const struct pol_ast_operands *values, struct pol_value *out);

/* Reports "unknown fact 'x': did you mean 'y'?", unless a mistake in a declaration may have removed
 * it. */
void pol_compile_facts_unknown(
	const struct pol_snapshot *snapshot, struct pol_diags *diags, const struct pol_word *word);

/* Compiles the attributes of a principal, which live in the snapshot's arena. POL_OK or its status.
 * In compile_attribute.c. */
enum pol_status pol_compile_attributes(
	struct pol_compiler *compiler, const struct pol_ast_principal *from, struct pol_given *out);

/* --- operands: compile_operand.c --- */

/* An operand of a comparison, resolved. */
struct pol_side {
	const struct pol_ast_operand *written;
	struct pol_operand operand;
	const struct pol_declared_fact *fact; /* NULL: it is not a fact */
	enum pol_type type; /* WORD of a value: a word of some fact, not yet known */
};

/* What a value without quotes is by its form: an int, a time, a network ... ABSENT: a number that
 * is too large. WORD: none of them. */
enum pol_type pol_compile_operand_value(struct pol_str text, struct pol_value *out);

/* "an int", "a set of strings". */
const char *pol_compile_operand_type(enum pol_type type);

/* Resolves an operand. False: it has a mistake, which was reported. */
bool pol_compile_operand(struct pol_compiler *compiler, const struct pol_ast_operand *written,
	const struct pol_parameters *parameters, struct pol_side *out);

/* Are both of one type? Resolves a word by the fact on the other side. False: no, which was
 * reported. */
bool pol_compile_operand_match(
	struct pol_compiler *compiler, struct pol_side *left, struct pol_side *right);

/* "resource.owner is a string", for messages; at most `size` bytes with a NUL. */
void pol_compile_operand_describe(const struct pol_side *side, char *out, size_t size);

/* --- predicates: compile_predicate.c --- */

/* Compiles one comparison, not one that names a condition. NULL: it has a mistake, which was
 * reported, or the snapshot's arena has no memory. */
const struct pol_condition *pol_compile_predicate(struct pol_compiler *compiler,
	const struct pol_ast_condition *written, const struct pol_parameters *parameters);

/* --- interned conditions: compile_intern.c --- */

/* The tables, made when they are first needed. NULL: scratch has no memory. */
struct pol_interned *pol_compile_intern(struct pol_compiler *compiler);

/* The condition that consists of this predicate, negated or not. NULL: no memory. */
const struct pol_condition *pol_compile_intern_predicate(
	struct pol_compiler *compiler, const struct pol_predicate *predicate, bool negated);

/* The conjunction or disjunction; flat, each part once. One part alone is that part. NULL: a part
 * is NULL, or no memory. */
const struct pol_condition *pol_compile_intern_join(struct pol_compiler *compiler,
	enum pol_condition_kind kind, const struct pol_condition *const *parts, uint32_t count);

/* The negation. NULL: no memory. */
const struct pol_condition *pol_compile_intern_not(
	struct pol_compiler *compiler, const struct pol_condition *condition);

/* What was found out about an interned condition. Valid until the next one is made. */
struct pol_condition_mark {
	bool counted; /* as a whole condition of the policy; what follows is valid then */
	bool never_true, never_false;
};
struct pol_condition_mark *pol_compile_intern_mark(
	struct pol_compiler *compiler, const struct pol_condition *condition);

/* --- can it be true, can it be false: compile_trial.c --- */

/* Tries the values that the constants of the condition distinguish. *out_never_true: none of them
 * make it true; *out_never_false: none make it false. Neither when that takes too many tries. */
void pol_compile_trial(struct pol_compiler *compiler, const struct pol_condition *condition,
	bool *out_never_true, bool *out_never_false);

/* --- conditions: compile_condition.c --- */

/* Compiles the condition of a grant. *out NULL: it has a mistake, which was reported. POL_OK or an
 * arena's status. */
enum pol_status pol_compile_condition(struct pol_compiler *compiler,
	const struct pol_ast_condition *written, const struct pol_parameters *parameters,
	const struct pol_condition **out);

/* --- conditional grants: compile_conditional.c --- */

/* What a written condition, which grants may share, was compiled to without a message for one of
 * them. */
struct pol_known_condition {
	struct pol_str name; /* of its parameter; ptr NULL: it has none */
	uint32_t segment;    /* which that parameter is */
	const struct pol_condition *condition;
};

/* Patterns of a grant in which each parameter of its condition is the same segment. */
struct pol_conditional_group {
	struct pol_ast_patterns patterns;
	const struct pol_condition *condition; /* NULL: it has a mistake */
};
struct pol_conditional_groups {
	struct pol_conditional_group *items;
	uint32_t count;
	struct pol_conditional_group whole; /* the only item of most */
};

/* Compiles the condition of a grant for each group of its patterns. POL_OK or an arena's status. */
enum pol_status pol_compile_conditional_split(struct pol_compiler *compiler,
	const struct pol_ast_grant *grant, struct pol_conditional_groups *out);

/* How many groups a grant may have. */
uint32_t pol_compile_conditional_pieces(const struct pol_ast_grant *grant);

/* Joins the pieces without a condition into one set, and adds those with one to the conditionals of
 * `out`. */
enum pol_status pol_compile_conditional_join(const struct pol_pieces *pieces, bool deny,
	struct pol_permset *out_always, struct pol_grantee *out);

/* The names of parameters in a condition, each once, with the position of the first of each, at
 * most `room`. Returns how many there are. */
uint32_t pol_compile_condition_parameters(
	const struct pol_ast_condition *written, struct pol_word *out, uint32_t room);
