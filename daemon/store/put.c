/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/internal.h"

int store_write_put(struct store_write *write, enum store_table table, MDB_val key, MDB_val value,
	unsigned flags)
{
	return store_error(mdb_put(write->job, write->store->tables[table], &key, &value, flags));
}

int store_write_delete(struct store_write *write, enum store_table table, MDB_val key)
{
	return store_error(mdb_del(write->job, write->store->tables[table], &key, NULL));
}
