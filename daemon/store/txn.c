/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/store/internal.h"

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

/* The number of the last transaction that the reader sees, or 0 if it is another program's. */
static uint64_t view_of(const struct store_read *read)
{
	uint64_t number = mdb_txn_id(read->txn);

	return number <= atomic_load_explicit(&read->store->last_txn, memory_order_acquire) ? number
											    : 0;
}

int store_read_renew(struct store_read *read)
{
	int r;

	store_read_reset(read);
	r = store_error(mdb_txn_renew(read->txn));
	read->live = r == 0;
	read->view = read->live ? view_of(read) : 0;
	return r;
}

uint64_t store_read_view(const struct store_read *read)
{
	return read->live ? read->view : 0;
}

void store_read_reset(struct store_read *read)
{
	if (read->live) {
		mdb_txn_reset(read->txn);
		read->live = false;
	}
}

/* --- writes ----------------------------------------------------------------------------------- */

void store_committed(struct store *store, uint64_t number)
{
	MDB_envinfo info;

	if (mdb_env_info(store->env, &info) == MDB_SUCCESS && info.me_last_txnid >= number) {
		atomic_store_explicit(&store->last_txn, number, memory_order_release);
	}
}

/* --- what a write changes --------------------------------------------------------------------- */

void store_set_watch(struct store *store, const struct store_watch *watch)
{
	store->watch = watch != NULL ? *watch : (struct store_watch){ .context = NULL };
}

/* Makes room for one more. NULL: there is none, and all records count as touched. */
static struct store_touched *touch(struct store_write *write)
{
	if (write->touched_count == write->touched_capacity && !write->touched_all) {
		size_t capacity = write->touched_capacity == 0 ? 16 : write->touched_capacity * 2;
		struct store_touched *more =
			capacity <= STORE_MAX_TOUCHED
				? realloc(write->touched, capacity * sizeof *more)
				: NULL;

		if (more == NULL) {
			write->touched_all = true;
		} else {
			write->touched = more;
			write->touched_capacity = capacity;
		}
	}
	return write->touched_all ? NULL : &write->touched[write->touched_count++];
}

void store_touch_all(struct store_write *write)
{
	write->touched_all = true;
}

void store_touch_key(struct store_write *write, uint64_t number)
{
	struct store_touched *touched = touch(write);

	if (touched != NULL) {
		touched->number = number;
	}
}

void store_touch_principal(struct store_write *write, uint32_t tenant, struct pol_str id)
{
	struct store_touched *touched = touch(write);

	if (touched != NULL) {
		touched->number = 0;
		touched->tenant = tenant;
		/* No record has a longer id. */
		touched->id_len = id.len < sizeof touched->id ? id.len : sizeof touched->id;
		memcpy(touched->id, id.ptr, touched->id_len);
	}
}

/* Does the transaction change what all hold? */
static void note_everyone(const struct store_write *write, uint64_t number)
{
	bool changes = write->touched_all;

	for (size_t i = 0; !changes && i < write->touched_count; i++) {
		const struct store_touched *touched = &write->touched[i];

		changes = touched->number == 0 &&
			  store_is_everyone((struct pol_str){ touched->id, touched->id_len });
	}
	if (changes) {
		store_change_everyone(write->store, number);
	}
}

/* Calls the watch for what the transaction with that number changes. */
static void report_touched(const struct store_write *write, uint64_t number)
{
	const struct store_watch *watch = &write->store->watch;

	note_everyone(write, number);
	if (watch->all == NULL) {
		return;
	}
	if (write->touched_all) {
		watch->all(watch->context, number);
		return;
	}
	for (size_t i = 0; i < write->touched_count; i++) {
		const struct store_touched *touched = &write->touched[i];

		if (touched->number != 0) {
			watch->key(watch->context, number, touched->number);
		} else {
			watch->principal(watch->context, number, touched->tenant,
				(struct pol_str){ touched->id, touched->id_len });
		}
	}
}

/* Transactions have numbers without gaps, so a number that we did not commit is of another program,
 * which ignored our lock. Its records are refused unless it has the pepper, but it may have
 * replaced records that are kept in memory. */
static void notice_other_programs(struct store *store, uint64_t number)
{
	if (number != atomic_load_explicit(&store->last_txn, memory_order_relaxed) + 1) {
		store_note_everyone(store);
		store_change_everyone(store, number);
		atomic_fetch_add_explicit(&store->generation, 2, memory_order_acq_rel);
		log_warn("another program writes to the store: stop it", "transaction=%llu",
			(unsigned long long)number - 1);
		if (store->watch.all != NULL) {
			store->watch.all(store->watch.context, number);
		}
	}
}

