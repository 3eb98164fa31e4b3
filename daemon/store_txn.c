/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store_internal.h"

/* --- readers ---------------------------------------------------------------------------------- */

int store_read_open(struct store *store, struct store_read **out)
{
	struct store_read *read = calloc(1, sizeof *read);
	int r;

	if (read == NULL) {
		return -ENOMEM;
	}
	read->store = store;
	r = store_error(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &read->txn));
	if (r < 0) {
		free(read);
		return r;
	}
	mdb_txn_reset(read->txn);
	*out = read;
	return 0;
}

void store_read_close(struct store_read *read)
{
	if (read != NULL) {
		mdb_txn_abort(read->txn);
		free(read);
	}
}

int store_read_renew(struct store_read *read)
{
	int r;

	store_read_reset(read);
	r = store_error(mdb_txn_renew(read->txn));
	read->live = r == 0;
	return r;
}

void store_read_reset(struct store_read *read)
{
	if (read->live) {
		mdb_txn_reset(read->txn);
		read->live = false;
	}
}

/* --- writes ----------------------------------------------------------------------------------- */

int store_write_begin(struct store *store, struct store_write **out)
{
	struct store_write *write = calloc(1, sizeof *write);
	int r;

	if (write == NULL) {
		return -ENOMEM;
	}
	write->store = store;
	store_room_look(store, &write->room);
	r = store_error(mdb_txn_begin(store->env, NULL, 0, &write->batch));
	if (r < 0) {
		free(write);
		return r;
	}
	write->reader = (struct store_read){ .store = store, .txn = write->batch, .live = true };
	*out = write;
	return 0;
}

struct store_read *store_write_reader(struct store_write *write)
{
	return &write->reader;
}

int store_write_ready(struct store_write *write)
{
	int r;

	if (write->job != NULL) {
		return 0;
	}
	r = store_error(mdb_txn_begin(write->store->env, write->batch, 0, &write->job));
	if (r == 0) {
		write->reader.txn = write->job;
	}
	return r;
}

void store_write_job(struct store_write *write)
{
	store_write_undo(write);
}

bool store_write_job_changed(const struct store_write *write)
{
	return write->job != NULL;
}

int store_write_keep(struct store_write *write)
{
	int r;

	if (write->job == NULL) {
		return 0;
	}
	r = store_error(mdb_txn_commit(write->job));
	write->job = NULL;
	write->reader.txn = write->batch;
	write->changed = write->changed || r == 0;
	return r;
}

void store_write_undo(struct store_write *write)
{
	if (write->job != NULL) {
		mdb_txn_abort(write->job);
		write->job = NULL;
		write->reader.txn = write->batch;
	}
	write->owed = 0;
}

void store_write_owe(struct store_write *write, const uint8_t *record)
{
	write->owed++;
	memset(write->made, 0, sizeof write->made);
	if (record != NULL) {
		memcpy(write->made, record, sizeof write->made);
	}
}

bool store_write_owes(const struct store_write *write)
{
	return write->owed != 0;
}

bool store_write_changed(const struct store_write *write)
{
	return write->changed;
}

int store_write_commit(struct store_write *write, bool raise)
{
	struct store *store = write->store;
	struct store_head head;
	int r;

	store_write_undo(write);
	r = store_get_head(&write->reader, &head);
	if (r == 0) {
		r = store_error(mdb_txn_commit(write->batch));
		write->batch = NULL;
	}
	if (r == 0 && raise && write->changed) {
		atomic_fetch_add_explicit(&store->generation, 1, memory_order_release);
	}
	if (r == 0) {
		store_advance_head(store, &head);
	}
	store_write_abort(write);
	return r;
}

void store_write_abort(struct store_write *write)
{
	if (write == NULL) {
		return;
	}
	store_write_undo(write);
	if (write->batch != NULL) {
		mdb_txn_abort(write->batch);
	}
	free(write);
}
