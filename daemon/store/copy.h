/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * store_copy: the form of a store's copy, for store_copy.c and store_restore.c.
 *
 *     "authzd copy 1\n", then pieces:
 *         4 bytes   how many bytes follow the tag, little-endian
 *         32 bytes  keyed BLAKE2b over the tag before (zeroes at first) and those bytes
 *         entries:  a byte for the table, 2 for the key's length, 4 for the value's, both
 *
 * COPY_NAME entries say which byte stands for which table (key: its name, value: the byte); the
 * last piece ends with one COPY_END (value: the trail's count in 8 bytes, its last tag).
 */

#include "daemon/store/internal.h"

#define COPY_BEGINNING "authzd copy 1\n"
#define COPY_PIECE_MAX ((size_t)1 << 20) /* what a reader accepts */

enum { COPY_NAME = 0xff, COPY_END = 0xfe };
enum { COPY_LENGTH = 4, COPY_HEADER = COPY_LENGTH + SECRET_CHAIN, COPY_ENTRY = 1 + 2 + 4 };

#define COPY_END_SIZE (8 + STORE_CHAIN)

/* Is the table part of a copy? */
static inline bool copy_has(enum store_table table)
{
	return table != STORE_RETRIES && table != STORE_RETRIES_BY_TIME;
}