int store_write_begin(struct store *store, struct store_write **out)
{
	struct store_write *write = calloc(1, sizeof *write);
	int r;

	if (write == NULL) {
		return -ENOMEM;
	}
	write->store = store;
	write->recorded.on = store->records;
	store_reserve_look(store, &write->room);
	r = store_error(mdb_txn_begin(store->env, NULL, 0, &write->batch));
	if (r < 0) {
		free(write);
		return r;
	}
	notice_other_programs(store, mdb_txn_id(write->batch));
	store_watch_altered(store);
	write->reader = (struct store_read){ .store = store, .txn = write->batch, .live = true };
	*out = write;
	return 0;
}

int store_write_begin_logged(struct store *store, struct store_write **out)
{
	int r = store_write_begin(store, out);

	if (r == 0) {
		(*out)->logged = true;
	}
	return r;
}

int store_settle(struct store *store)
{
	int r = 0;

	if (store->late.count != 0) {
		r = store_error(mdb_env_sync(store->env, 1));
	}
	if (r == 0 && store->late.count > store->head.count) {
		store_advance_head(store, &store->late);
	}
	if (r == 0) {
		store->late = (struct store_head){ .count = 0 };
	}
	return r;
}

struct store_read *store_write_reader(struct store_write *write)
{
	return &write->reader;
}

void store_write_alone(struct store_write *write)
{
	write->alone = true;
}

int store_write_ready(struct store_write *write)
{
	int r;

	if (write->job != NULL) {
		return 0;
	}
	if (write->alone) {
		write->job = write->lost ? NULL : write->batch;
		return write->lost ? -EINVAL : 0;
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
	int r = 0;

	if (write->job == NULL) {
		return 0;
	}
	if (!write->alone) {
		r = store_error(mdb_txn_commit(write->job));
		write->reader.txn = write->batch;
	}
	write->job = NULL;
	write->changed = write->changed || r == 0;
	write->roles = write->roles || write->job_roles;
	write->job_roles = false;
	store_recorded_keep(&write->recorded);
	return r;
}

void store_write_undo(struct store_write *write)
{
	if (write->job != NULL && write->alone) {
		write->lost = true;
	} else if (write->job != NULL) {
		mdb_txn_abort(write->job);
		write->reader.txn = write->batch;
	}
	write->job = NULL;
	write->owed = 0;
	write->job_roles = false;
	store_recorded_undo(&write->recorded);
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
	return write->changed && !write->lost;
}

static int commit(struct store_write *write, bool raise)
{
	struct store *store = write->store;
	uint64_t number = mdb_txn_id(write->batch);
	int r;

	if (raise) {
		atomic_fetch_add_explicit(&store->generation, 1, memory_order_acq_rel);
	}
	report_touched(write, number);
	/*
	 * Without MDB_NOMETASYNC a commit writes its pages and syncs them, and then its root
	 * (LMDB's meta page), synced too. With it the root is synced with the next commit's pages,
	 * before that one's root is written; so one of the two roots is always that of pages that
	 * are there. Readers do not look at the flag, and no other thread writes.
	 */
	r = store_error(mdb_env_set_flags(store->env, MDB_NOMETASYNC, write->logged));
	r = r == 0 ? store_error(mdb_txn_commit(write->batch)) : r;
	write->batch = NULL;
	store_committed(store, number);
	if (raise) {
		atomic_fetch_add_explicit(&store->generation, 1, memory_order_acq_rel);
	}
	return r;
}

/* Is any key marked after the commit? */
static void reload_marks(struct store *store)
{
	struct store_read *read = NULL;

	if (store_read_open(store, &read) == 0 && store_read_renew(read) == 0) {
		store_load_marks(store, read);
	}
	store_read_close(read);
}

int store_write_commit(struct store_write *write, bool raise)
{
	struct store *store = write->store;
	struct store_head head;
	int r, judged = STORE_HEAD_FINE;

	store_write_undo(write);
	raise = raise && write->changed;
	r = write->lost ? -EINVAL : store_get_head(&write->reader, &head);
	if (r == 0) {
		judged = store_judge_head(store, &write->reader, &head);
		r = commit(write, raise);
	}
	if (r == 0) {
		atomic_store(&store->head_state, judged);
	}
	if (r == 0 && write->replaced) {
		store_move_head(store, &head);
	} else if (r == 0 && write->logged) {
		store_follow_head(store, &head);
	} else if (r == 0) {
		store_advance_head(store, &head);
	}
	if (r == 0 && !write->logged) {
		store->late = (struct store_head){ .count = 0 };
	}
	if (write->marks) {
		reload_marks(store);
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
	free(write->recorded.bytes);
	free(write->touched);
	free(write);
}
