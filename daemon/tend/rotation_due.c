/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tend/rotation_due.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/store/env.h"
#include "policy/text/timetext.h"

/* Keys of one slice: a millisecond or two of the main thread. With a slice each second a scan of a
 * million keys takes a quarter of an hour. */
#define SLICE 1024
/* Least time between the beginnings of two scans. */
#define PAUSE 60 /* seconds */
/* Keys of each kind that one scan logs by name. */
#define MAX_REPORTED 20
/* A key is logged a second time this long before its end; seconds. */
#define URGENT ((int64_t)24 * 60 * 60)

enum event {
	DUE = 0,
	OVERDUE,
	EXPIRING,
	EVENTS,
};

/* Those of secret_rules_state, of which POL_KEY_ACTIVE is the last, and one more. */
enum { DELETED = POL_KEY_ACTIVE + 1, STATES };

struct rotation_due {
	struct store *store;
	struct store_read *read;
	char after[STORE_KID];  /* the last key that the scan has passed */
	size_t after_len;       /* 0: at the beginning */
	int64_t begun_at;       /* of this scan; 0: none is under way */
	int64_t reported_until; /* earlier scans logged events up to this time */
	uint64_t counts[EVENTS];
	uint64_t reported[EVENTS];
	uint64_t states[STATES];
	uint32_t slice;
	/* Of the last complete scan. */
	atomic_uint_fast64_t last[EVENTS], last_states[STATES];
};

int rotation_due_create(const struct rotation_parts *parts, struct rotation_due **out)
{
	struct rotation_due *due = calloc(1, sizeof *due);
	int r;

	if (due == NULL) {
		return -ENOMEM;
	}
	due->store = parts->store;
	r = store_read_open(parts->store, &due->read);
	if (r < 0) {
		free(due);
		return r;
	}
	*out = due;
	return 0;
}

void rotation_due_destroy(struct rotation_due *due)
{
	if (due != NULL) {
		store_read_close(due->read);
		free(due);
	}
}

static uint64_t keys_of(struct rotation_due *due, unsigned state)
{
	return atomic_load_explicit(&due->last_states[state], memory_order_relaxed);
}

void rotation_due_count(struct rotation_due *due, struct rotation_counts *out)
{
	out->active = keys_of(due, POL_KEY_ACTIVE);
	out->inactive = keys_of(due, POL_KEY_INACTIVE);
	out->expired = keys_of(due, POL_KEY_EXPIRED);
	out->revoked = keys_of(due, POL_KEY_REVOKED);
	out->deleted = keys_of(due, DELETED);
	out->due = atomic_load_explicit(&due->last[DUE], memory_order_relaxed);
	out->overdue = atomic_load_explicit(&due->last[OVERDUE], memory_order_relaxed);
	out->expiring = atomic_load_explicit(&due->last[EXPIRING], memory_order_relaxed);
}

/* --- one key ---------------------------------------------------------------------------------- */

static bool is_new(const struct rotation_due *due, int64_t at)
{
	return at <= due->begun_at && at > due->reported_until;
}

/* Counts a key. True: it is to be logged, since its time or the time of the second line came after
 * the last scan. */
static bool count_event(struct rotation_due *due, enum event event, int64_t at, int64_t urgent_at)
{
	due->counts[event]++;
	if (!is_new(due, at) && !is_new(due, urgent_at)) {
		return false;
	}
	due->reported[event]++;
	return due->reported[event] <= MAX_REPORTED;
}

#define KEY_FORMAT "key=%.*s name=%.*s principal=%.*s "
#define KEY_ARGS(key)                                                                              \
	POL_STR_ARGS((key)->kid), POL_STR_ARGS((key)->name), POL_STR_ARGS((key)->principal)

/* The time as text. */
static const char *time_text(int64_t time, char text[static POL_TIME_TEXT])
{
	if (pol_timetext_format(time, text) != POL_OK) {
		text[0] = '\0';
	}
	return text;
}

