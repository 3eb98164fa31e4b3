/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * reserve: which changes are still allowed when the store's map is nearly full.
 *
 * The map never grows. A 64th of it is a reserve that new records may not use, so that keys and
 * principals can still be revoked, deleted or disabled when the rest is full. How many pages are
 * free is read from LMDB when a batch begins: those that were never used, and those that no reader
 * needs any more.
 */

#include <stdbool.h>

struct store_write;

/* How much of the reserve a change may use. */
enum store_need {
	STORE_MAKES = 0, /* creates a record: nothing */
	STORE_EDITS,     /* changes a record: the first half */
	STORE_ENDS,      /* revokes, deletes or disables: all of it */
};

/* True if the change is allowed, by the free pages at the beginning of the batch. A batch uses less
 * than half of the reserve. */
bool store_reserve_allows(const struct store_write *write, enum store_need need);
