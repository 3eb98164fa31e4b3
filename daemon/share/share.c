/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/share.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/log.h"
#include "daemon/secret/token.h"
#include "daemon/share/share_internal.h"
#include "daemon/share/use.h"
#include "daemon/store/changes.h"
#include "daemon/store/trail.h"

bool share_is_on(const struct share *share)
{
	return share != NULL && atomic_load_explicit(&share->on, memory_order_acquire);
}

/* --- waking ----------------------------------------------------------------------------------- */

void share_wake_watcher(struct share *share)
{
	uint64_t one = 1;
	ssize_t r = write(share->wake, &one, sizeof one);

	/* It fails only when the watcher is to wake already. */
	(void)r;
}

void share_wake_writer(struct share *share)
{
	pthread_mutex_lock(&share->lock);
	if (share->writer.wake != NULL) {
		share->writer.wake(share->writer.context);
	} else {
		share->wake_owed = true;
	}
	pthread_mutex_unlock(&share->lock);
}

void share_set_writer(struct share *share, const struct share_writer *writer)
{
	const struct share_writer none = { .wake = NULL };

	pthread_mutex_lock(&share->lock);
	share->writer = writer != NULL ? *writer : none;
	if (writer != NULL && share->wake_owed) {
		share->wake_owed = false;
		writer->wake(writer->context);
	}
	pthread_mutex_unlock(&share->lock);
}

void share_go_on(struct share *share)
{
	pthread_mutex_lock(&share->lock);
	if (share->writer.go_on != NULL) {
		share->writer.go_on(share->writer.context);
	}
	pthread_mutex_unlock(&share->lock);
}

void share_note_problem(struct share *share, enum share_part part, const char *why)
{
	char before[SHARE_WHY], after[SHARE_WHY];
	const char *now;

	pthread_mutex_lock(&share->lock);
	memcpy(before, share->status.problem, sizeof before);
	/* The text may come from the database, so it may hold any bytes. */
	snprintf(share->problems[part], sizeof share->problems[part], "%s", why);
	pol_str_clean(share->problems[part]);
	now = "";
	for (unsigned i = SHARE_PARTS; i > 0; i--) {
		now = share->problems[i - 1][0] != '\0' ? share->problems[i - 1] : now;
	}
	memmove(share->status.problem, now, strlen(now) + 1);
	snprintf(after, sizeof after, "%s", now);
	pthread_mutex_unlock(&share->lock);
	if (strcmp(before, after) == 0) {
		return;
	}
	if (after[0] == '\0') {
		log_info("the shared store goes on", "host=%s", share->options.host);
	} else {
		log_error("the shared store does not go on", "host=%s why=%s", share->options.host,
			after);
	}
}

/* --- the writer's connection ------------------------------------------------------------------ */

/* Waits for a change until `deadline`, in ms of CLOCK_BOOTTIME. False: it is past. */
static bool await_change(struct share *share, uint64_t deadline)
{
	uint64_t now = share_now() / SHARE_NS_OF_MS, left;
	struct timespec at;

	if (now >= deadline) {
		return false;
	}
	left = deadline - now;
	/* A condition goes by CLOCK_MONOTONIC, which stands still while the machine is suspended:
	 * then this waits longer, and nobody else runs either. */
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(left / 1000);
	at.tv_nsec += (long)(left % 1000 * SHARE_NS_OF_MS);
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&share->changed, &share->lock, &at);
	return true;
}

static struct share_log *take(void *context, uint64_t deadline, uint64_t *out_number)
{
	struct share *share = context;
	struct share_lending *lending = &share->lending;
	struct share_log *log = NULL;

	pthread_mutex_lock(&share->lock);
	while (lending->log == NULL && lending->opening && !share->stop &&
		await_change(share, deadline)) {
	}
	if (lending->log != NULL && !share->stop) {
		log = lending->log;
		lending->lent = true;
		*out_number = lending->number;
	}
	pthread_mutex_unlock(&share->lock);
	return log;
}

static void give(void *context, struct share_log *log, bool broken)
{
	struct share *share = context;
	struct share_lending *lending = &share->lending;

	pthread_mutex_lock(&share->lock);
	lending->lent = false;
	if (broken) {
		lending->log = NULL;
		lending->broken = log;
		lending->opening = true;
	}
	pthread_cond_broadcast(&share->changed);
	pthread_mutex_unlock(&share->lock);
	if (broken) {
		share_wake_watcher(share);
	}
}

/* --- the writer's turn ------------------------------------------------------------------------ */

void share_end_stale(struct share *share)
{
	pthread_mutex_lock(&share->lock);
	if (!share->want_stale && !share->append.owes && !share->append.diverged) {
		atomic_store_explicit(&share->options.fresh->stale, false, memory_order_release);
	}
	pthread_mutex_unlock(&share->lock);
}

/* After each commit, and before `applied` says so. */
static void committed(void *context, bool roles)
{
	struct share *share = context;
	struct share_settings settings;

	share_follow_pepper(share);
	share_go_on(share);
	if (store_read_renew(share->reader) == 0) {
		share_settings_read(share->reader, &settings);
		settings.sequence = share->append.head.sequence;
		store_read_reset(share->reader);
		pthread_mutex_lock(&share->lock);
		share->settings = settings;
		memcpy(share->status.realm, share->append.head.realm, sizeof share->status.realm);
		share->status.epoch = share->append.head.epoch;
		share->status.place = share->append.head.sequence;
		memcpy(share->status.tag, share->append.head.tag, sizeof share->status.tag);
		pthread_mutex_unlock(&share->lock);
		atomic_store_explicit(
			&share->options.fresh->max_lag, settings.max_lag, memory_order_release);
	}
	if (share->options.applied != NULL) {
		share->options.applied(share->options.context, roles);
	}
}

