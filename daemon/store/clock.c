/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/clock.h"

#include <errno.h>
#include <time.h>

#include "daemon/host/log.h"
#include "daemon/store/internal.h"

/* Seconds for which the record may lack what the trail has, by a right clock: store_put_clock, and
 * two flushes. */
#define MOST_UNWRITTEN (STORE_CLOCK_SLACK + 60)

static const struct pol_str clock_name = { "clock", sizeof "clock" - 1 };

static int64_t wall(void)
{
	struct timespec now;

	/* The tick's time will do. */
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec;
}

/* Also while the machine slept. */
static int64_t since_boot(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

int64_t store_now(struct store *store)
{
	int64_t now = wall(), seen = now;
	int64_t latest = atomic_load_explicit(&store->latest, memory_order_relaxed);
	int64_t limit = atomic_load_explicit(&store->clock_limit, memory_order_relaxed);

	if (limit != 0 && now > limit) {
		seen = limit - STORE_CLOCK_SLACK;
	}
	while (seen > latest) {
		if (atomic_compare_exchange_weak_explicit(&store->latest, &latest, seen,
			    memory_order_relaxed, memory_order_relaxed)) {
			return now;
		}
	}
	/* No overflow: a stored time is never negative. */
	return now < latest - STORE_CLOCK_SLACK ? latest : now;
}

int64_t store_latest(struct store *store)
{
	(void)store_now(store);
	return atomic_load_explicit(&store->latest, memory_order_relaxed);
}

struct store_clock store_clock(struct store *store)
{
	int64_t counts = store_now(store), now = wall();
	struct store_clock clock = {
		.latest = atomic_load_explicit(&store->latest, memory_order_relaxed),
		.ahead = atomic_load_explicit(&store->clock_ahead, memory_order_relaxed),
	};

	clock.back = counts == clock.latest && now < counts - STORE_CLOCK_SLACK ? counts - now : 0;
	return clock;
}

static void watch_back(struct store *store)
{
	struct store_clock clock = store_clock(store);

	if ((clock.back != 0) == store->clock_is_back) {
		return;
	}
	store->clock_is_back = clock.back != 0;
	if (clock.back != 0) {
		log_error("alarm: the clock was set back; until it has caught up, the latest time "
			  "that the store knows counts: set it right, or stop authzd and accept "
			  "the present time with `authzd --accept-clock`",
			"seconds=%lld latest=%lld", (long long)clock.back, (long long)clock.latest);
	} else {
		log_info("the clock has caught up with the latest time that the store knows",
			"latest=%lld", (long long)clock.latest);
	}
}

static void set_base(struct store *store, int64_t now, int64_t boot)
{
	store->clock_base = now;
	store->clock_base_boot = boot;
	store->clock_is_based = true;
}

/* The first time that the clock goes ahead, and the end of that. */
static void note_ahead(struct store *store, int64_t ahead, int64_t now, int64_t boot)
{
	if (ahead > STORE_CLOCK_SLACK && store->clock_ahead_since == 0) {
		store->clock_ahead_since = boot;
		log_error("alarm: the clock went ahead; its time counts, and the store will "
			  "remember it as the latest one if it stays for an hour: set it right "
			  "before, if it is wrong",
			"seconds=%lld", (long long)ahead);
	} else if (ahead > STORE_CLOCK_SLACK) {
		set_base(store, now, boot);
		store->clock_ahead_since = 0;
		log_info("the clock has stayed ahead and is taken as right", "seconds=%lld",
			(long long)ahead);
	} else {
		store->clock_ahead_since = 0;
		log_info("the clock is not ahead any more", "seconds=%lld", (long long)ahead);
	}
}

static void watch_ahead(struct store *store)
{
	int64_t now = wall(), boot = since_boot(), ahead;
	bool stayed;

	/* While it is set back, the machine does not know the time: what comes then is no jump. */
	if (!store->clock_is_based) {
		if (now < atomic_load(&store->latest) - STORE_CLOCK_SLACK) {
			return;
		}
		set_base(store, now, boot);
	}
	ahead = now - (store->clock_base + boot - store->clock_base_boot);
	stayed = store->clock_ahead_since != 0 &&
		 boot - store->clock_ahead_since >= STORE_CLOCK_SETTLES;
	if (ahead > STORE_CLOCK_SLACK ? store->clock_ahead_since == 0 || stayed
				      : store->clock_ahead_since != 0) {
		note_ahead(store, ahead, now, boot);
	} else if (ahead <= STORE_CLOCK_SLACK && ahead >= -STORE_CLOCK_SLACK &&
		   boot - store->clock_base_boot >= STORE_CLOCK_SETTLES) {
		/* Both clocks drift apart. */
		set_base(store, now, boot);
	}
	atomic_store(&store->clock_ahead, store->clock_ahead_since != 0 ? ahead : 0);
	atomic_store(&store->clock_limit,
		store->clock_base + boot - store->clock_base_boot + STORE_CLOCK_SLACK);
}

void store_watch_clock(struct store *store)
{
	watch_ahead(store);
	watch_back(store);
}

/* --- in the store ----------------------------------------------------------------------------- */

/* -ENOENT: the store has none. */
static int get(struct store *store, MDB_txn *txn, int64_t *out)
{
	MDB_val key = { clock_name.len, (void *)(uintptr_t)clock_name.ptr }, value;
	uint64_t latest = 0;
	int r = store_error(mdb_get(txn, store->tables[STORE_META], &key, &value));

	if (r == 0) {
		r = store_report(store, store_decode_meta(store, value, clock_name, &latest),
			"meta", clock_name);
	}
	*out = r == 0 && latest <= INT64_MAX ? (int64_t)latest : 0;
	return r;
}

static int put(struct store_write *write, int64_t latest)
{
	MDB_val key = { clock_name.len, (void *)(uintptr_t)clock_name.ptr }, value;

	value.mv_size = store_encode_meta(write->store, clock_name, (uint64_t)latest);
	value.mv_data = write->store->buffer;
	return store_write_put(write, STORE_META, key, value, 0);
}

void store_load_clock(struct store *store, struct store_read *read)
{
	struct store_head head;
	struct store_audit audit;
	int64_t latest;
	int r = get(store, read->txn, &latest);

	/* Without the record, or if it was altered, the trail still has a time. Otherwise it may be
	 * that of a clock that was ahead, unless the record can be this old. */
	if (store_get_head(read, &head) == 0 && head.count > 0 &&
		store_get_audit(read, head.count, &audit) == 0 && audit.time > latest) {
		if (r < 0 || audit.time - latest <= MOST_UNWRITTEN) {
			latest = audit.time;
		} else {
			log_warn("the clock was ahead when the last change was made; the latest "
				 "time that the store knows counts",
				"seconds=%lld latest=%lld", (long long)(audit.time - latest),
				(long long)latest);
		}
	}
	atomic_store(&store->latest, latest);
}

int store_put_clock(struct store_write *write)
{
	struct store *store = write->store;
	int64_t latest = atomic_load_explicit(&store->latest, memory_order_relaxed), stored;
	bool used = store_write_job_changed(write);
	int r = get(store, write->reader.txn, &stored);

	if (r < 0 && r != -ENOENT && r != -EBADMSG) {
		return r;
	}
	if (latest <= stored || (!used && latest - stored < STORE_CLOCK_SLACK)) {
		return 0;
	}
	r = store_write_ready(write);
	return r < 0 ? r : put(write, latest);
}

int store_accept_clock(struct store *store, int64_t *out_from, int64_t *out_to)
{
	struct store_moved moved = { .action = POL_STR("store.accept_clock"), .what = "clock" };
	struct store_write *write = NULL;
	int64_t to = wall();
	int r;

	*out_from = atomic_load(&store->latest);
	*out_to = to;
	if (to >= *out_from - STORE_CLOCK_SLACK) {
		return 1;
	}
	r = store_write_begin(store, &write);
	moved.from = (uint64_t)*out_from;
	moved.to = (uint64_t)to;
	if (r == 0) {
		r = store_write_ready(write);
	}
	if (r == 0) {
		r = put(write, to);
	}
	/* The trail of a shared store has no entry that is not in the log. */
	if (r == 0 && !store_is_shared(&write->reader)) {
		r = store_append_moved(write, &moved);
	}
	if (r == 0) {
		r = store_write_keep(write);
	}
	if (r < 0) {
		store_write_abort(write);
		return r;
	}
	r = store_write_commit(write, true);
	if (r == 0) {
		atomic_store(&store->latest, to);
	}
	return r;
}
