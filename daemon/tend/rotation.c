/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tend/rotation.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/host/log.h"
#include "daemon/keys/denials.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/keys/usage.h"
#include "daemon/load/current.h"
#include "daemon/tend/rotation_due.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"

/* Keys whose secrets are being confirmed at the same time; a further key is confirmed at a later
 * use. */
#define MAX_CONFIRMING 64

/* Keys of which a dead secret was presented within the hour. With more of them the one that was
 * reported longest ago is dropped, and may be reported again within its hour. */
#define MAX_ALARMS   256
#define ALARM_PLACES 8    /* of them, where the alarm of a key may be */
#define ALARM_PAUSE  3600 /* seconds, by the monotonic clock */

struct alarm {
	uint64_t number; /* of the key; 0: free */
	int64_t reported_at;
	uint64_t unreported; /* presentations since then */
};

struct rotation {
	struct rotation_parts parts;
	struct rotation_due *due;
	atomic_uint_fast64_t dead;
	pthread_mutex_t mutex; /* guards the rest */
	uint64_t confirming[MAX_CONFIRMING];
	bool failed; /* a failure was logged, so that a full disk is logged once */
	struct alarm alarms[MAX_ALARMS];
};

int rotation_create(const struct rotation_parts *parts, struct rotation **out)
{
	struct rotation *rotation = calloc(1, sizeof *rotation);
	int r;

	if (rotation == NULL) {
		return -ENOMEM;
	}
	rotation->parts = *parts;
	atomic_init(&rotation->dead, 0);
	r = -pthread_mutex_init(&rotation->mutex, NULL);
	if (r < 0) {
		free(rotation);
		return r;
	}
	r = rotation_due_create(parts, &rotation->due);
	if (r < 0) {
		rotation_destroy(rotation);
		return r;
	}
	*out = rotation;
	return 0;
}

void rotation_destroy(struct rotation *rotation)
{
	if (rotation != NULL) {
		rotation_due_destroy(rotation->due);
		pthread_mutex_destroy(&rotation->mutex);
		free(rotation);
	}
}

void rotation_count(struct rotation *rotation, struct rotation_counts *out)
{
	rotation_due_count(rotation->due, out);
	out->dead = atomic_load_explicit(&rotation->dead, memory_order_relaxed);
}

void rotation_tick(struct rotation *rotation)
{
	rotation_due_tick(rotation->due);
}

/* --- jobs for the writer ---------------------------------------------------------------------- */

/* A job for one key. */
struct task {
	struct writer_job job; /* first: the writer passes it to run and done */
	struct rotation *rotation;
	uint64_t number;
	char kid[STORE_KID];
	uint8_t hash[STORE_HASH]; /* of the secret whose first use it was */
	uint64_t count;           /* of presentations that the alarm reports */
};

static struct task *make_task(struct rotation *rotation, uint64_t number, struct pol_str kid)
{
	struct task *task = calloc(1, sizeof *task);

	if (task != NULL) {
		task->rotation = rotation;
		task->number = number;
		memcpy(task->kid, kid.ptr, STORE_KID);
	}
	return task;
}

/* --- the first use ---------------------------------------------------------------------------- */

/* False: the key is being confirmed already, or there is no room. */
static bool begin_confirming(struct rotation *rotation, uint64_t number)
{
	size_t room = MAX_CONFIRMING;
	bool found = false;

	pthread_mutex_lock(&rotation->mutex);
	for (size_t i = 0; i < MAX_CONFIRMING; i++) {
		found = found || rotation->confirming[i] == number;
		room = rotation->confirming[i] == 0 && room == MAX_CONFIRMING ? i : room;
	}
	if (!found && room < MAX_CONFIRMING) {
		rotation->confirming[room] = number;
	}
	pthread_mutex_unlock(&rotation->mutex);
	return !found && room < MAX_CONFIRMING;
}

static void end_confirming(struct rotation *rotation, uint64_t number)
{
	for (size_t i = 0; i < MAX_CONFIRMING; i++) {
		if (rotation->confirming[i] == number) {
			rotation->confirming[i] = 0;
		}
	}
}

/* The key may have changed between its use and the job. */
static bool is_still_pending(const struct store_key *key, const uint8_t *hash, int64_t now)
{
	return (key->flags & (STORE_KEY_REVOKED | STORE_KEY_DISABLED)) == 0 &&
	       key->deleted_at == 0 && secret_rules_other(key, now) == STORE_OTHER_PENDING &&
	       memcmp(key->rotation.other_hash, hash, STORE_HASH) == 0;
}

static int run_confirm(struct writer_job *job, const struct writer_turn *turn)
{
	struct task *task = (struct task *)job;
	const struct rotation_parts *parts = &task->rotation->parts;
	const struct audit_change by = audit_change_of(turn, NULL, "keys.confirm");
	/* No lock: this thread alone exchanges the snapshot. */
	const struct pol_limits *limits = pol_snapshot_limits(parts->current->snapshot);
	struct secret_rules_change change = {
		.secrets = store_secrets(parts->store),
		.now = turn->now,
		.max_overlap = (int64_t)limits->rotation_max_overlap,
	};
	struct pol_str kid = { task->kid, STORE_KID };
	struct secret_rules_buffer room;
	struct store_key key;
	int r = store_get_key(turn->read, kid, &key);

	if (r < 0) {
		return r == -ENOENT || r == -EBADMSG ? 0 : r;
	}
	if (!is_still_pending(&key, task->hash, turn->now)) {
		return 0;
	}
	secret_rules_confirm(&key, &change, &room);
	return audit_update_key(&by, &key);
}

