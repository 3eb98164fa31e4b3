/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * catch_up: applies rows that other hosts appended to this host's store.
 *
 * Each row must continue the chain of rows and the trail; none is skipped, and none is judged by
 * this host's policy. Rows are applied several in a transaction, with their place. At a row that
 * cannot be applied (its tag, its format, no space) it stops, says which one in the log and in
 * `why`, and tries again at the next call.
 *
 * The writer's thread only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/share/log.h"

struct share_append;

/* Rows of one transaction at most, so that a revocation is soon visible and a transaction stays
 * small. */
#define SHARE_CATCH_UP_ROWS 64

/* Applies what the log has after append->head. 0: as far as it was read; -ENOTCONN and the other
 * errors of share_log; -EBADMSG, -EPROTONOSUPPORT, -ENOSPC, -EFBIG: the next row cannot be applied.
 * *out_applied: rows that were. */
int share_catch_up(struct share_append *append, uint64_t *out_applied, char why[static SHARE_WHY]);

/* The log ends before this store: gives back the rows that it lacks, unchanged, from those that the
 * store keeps. 0; SHARE_LOST: the log has another row in the place of one of them: this host has
 * diverged, which is stored; -ENOENT: this store does not have the rows any more. */
int share_give_back(
	struct share_append *append, const struct share_head *end, char why[static SHARE_WHY]);
