/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * who: lists of roles, principals and keys that one thing is true of: that they may do something,
 * or that they hold a role. who.c has the methods, who_walk.c walks the store and the policy.
 *
 * A page ends as every list's does (list.h), so a call looks at a few thousand records at most.
 */

#include "daemon/decide/subject.h"
#include "daemon/manage/list.h"
#include "policy/ask/who.h"
#include "policy/text/terms.h"

struct who_walk {
	struct list list;
	uint32_t tenant;
	bool tenant_is_on;
	bool roles, principals, keys; /* what is listed */

	/* What is asked about: one of the two. */
	struct pol_who *who;    /* may it do this? */
	const bool *heirs;      /* does it hold one of these roles, active or not? By number */
	uint32_t role;          /* with heirs: the one that they inherit or are */
	enum pol_holder holder; /* with heirs: who holds it, the subject itself or all */

	char when[POL_WHEN_TEXT]; /* of the present item; empty: always */

	int r; /* a negative errno of the store, or 0 */
};

/* Is it true of the role itself, of the subject, of a role that it holds? `when` becomes the
 * condition if it is only sometimes. */
enum pol_when_kind who_role_counts(struct who_walk *walk, uint32_t role, char when[POL_WHEN_TEXT]);
enum pol_when_kind who_subject_counts(
	struct who_walk *walk, const struct pol_facts *facts, char when[POL_WHEN_TEXT]);
enum pol_when_kind who_held_counts(struct who_walk *walk, const struct pol_facts *facts,
	uint32_t number, char when[POL_WHEN_TEXT]);

/* Adds a page after list_begin. 0; 1: the cursor is of another policy, which is reported; or a
 * negative errno. The caller ends the list. */
int who_walk(struct who_walk *walk);