static void check_schedule(struct rotation_due *due, const struct store_key *key, int64_t now)
{
	const struct store_rotation *rotation = &key->rotation;
	bool renewed = secret_rules_other(key, now) == STORE_OTHER_PENDING;
	char text[POL_TIME_TEXT];

	if (!secret_rules_is_due(key, now)) {
		return;
	}
	if (now >= rotation->renew_by) {
		if (count_event(due, OVERDUE, rotation->renew_by, 0)) {
			log_warn(renewed ? "a key's secret has ended by its schedule; the new one "
					   "was never used"
					 : "a key's secret has ended by its schedule and was not "
					   "renewed: rotate it",
				KEY_FORMAT "since=%s", KEY_ARGS(key),
				time_text(rotation->renew_by, text));
		}
	} else if (count_event(due, DUE, rotation->next_rotation_at, rotation->renew_by - URGENT)) {
		log_warn(renewed ? "a key was renewed, and its new secret waits for its first use"
				 : "a key is due to be renewed",
			KEY_FORMAT "renew_by=%s", KEY_ARGS(key),
			time_text(rotation->renew_by, text));
	}
}

static int on_key(void *context, const struct store_key *key)
{
	struct rotation_due *due = context;
	int64_t now = due->begun_at;
	char text[POL_TIME_TEXT];

	memcpy(due->after, key->kid.ptr, STORE_KID);
	due->after_len = STORE_KID;
	due->slice++;
	due->states[key->deleted_at != 0 ? DELETED : (unsigned)secret_rules_state(key, now)]++;
	if ((key->flags & (STORE_KEY_REVOKED | STORE_KEY_DISABLED)) != 0 || key->deleted_at != 0 ||
		(key->expires_at != 0 && now >= key->expires_at)) {
		return due->slice == SLICE;
	}
	check_schedule(due, key, now);
	if (key->expires_at != 0 && now >= key->expires_at - ROTATION_SOON &&
		count_event(
			due, EXPIRING, key->expires_at - ROTATION_SOON, key->expires_at - URGENT)) {
		log_warn("a key is about to expire", KEY_FORMAT "expires_at=%s", KEY_ARGS(key),
			time_text(key->expires_at, text));
	}
	return due->slice == SLICE;
}

/* --- a scan ----------------------------------------------------------------------------------- */

static void begin_scan(struct rotation_due *due, int64_t now)
{
	due->begun_at = now;
	due->after_len = 0;
	memset(due->counts, 0, sizeof due->counts);
	memset(due->reported, 0, sizeof due->reported);
	memset(due->states, 0, sizeof due->states);
}

static void end_scan(struct rotation_due *due)
{
	uint64_t more = 0;

	for (size_t i = 0; i < EVENTS; i++) {
		atomic_store_explicit(&due->last[i], due->counts[i], memory_order_relaxed);
		more += due->reported[i] > MAX_REPORTED ? due->reported[i] - MAX_REPORTED : 0;
	}
	for (unsigned i = 0; i < STATES; i++) {
		atomic_store_explicit(&due->last_states[i], due->states[i], memory_order_relaxed);
	}
	if (more > 0) {
		log_warn(
			"more keys are due or about to end", "keys=%llu", (unsigned long long)more);
	}
	due->reported_until = due->begun_at;
	due->begun_at = 0;
}

void rotation_due_tick(struct rotation_due *due)
{
	int64_t now = store_now(due->store);
	int r;

	if (due->begun_at == 0) {
		/* If the clock was set back, a scan begins at once. */
		if (due->reported_until != 0 && now >= due->reported_until &&
			now < due->reported_until + PAUSE) {
			return;
		}
		begin_scan(due, now);
	}
	r = store_read_renew(due->read);
	if (r < 0) {
		return;
	}
	due->slice = 0;
	r = store_walk_keys(due->read, (struct pol_str){ due->after, due->after_len }, on_key, due);
	store_read_reset(due->read);
	if (r == 0) {
		end_scan(due);
	}
}
