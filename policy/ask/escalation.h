/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * escalation: finds privileges that a change would give a subject and that the grantor, who makes
 * the change, does not have.
 *
 * All that the subject may do after the change and could not do before must lie within what the
 * grantor may do or grant, at the same path or above it. The sets that decide requests are
 * compared, permission by permission: once for every place of the subject, before and after, and of
 * the grantor, and once for all other paths. What depends on conditions is compared by its formula
 * (formula.h): whatever a request's facts are, it must have been allowed before, or the grantor
 * must have it or be able to grant it then. Each one's own facts of the store are put in; what is
 * not decided counts as a privilege that the grantor does not have. Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/snapshot/snapshot.h"

/* Who makes the change. Zeroed: it has what every caller has. */
struct pol_grantor {
	const struct pol_facts *facts; /* what it may do itself; NULL: as a caller without a key */
	const uint32_t *roles;         /* numbers: it may grant all that these allow, anywhere */
	size_t role_count;
	const uint32_t *scopes;
	size_t scope_count;
	const struct pol_run *runs; /* permissions that it has everywhere in addition */
	size_t run_count;
};

#define POL_ESCALATION_TEXT 256

/* Steps that the conditions of one change take, at most: all other changes wait meanwhile, and so
 * does a revocation. A combination of values that is tried is POL_ESCALATION_CASE steps (formula.h
 * says how they are counted). The formulas of a permission are one, and one more for each 128
 * bytes. */
#define POL_ESCALATION_STEPS (1U << 19)
#define POL_ESCALATION_CASE  8

/* The first privilege that may not be granted: an action and a node as declared, cut to fit. The
 * strings are set when `found`; resource is empty when there was no memory for it. */
struct pol_escalation {
	bool found;
	uint64_t steps; /* that conditions took so far; zero before a change is looked at. All
			 * searches with one struct take POL_ESCALATION_STEPS together, at most;
			 * what is left then is not decided */
	char action[64];
	char resource[POL_ESCALATION_TEXT];
};

/*
 * Compares what the subject may do before and after, at several times: the places are compared
 * once. Only the facts about the subject are read, and its state counts: the caller passes a key as
 * active when what it would allow is to be compared. NULL is a caller without a key, who may do
 * what `anyone` may, and what every caller's roles among those of `before` allow (of `after`, if
 * that is NULL). The facts of all three have what is held now, and are views of the search.
 */
struct pol_escalation_search;

/* At this time the roles whose `until` is not later have ended, and so has each subject that says
 * so: it is a caller without a key then. */
struct pol_escalation_time {
	int64_t when; /* Unix seconds */
	bool before_ended, after_ended, grantor_ended;
};

/* POL_OK, or POL_ENOMEM: then the caller must refuse the change. */
enum pol_status pol_escalation_open(const struct pol_snapshot *snapshot,
	const struct pol_facts *before, const struct pol_facts *after,
	const struct pol_facts *grantor, struct pol_escalation_search **out);
void pol_escalation_close(struct pol_escalation_search *search); /* NULL is ignored */
/* grantor->facts is not read. */
void pol_escalation_find_at(struct pol_escalation_search *search,
	const struct pol_escalation_time *at, const struct pol_grantor *grantor,
	struct pol_escalation *out);

/* Finds the permission of an action in the built-in tree: on authz:/NOUN, or, with `below`, on the
 * parameter below it. False: there is none. */
bool pol_escalation_permission(const struct pol_snapshot *snapshot, const char *noun, bool below,
	const char *action, struct pol_run *out);

/* The same for a changed role: what it now allows and did not before, or no longer denies; and what
 * depends by conditions on a role that it inherits now and did not before, or the reverse. Any
 * subject may hold the role at any place, so the grantor must have all of that everywhere. `before`
 * POL_NONE: a new role; `after` POL_NONE: a deleted one. Each is a number in its own snapshot, and
 * both snapshots have the same base. The roles in grantor->facts are numbers of `old`. */
enum pol_status pol_escalation_of_role(const struct pol_snapshot *old, uint32_t before,
	const struct pol_snapshot *snapshot, uint32_t after, const struct pol_grantor *grantor,
	struct pol_escalation *out);

/* The same for subjects who will hold a role, and what else they hold is not known: what depends on
 * whether they hold it, or what it inherits. What the role itself allows is not looked at. */
enum pol_status pol_escalation_of_membership(const struct pol_snapshot *snapshot, uint32_t number,
	const struct pol_grantor *grantor, struct pol_escalation *out);
