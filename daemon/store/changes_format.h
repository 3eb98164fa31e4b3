/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * changes_format: the form of a batch's changes, for put.c, which writes it, and apply.c.
 */

#include "daemon/store/changes.h"
#include "daemon/store/internal.h"

/* Byte offsets in a change, whose key and value follow. */
enum {
	CHANGES_TABLE = 0,
	CHANGES_PUT,
	CHANGES_KEY_LEN,
	CHANGES_VALUE_LEN = CHANGES_KEY_LEN + 2,
	CHANGES_HEADER = CHANGES_VALUE_LEN + 4,
};

#define CHANGES_SUM 4 /* bytes of the CRC-32 at the end */

/* Is a put or delete of this key part of the changes? */
static inline bool changes_have(enum store_table table, struct pol_str key)
{
	switch ((int)table) {
	case STORE_USES:
	case STORE_USED:
	case STORE_ROWS:
	case STORE_MARKS:
		return false;
	case STORE_META:
		return store_meta_kind(key) != STORE_META_LOCAL;
	default:
		return true;
	}
}
