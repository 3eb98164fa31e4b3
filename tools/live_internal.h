/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * live_internal: what live.c (lists of the daemon), live_roles.c (roles of the store),
 * live_subject.c (principals and keys) and live_attributes.c share.
 */

#include "policy/text/terms.h"
#include "tools/live.h"

/* One tenant is compared at a time. */
#define LIVE_TENANT 1

struct live {
	struct app *app;
	const struct policy *policies; /* before, after */
	struct differences *differences;
	struct live_found *found;
	json_t *listed; /* into which a list is read */

	/* the present tenant */
	const char *tenant;
	const char *principal;         /* whose assignments are listed; NULL: another list */
	json_t *roles;                 /* of the store */
	json_t *numbers;               /* by name: the role's number in this array, from 1 */
	json_t *held;                  /* by principal of the store: its assignments */
	json_t *records;               /* the same: its record */
	json_t *all[POL_HOLDERS];      /* those of every principal, and of every caller */
	enum pol_holder holder;        /* whose of these are listed; zero: another list */
	struct pol_snapshot *sides[2]; /* the policies with these roles */
	struct pol_compare *compare;
};

/* Lists the tenant's roles of the store, into `roles` and `numbers`, which are empty, and extends
 * both policies by them: `sides`. A role's number is that in `numbers`. Uses neither `differences`
 * nor `found`. EXIT_YES, or another status, reported. */
int live_extend(struct live *live);

/* Extends both policies by `roles`, whose numbers are in `numbers`: `sides`. POL_EINVALID: they
 * inherit in a circle. POL_ENOMEM, POL_ELIMIT. */
enum pol_status live_roles_extend(struct live *live);

/* A text of a record; empty: it has none. */
const char *live_text(const json_t *item, const char *name);
/* Notes that `id` would hold both roles, which are numbers of the policy after. */
void live_add_exclusive(
	struct live *live, const char *holder, const char *id, const uint32_t members[2]);

/* The attributes of a principal's record, as the policy declares them. NULL: no memory. */
const struct pol_given *live_attributes(
	struct app *app, const struct pol_snapshot *snapshot, const json_t *record);

/* Compare, and show what differs. POL_ENOMEM, POL_ELIMIT. */
enum pol_status live_compare_principal(
	struct live *live, const char *id, const json_t *assignments);
/* What every principal, or every caller, may do by what all are assigned. */
enum pol_status live_compare_all(struct live *live, enum pol_holder holder);
enum pol_status live_compare_key(struct live *live, const json_t *key);