static void confirm_done(struct writer_job *job, int result)
{
	struct task *task = (struct task *)job;
	struct rotation *rotation = task->rotation;
	bool report;

	pthread_mutex_lock(&rotation->mutex);
	end_confirming(rotation, task->number);
	report = result < 0 && !rotation->failed;
	rotation->failed = result < 0;
	pthread_mutex_unlock(&rotation->mutex);
	if (report) {
		log_error("cannot confirm a new secret; each further use tries again",
			"key=%.*s why=%s", STORE_KID, task->kid, store_explain(result));
	}
	free(task);
}

void rotation_first_use(struct rotation *rotation, uint64_t number, struct pol_str kid,
	const uint8_t hash[static STORE_HASH])
{
	struct task *task;

	if (!begin_confirming(rotation, number)) {
		return;
	}
	task = make_task(rotation, number, kid);
	if (task == NULL) {
		pthread_mutex_lock(&rotation->mutex);
		end_confirming(rotation, number);
		pthread_mutex_unlock(&rotation->mutex);
		return;
	}
	memcpy(task->hash, hash, STORE_HASH);
	task->job.run = run_confirm;
	task->job.done = confirm_done;
	task->job.item.class = QUEUE_ENDS;
	task->job.item.uid = QUEUE_DAEMON;
	task->job.need = STORE_ENDS; /* ends the old secret */
	writer_submit(rotation->parts.writer, &task->job);
}

/* --- dead secrets ----------------------------------------------------------------------------- */

static int64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Presentations to report now; 0: the last report is less than ALARM_PAUSE ago. */
static uint64_t take_alarm(struct rotation *rotation, uint64_t number)
{
	int64_t now = monotonic();
	struct alarm *at = &rotation->alarms[number % MAX_ALARMS];
	uint64_t count = 0;

	pthread_mutex_lock(&rotation->mutex);
	/* Few places, since a long search would show by its time that the secret is a dead one. */
	for (size_t i = 0; i < ALARM_PLACES; i++) {
		struct alarm *alarm = &rotation->alarms[(number + i) % MAX_ALARMS];

		if (alarm->number == number) {
			at = alarm;
			break;
		}
		if (alarm->number == 0) {
			at = alarm;
			break;
		}
		if (alarm->reported_at < at->reported_at) {
			at = alarm;
		}
	}
	if (at->number != number) {
		*at = (struct alarm){ .number = number, .reported_at = now - ALARM_PAUSE };
	}
	at->unreported++;
	if (now - at->reported_at >= ALARM_PAUSE) {
		count = at->unreported;
		at->unreported = 0;
		at->reported_at = now;
	}
	pthread_mutex_unlock(&rotation->mutex);
	return count;
}

struct search {
	int64_t since;
	bool found;
};

/* Backwards: an entry before `since` has none after it. */
static int on_alarm(void *context, const struct store_audit *audit)
{
	struct search *search = context;

	search->found = audit->kind == STORE_AUDIT_ALARM && audit->time > search->since;
	return search->found || audit->latest <= search->since;
}

/* Is there an alarm about the key that is younger than ALARM_PAUSE, perhaps of another host? */
static bool is_reported(const struct writer_turn *turn, struct pol_str kid)
{
	const struct store_audit_filter filter = {
		.kind = STORE_AUDIT_ALARM, .target = kid, .backwards = true
	};
	struct search search = { .since = turn->now - ALARM_PAUSE };

	store_list_audit(turn->read, &filter, INT64_MAX, on_alarm, &search);
	return search.found;
}

static int run_alarm(struct writer_job *job, const struct writer_turn *turn)
{
	struct task *task = (struct task *)job;
	const struct audit_change by = audit_change_of(turn, NULL, "alarm.dead_secret");
	struct audit_note note;
	struct audit_entry entry = {
		.kind = STORE_AUDIT_ALARM,
		.target = { task->kid, STORE_KID },
		.note = &note,
	};
	struct store_key key;
	int r = store_get_key(turn->read, entry.target, &key);

	if (r < 0) {
		return r == -ENOENT || r == -EBADMSG ? 0 : r;
	}
	/* Each host counts by itself; the trail of all has one alarm. */
	if (turn->host != NULL && is_reported(turn, entry.target)) {
		return 0;
	}
	entry.tenant = key.tenant;
	audit_note_init(&note);
	audit_note_number(&note, "presented", 0, (int64_t)task->count);
	return audit_alarm(&by, &entry);
}

static void alarm_done(struct writer_job *job, int result)
{
	/* The alarm is in the log even if the trail lacks it. */
	(void)result;
	free(job);
}

void rotation_dead(struct rotation *rotation, const struct store_key *key)
{
	uint64_t count;
	struct task *task;

	atomic_fetch_add_explicit(&rotation->dead, 1, memory_order_relaxed);
	denials_add(usage_denials(rotation->parts.usage), key->number, denials_dead());
	count = take_alarm(rotation, key->number);
	if (count == 0) {
		return;
	}
	log_warn("alarm: a secret that is dead was presented: somebody did not get its successor, "
		 "or it was stolen",
		"key=%.*s name=%.*s principal=%.*s presented=%llu", POL_STR_ARGS(key->kid),
		POL_STR_ARGS(key->name), POL_STR_ARGS(key->principal), (unsigned long long)count);
	task = make_task(rotation, key->number, key->kid);
	if (task == NULL) {
		return;
	}
	task->count = count;
	task->job.run = run_alarm;
	task->job.done = alarm_done;
	task->job.item.class = QUEUE_EDITS;
	task->job.item.uid = QUEUE_DAEMON;
	task->job.need = STORE_EDITS;
	writer_submit(rotation->parts.writer, &task->job);
}
