/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * realm_internal: what realm.c and join.c have in common. The writer's thread.
 */

#include "daemon/share/share_internal.h"

/* The writer's connection; NULL, and `why`: there is none. */
struct share_log *realm_borrow(struct share *share, char why[static SHARE_WHY]);
/* NULL is ignored. */
void realm_give(struct share *share, struct share_log *log, bool broken);
/* Borrows one that answers, and looks. *out is to be given back unless it is NULL. */
int realm_look(struct share *share, struct share_log **out, struct share_head *head,
	char why[static SHARE_WHY]);
/* Returns r; after an error `why` is not empty. */
int realm_explain(struct share_log *log, int r, char why[static SHARE_WHY]);
/* The same, and gives the connection back. */
int realm_done(struct share *share, struct share_log *log, int r, char why[static SHARE_WHY]);

/* Is this the configured database? An empty text is. */
int realm_check_database(
	const struct share *share, struct pol_str database, char why[static SHARE_WHY]);

/* Do the rows after a snapshot's place continue it up to the change that `join` names? 0; -EEXIST,
 * and `why`: not, whatever the head says. */
int realm_check_reaches(struct share *share, struct share_log *log, const struct share_head *place,
	const struct share_join *join, char why[static SHARE_WHY]);

/* For `status`. */
void realm_begin_work(struct share *share, const char *what);
void realm_end_work(struct share *share);

/* Where the store is now. */
void realm_report(const struct share *share, struct share_realm *out);
