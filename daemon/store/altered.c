/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/store/internal.h"

/* Refused records are logged once and entered in the trail this often, so that a program that
 * alters the file cannot fill the log and the trail too. */
#define REPORT_EVERY (60 * 60) /* seconds */

int store_report(struct store *store, int r, const char *table, struct pol_str id)
{
	struct store_altered *altered = &store->altered;
	bool first;

	if (r != -EBADMSG) {
		return r;
	}
	pthread_mutex_lock(&store->altered_lock);
	first = altered->count == 0;
	altered->count++;
	altered->table = table;
	altered->id_len = id.len < sizeof altered->id ? id.len : sizeof altered->id;
	memcpy(altered->id, id.ptr, altered->id_len);
	if (pthread_equal(store->writing, pthread_self())) {
		store->writing_altered = true;
	}
	pthread_mutex_unlock(&store->altered_lock);
	if (first) {
		log_error("alarm: a record of the store was altered outside the daemon and is "
			  "refused; see `authzcheck log --verify`",
			"table=%s record=%.*s", table, POL_STR_ARGS(id));
	}
	return r;
}

uint64_t store_count_altered(struct store *store)
{
	uint64_t count;

	pthread_mutex_lock(&store->altered_lock);
	count = store->altered.count;
	pthread_mutex_unlock(&store->altered_lock);
	return count;
}

void store_watch_altered(struct store *store)
{
	pthread_mutex_lock(&store->altered_lock);
	store->writing = pthread_self();
	store->writing_altered = false;
	pthread_mutex_unlock(&store->altered_lock);
}

bool store_write_met_altered(const struct store_write *write)
{
	struct store *store = write->store;
	bool met;

	pthread_mutex_lock(&store->altered_lock);
	met = store->writing_altered;
	pthread_mutex_unlock(&store->altered_lock);
	return met;
}

bool store_take_altered(struct store *store, int64_t now, struct store_altered *out)
{
	bool due;

	pthread_mutex_lock(&store->altered_lock);
	*out = store->altered;
	out->count -= store->altered_reported;
	due = out->count > 0 &&
	      (store->altered_reported == 0 || now - store->altered_reported_at >= REPORT_EVERY);
	if (due) {
		store->altered_reported = store->altered.count;
		store->altered_reported_at = now;
	}
	pthread_mutex_unlock(&store->altered_lock);
	return due;
}
