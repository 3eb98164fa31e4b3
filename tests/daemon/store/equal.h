/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * equal: compares two stores byte for byte, except for what each host has for itself.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/changes_format.h"

/* One table: finds the first entry that one has and the other has not, or with another value. */
static inline bool equal_table(struct store_read *one, struct store_read *other,
	enum store_table table, char *why, size_t size)
{
	MDB_cursor *cursors[2];
	MDB_val keys[2], values[2];
	int found[2];
	bool equal = true;

	cr_assert_eq(mdb_cursor_open(one->txn, one->store->tables[table], &cursors[0]), 0);
	cr_assert_eq(mdb_cursor_open(other->txn, other->store->tables[table], &cursors[1]), 0);
	do {
		for (int i = 0; i < 2; i++) {
			do {
				found[i] =
					mdb_cursor_get(cursors[i], &keys[i], &values[i], MDB_NEXT);
			} while (found[i] == 0 &&
				 !changes_have(table,
					 (struct pol_str){ keys[i].mv_data, keys[i].mv_size }));
		}
		equal = found[0] == found[1];
		if (equal && found[0] == 0) {
			equal = keys[0].mv_size == keys[1].mv_size &&
				values[0].mv_size == values[1].mv_size &&
				memcmp(keys[0].mv_data, keys[1].mv_data, keys[0].mv_size) == 0 &&
				(values[0].mv_size == 0 ||
					memcmp(values[0].mv_data, values[1].mv_data,
						values[0].mv_size) == 0);
		}
	} while (equal && found[0] == 0);
	if (!equal) {
		snprintf(why, size, "table %s: entries %.*s and %.*s", store_table_name(table),
			found[0] == 0 ? (int)keys[0].mv_size : 0, (const char *)keys[0].mv_data,
			found[1] == 0 ? (int)keys[1].mv_size : 0, (const char *)keys[1].mv_data);
	}
	mdb_cursor_close(cursors[0]);
	mdb_cursor_close(cursors[1]);
	return equal;
}

/* Are all shared records, their indexes, the retries and the trail the same? `why` says the first
 * difference. The stores must be two, or the second reader another one. */
static inline bool equal_stores(struct store *one, struct store *other, char *why, size_t size)
{
	struct store_read *reads[2] = { NULL, NULL };
	bool equal = true;

	cr_assert_eq(store_read_open(one, &reads[0]), 0);
	cr_assert_eq(store_read_open(other, &reads[1]), 0);
	cr_assert_eq(store_read_renew(reads[0]), 0);
	cr_assert_eq(store_read_renew(reads[1]), 0);
	for (unsigned i = 0; i < STORE_TABLES && equal; i++) {
		equal = equal_table(reads[0], reads[1], (enum store_table)i, why, size);
	}
	store_read_close(reads[0]);
	store_read_close(reads[1]);
	return equal;
}
