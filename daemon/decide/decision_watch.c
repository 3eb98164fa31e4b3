/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/decision_watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/host/log.h"
#include "daemon/secret/token.h"

/* What a decision looks at first, and all that it looks at while no watch is on. */
enum { OFF = 0, ON, FULL };

struct decision_watch {
	_Atomic int state;
	_Atomic uint64_t dropped;

	pthread_mutex_t lock; /* of what follows */
	uint8_t id[DECISION_WATCH_ID];
	uint8_t *filling; /* DECISION_WATCH_BYTES; NULL: no watch is on */
	uint8_t *spare;   /* the same; NULL: a call has it */
	size_t len;       /* of filling */
	uint32_t events;  /* in filling */
	uint64_t put;     /* since the watch began */
	int64_t touched;  /* seconds, monotonic */
};

static int64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int decision_watch_create(struct decision_watch **out)
{
	struct decision_watch *watch = calloc(1, sizeof *watch);
	int r;

	if (watch == NULL) {
		return -ENOMEM;
	}
	r = -pthread_mutex_init(&watch->lock, NULL);
	if (r < 0) {
		free(watch);
		return r;
	}
	*out = watch;
	return 0;
}

/* The lock is held. A buffer that a call has is freed when it is given back. */
static void end(struct decision_watch *watch)
{
	atomic_store_explicit(&watch->state, OFF, memory_order_relaxed);
	free(watch->filling);
	free(watch->spare);
	watch->filling = NULL;
	watch->spare = NULL;
}

static bool is_over(const struct decision_watch *watch)
{
	return monotonic() - watch->touched > DECISION_WATCH_IDLE;
}

void decision_watch_tick(struct decision_watch *watch)
{
	if (atomic_load_explicit(&watch->state, memory_order_relaxed) == OFF) {
		return;
	}
	pthread_mutex_lock(&watch->lock);
	if (watch->filling != NULL && is_over(watch)) {
		log_info("decisions are not watched any more: no peer asked for them in time",
			"idle_s=%d", DECISION_WATCH_IDLE);
		end(watch);
	}
	pthread_mutex_unlock(&watch->lock);
}

void decision_watch_destroy(struct decision_watch *watch)
{
	if (watch != NULL) {
		end(watch);
		pthread_mutex_destroy(&watch->lock);
		free(watch);
	}
}

/* --- a decision ------------------------------------------------------------------------------- */

static void drop(struct decision_watch *watch)
{
	atomic_fetch_add_explicit(&watch->dropped, 1, memory_order_relaxed);
}

bool decision_watch_wants(struct decision_watch *watch)
{
	int state = watch == NULL ? OFF : atomic_load_explicit(&watch->state, memory_order_relaxed);

	if (state == FULL) {
		drop(watch);
	}
	return state == ON;
}

void decision_watch_put(struct decision_watch *watch, const uint8_t *event, size_t len)
{
	if (len == 0) {
		drop(watch);
		return;
	}
	pthread_mutex_lock(&watch->lock);
	if (watch->filling != NULL && len <= DECISION_WATCH_BYTES - watch->len) {
		memcpy(watch->filling + watch->len, event, len);
		watch->len += len;
		watch->events++;
		watch->put++;
	} else if (watch->filling != NULL) {
		atomic_store_explicit(&watch->state, FULL, memory_order_relaxed);
		drop(watch);
	}
	pthread_mutex_unlock(&watch->lock);
}

/* --- the watcher ------------------------------------------------------------------------------ */

/* The lock is held. */
static int begin(struct decision_watch *watch)
{
	if (watch->filling != NULL && !is_over(watch)) {
		return -EBUSY;
	}
	end(watch);
	/* Pages that no event touched take no memory. */
	watch->filling = malloc(DECISION_WATCH_BYTES);
	watch->spare = malloc(DECISION_WATCH_BYTES);
	if (watch->filling == NULL || watch->spare == NULL) {
		end(watch);
		return -ENOMEM;
	}
	secret_random(watch->id, sizeof watch->id);
	watch->len = 0;
	watch->events = 0;
	watch->put = 0;
	atomic_store_explicit(&watch->dropped, 0, memory_order_relaxed);
	return 0;
}

/* The lock is held. */
static int find(const struct decision_watch *watch, const uint8_t *id)
{
	if (watch->filling == NULL || is_over(watch) ||
		!secret_equal(id, watch->id, DECISION_WATCH_ID)) {
		return -ESTALE;
	}
	return watch->spare == NULL ? -EBUSY : 0;
}

/* The lock is held. */
static void take(struct decision_watch *watch, struct decision_watch_taken *out)
{
	memcpy(out->id, watch->id, sizeof out->id);
	out->bytes = watch->filling;
	out->len = watch->len;
	out->events = watch->events;
	out->dropped = atomic_load_explicit(&watch->dropped, memory_order_relaxed);
	out->seen = watch->put + out->dropped;
	watch->filling = watch->spare;
	watch->spare = NULL;
	watch->len = 0;
	watch->events = 0;
	watch->touched = monotonic();
	atomic_store_explicit(&watch->state, ON, memory_order_relaxed);
}

int decision_watch_take(
	struct decision_watch *watch, const uint8_t *id, struct decision_watch_taken *out)
{
	int r;

	pthread_mutex_lock(&watch->lock);
	r = id == NULL ? begin(watch) : find(watch, id);
	if (r == 0) {
		take(watch, out);
	}
	pthread_mutex_unlock(&watch->lock);
	return r;
}

void decision_watch_give_back(
	struct decision_watch *watch, struct decision_watch_taken *taken, bool over)
{
	pthread_mutex_lock(&watch->lock);
	if (watch->filling != NULL && watch->spare == NULL &&
		memcmp(watch->id, taken->id, DECISION_WATCH_ID) == 0) {
		watch->spare = taken->bytes;
		taken->bytes = NULL;
		if (over) {
			end(watch);
		}
	}
	pthread_mutex_unlock(&watch->lock);
	free(taken->bytes);
	taken->bytes = NULL;
}
