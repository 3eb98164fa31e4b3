/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * copy_format: the format of a store's copy, for copy.c and restore.c.
 *
 *     "authzd copy 1\n", then pieces:
 *         4 bytes   how many bytes follow the tag, little-endian
 *         32 bytes  the tag: keyed BLAKE2b over the tag of the piece before (zeroes for the first)
 *                   and those bytes
 *         entries:  1 byte for the table, 2 for the length of the key, 4 for that of the value,
 * then key and value
 *
 * Entries of COPY_NAME in the first piece say which byte stands for which table: the key is the
 * table's name, the value the byte. The last piece ends with an entry of COPY_END, whose value is
 * the trail's count in 8 bytes and the tag of its last entry.
 */

#include "daemon/store/internal.h"

#define COPY_BEGINNING "authzd copy 1\n"
#define COPY_PIECE_MAX ((size_t)1 << 20) /* a restore refuses larger ones */

enum { COPY_NAME = 0xff, COPY_END = 0xfe };
enum { COPY_LENGTH = 4, COPY_HEADER = COPY_LENGTH + SECRET_CHAIN, COPY_ENTRY = 1 + 2 + 4 };

#define COPY_END_SIZE (8 + STORE_CHAIN)

/* True if a copy contains the table. `whole`: a copy for another host. */
static inline bool copy_has(enum store_table table, bool whole)
{
	switch ((int)table) {
	case STORE_RETRIES:
	case STORE_RETRIES_BY_TIME:
		return whole;
	case STORE_KEYS_UNREVOKED: /* filled after a restore */
	case STORE_ROWS:
	case STORE_MARKS:
		return false;
	default:
		return true;
	}
}

/* True if a copy contains this record of the table `meta`. Another store has a place in a log of
 * its own, and its own proof of the pepper. */
static inline bool copy_has_meta(struct pol_str name)
{
	return store_meta_kind(name) != STORE_META_LOCAL || pol_str_equal(name, POL_STR("clock"));
}
