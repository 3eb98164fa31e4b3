/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * mutation: would the tests of a policy notice if a statement were not there?
 *
 * Mutation testing (DeMillo, Lipton and Sayward, 1978) with one operator, to leave a statement out.
 * A mutation is one grant, denial, `except` or line of a stack. It is left out of the parsed
 * policy, which is compiled again, and all tests run. Two cases need no compilation: a rule whose
 * permissions the role or scope has from others as well is redundant, and a rule that no decision
 * of the tests reaches (coverage.h) is not noticed.
 *
 * Pure. The same list may be tried by several threads, if the host may be asked by several.
 */

#include "policy/ask/coverage.h"
#include "policy/ask/explain.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/arena.h"
#include "policy/text/diag.h"
#include "policy/text/host.h"

enum pol_mutation_kind {
	POL_MUTATION_ALLOW = 0,
	POL_MUTATION_DENY,
	POL_MUTATION_EXCEPT,
	POL_MUTATION_LINE
};

struct pol_mutation {
	enum pol_mutation_kind kind;
	bool scope;          /* the statement belongs to a scope; else to a role or a stack */
	uint32_t owner;      /* its number among the roles, scopes or stacks of the files */
	struct pol_str name; /* of the role, scope or stack */
	struct pol_str text; /* the statement's first line as written; from `except` on */
	struct pol_position position;
	struct pol_span rule; /* of the grant, or the line */
};

struct pol_mutations {
	struct pol_mutation *items; /* in the order of the files */
	size_t count;
};

enum pol_mutation_result {
	POL_MUTATION_NOTICED = 0,
	POL_MUTATION_SURVIVES,  /* all tests pass without the statement */
	POL_MUTATION_REDUNDANT, /* nothing changes without it, so that no test can notice */
	POL_MUTATION_INVALID    /* without it the policy does not compile */
};

/* Lists the mutations of a policy that compiles. The list lives in the arena and has views of the
 * sources. POL_OK, or the arena's status. */
enum pol_status pol_mutations_list(const struct pol_source *sources, size_t count,
	struct pol_arena *arena, struct pol_mutations *out);

/* What the mutations of one policy are tried with. Borrowed. */
struct pol_mutation_base {
	const struct pol_source *sources;
	size_t source_count;
	const struct pol_host *host; /* may be NULL */
	const struct pol_snapshot *snapshot;
	const struct pol_coverage *coverage; /* of all tests, which pass */
};

/* The result, if it is known without compiling; false: use pol_mutation_try. */
bool pol_mutation_known(const struct pol_mutation_base *base, const struct pol_mutation *mutation,
	enum pol_mutation_result *out);

/* Compiles the policy without the statement and runs the tests. POL_OK; POL_ENOMEM. */
enum pol_status pol_mutation_try(const struct pol_mutation_base *base,
	const struct pol_mutation *mutation, enum pol_mutation_result *out);