int share_take_up(struct share *share, bool caught_up)
{
	struct share_fresh *fresh = share->options.fresh;
	int r = share_append_load(&share->append);
	bool on = r == 0;

	if (r < 0 && r != -ENOENT) {
		return r;
	}
	pthread_mutex_lock(&share->lock);
	share->entered = false;
	share->caught_up = caught_up || share->options.start_stale;
	share->want_stale =
		on && (!share->caught_up || share->append.diverged ||
			      store_head_state(share->options.store) != STORE_HEAD_FINE);
	atomic_store_explicit(&fresh->stale, share->want_stale || (on && share->append.owes),
		memory_order_release);
	pthread_mutex_unlock(&share->lock);
	committed(share, true);
	if (on) {
		share_take_uses_id(share);
	}
	atomic_store_explicit(&fresh->anchor, 0, memory_order_release);
	store_record_changes(share->options.store, on);
	atomic_store_explicit(
		&fresh->applied, on ? share->append.head.sequence : 0, memory_order_release);
	atomic_store_explicit(&fresh->shared, on, memory_order_release);
	atomic_fetch_add(&share->began, 1);
	atomic_store_explicit(&share->on, on, memory_order_release);
	share_wake_watcher(share);
	return 0;
}

bool share_await_entered(struct share *share)
{
	uint64_t deadline = share_now() / SHARE_NS_OF_MS + SHARE_ANSWER_MS;
	bool entered;

	pthread_mutex_lock(&share->lock);
	while (!share->entered && !share->stop && await_change(share, deadline)) {
	}
	entered = share->entered;
	pthread_mutex_unlock(&share->lock);
	return entered;
}

/* --- any thread ------------------------------------------------------------------------------- */

bool share_wait_everywhere(struct share *share, struct share_waiter *waiter)
{
	bool waits = share_everywhere_wait(share->everywhere, waiter);

	if (waits) {
		share_wake_watcher(share);
	}
	return waits;
}

void share_set_revision(struct share *share, const char *revision)
{
	pthread_mutex_lock(&share->lock);
	snprintf(share->revision, sizeof share->revision, "%s", revision);
	pthread_mutex_unlock(&share->lock);
	share_wake_watcher(share);
}

bool share_may_sweep(struct share *share)
{
	bool may;

	if (!share_is_on(share)) {
		return true;
	}
	pthread_mutex_lock(&share->lock);
	may = share->least_why == NULL;
	pthread_mutex_unlock(&share->lock);
	return may;
}

/* --- its life --------------------------------------------------------------------------------- */

static int init_parts(struct share *share)
{
	pthread_condattr_t monotonic;
	int r;

	if (pthread_mutex_init(&share->lock, NULL) != 0) {
		return -ENOMEM;
	}
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&share->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	share->has_lock = true;
	share->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (share->wake < 0) {
		return -errno;
	}
	r = share_everywhere_create(&share->everywhere);
	if (r == 0) {
		r = share_use_create(&share->uses);
	}
	if (r == 0) {
		r = store_read_open(share->options.store, &share->reader);
	}
	if (r == 0) {
		r = store_read_open(share->options.store, &share->watcher.reader);
	}
	return r;
}

static int init(struct share *share, char why[static SHARE_WHY])
{
	int r = init_parts(share);

	if (r == 0) {
		secret_random(share->instance, sizeof share->instance);
		secrets_fingerprint(store_secrets(share->options.store), share->fingerprint);
		share->append = (struct share_append){
			.store = share->options.store,
			.fresh = share->options.fresh,
			.host = share->options.host,
			.least = STORE_MAKES,
			.take = take,
			.give = give,
			.committed = committed,
			.context = share,
		};
		share->pepper.store = share->options.store;
		share->lending.opening = true;
		r = share_take_up(share, false);
	}
	if (r < 0) {
		snprintf(why, SHARE_WHY, "cannot prepare the shared store: %s", store_explain(r));
	}
	return r;
}

int share_create(
	const struct share_options *options, struct share **out, char why[static SHARE_WHY])
{
	struct share *share = calloc(1, sizeof *share);
	int r;

	if (share == NULL) {
		snprintf(why, SHARE_WHY, "out of memory");
		return -ENOMEM;
	}
	share->options = *options;
	share->wake = -1;
	r = share_database_load(&share->database, why);
	if (r == 0) {
		r = share->database->check(options->conninfo, why);
	}
	if (r == 0) {
		r = init(share, why);
	}
	if (r == 0) {
		r = watcher_start(share);
		if (r < 0) {
			snprintf(why, SHARE_WHY, "cannot start a thread: %s", strerror(-r));
		}
	}
	if (r < 0) {
		share_destroy(share);
		return r;
	}
	*out = share;
	return 0;
}

void share_destroy(struct share *share)
{
	if (share == NULL) {
		return;
	}
	watcher_stop(share);
	share_append_finish(&share->append);
	share_restore_end(share);
	if (share->copying == SHARE_COPY_READY) {
		share_source_close(&share->source);
	}
	store_read_close(share->watcher.reader);
	store_read_close(share->reader);
	share_everywhere_destroy(share->everywhere);
	share_use_destroy(share->uses);
	if (share->wake >= 0) {
		close(share->wake);
	}
	if (share->has_lock) {
		pthread_cond_destroy(&share->changed);
		pthread_mutex_destroy(&share->lock);
	}
	free(share->hosts);
	free(share);
}
