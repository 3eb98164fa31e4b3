/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * store_room: who may still write when the store's map is nearly full.
 *
 * The map never grows. A 64th of it is a reserve that nothing new may use, so that whatever ends or
 * is switched off still goes through when all else has been used up. What is free is asked of LMDB
 * when a batch begins: pages that were never used, and those that no reader needs any more.
 */

#include <stdbool.h>

struct store_write;

/* What a change is worth. Zero is the least. */
enum store_need {
	STORE_MAKES = 0, /* something new: leaves the reserve alone */
	STORE_EDITS,     /* what is there already: may use the first half of it */
	STORE_ENDS,      /* revokes, removes, switches off: may use all of it */
};

/* As it was when the batch began: one batch uses less than half of the reserve. */
bool store_reserve_allows(const struct store_write *write, enum store_need need);
