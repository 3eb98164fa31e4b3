/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tend/pepper.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/secret/token.h"
#include "daemon/share/pepper.h"
#include "daemon/share/share.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"

struct move {
	char kid[STORE_KID];
	bool other;
	uint8_t number; /* of the pepper of `to` */
	uint8_t from[STORE_HASH];
	uint8_t to[STORE_HASH];
};

struct pepper {
	struct writer_job job;
	struct writer *writer;
	struct share *share; /* NULL: the store is never shared */
	struct store *store;
	struct secrets *secrets;
	pthread_mutex_t mutex; /* guards the queue and busy */
	struct move queue[PEPPER_QUEUE];
	unsigned count;
	bool busy; /* the writer has the job */
	bool stopped;
	bool due; /* the store may have a rotation that the secrets' file does not have */
	/* Used by the job alone, until its result is known: moves that it did, and the scan. */
	unsigned done;
	bool moved;    /* since the last scan began */
	bool finished; /* the store has no unfinished rotation from this job on */
	bool unneeded; /* no key needs the old pepper */
	bool scanning;
	char after[STORE_KID];
	uint64_t old_found;
	struct store_lost found; /* by the scan that runs */
	unsigned ticks;
	bool failed; /* a failure was logged */
	atomic_bool scan_requested;
	atomic_bool scanned;
	atomic_uint number; /* of the pepper in use, when the scan began */
	atomic_uint_fast64_t left, lost, keys;
	atomic_uint lost_pepper;
};

bool pepper_is_old(const struct pepper *pepper, const struct store_key *key, bool other)
{
	return store_key_pepper(key, other ? STORE_KEY_OTHER_PEPPER : STORE_KEY_PEPPER) !=
	       secrets_pepper(pepper->secrets);
}

/* The caller holds the mutex. */
static void submit(struct pepper *pepper)
{
	if (!pepper->busy && !pepper->stopped) {
		pepper->busy = true;
		writer_submit(pepper->writer, &pepper->job);
	}
}

void pepper_move(struct pepper *pepper, const struct store_key *key, bool other, uint8_t number,
	const uint8_t hash[static STORE_HASH])
{
	struct move *move;

	pthread_mutex_lock(&pepper->mutex);
	if (pepper->count < PEPPER_QUEUE) {
		move = &pepper->queue[pepper->count++];
		memcpy(move->kid, key->kid.ptr, STORE_KID);
		move->other = other;
		move->number = number;
		memcpy(move->from, other ? key->rotation.other_hash : key->hash, STORE_HASH);
		memcpy(move->to, hash, STORE_HASH);
	}
	submit(pepper);
	pthread_mutex_unlock(&pepper->mutex);
}

/* --- a rotation ------------------------------------------------------------------------------- */

/* A scan that runs has counted by the pepper before: it begins again. */
static int make_new(struct pepper *pepper, char why[static SECRET_WHY])
{
	int r = secrets_rotate(pepper->secrets, why);

	if (r == 0) {
		pepper->scanning = false;
		atomic_store(&pepper->number, secrets_pepper(pepper->secrets));
		atomic_store(&pepper->scanned, false);
		atomic_store(&pepper->scan_requested, true);
	}
	return r;
}

int pepper_rotate(struct pepper *pepper, char why[static SECRET_WHY])
{
	int r = make_new(pepper, why);

	pthread_mutex_lock(&pepper->mutex);
	pepper->due = true;
	if (r == 0) {
		submit(pepper);
	}
	pthread_mutex_unlock(&pepper->mutex);
	return r;
}

/* Makes the pepper of a committed rotation if the file lacks it, because the daemon ended or the
 * file could not be written; then the store need not name it any more. */
static int finish_rotation(struct pepper *pepper, const struct audit_change *change)
{
	struct secrets *secrets = pepper->secrets;
	char why[SECRET_WHY];
	uint8_t number;
	int r = store_get_pepper_due(change->read, &number);

	if (r == 0 && number == (uint8_t)(secrets_pepper(secrets) + 1) &&
		!secrets_have_old(secrets)) {
		r = make_new(pepper, why);
		if (r == 0) {
			log_info("an interrupted rotation of the pepper was finished", "number=%u",
				(unsigned)number);
			pepper->failed = false;
		} else if (!pepper->failed) {
			log_error("cannot finish the rotation of the pepper", "why=%s", why);
			pepper->failed = true;
		}
	}
	if (r == 0) {
		r = store_drop_pepper_due(change->write);
	}
	pepper->finished = r == 0 || r == -ENOENT;
	return r == -ENOENT ? 0 : r;
}

/* --- the rotation of a shared store ----------------------------------------------------------- */

/* What a step changes, as the trail has it. */
static void note_step(
	struct audit_note *note, enum secret_step step, const struct secret_shared *before)
{
	uint8_t number = before->number, next = (uint8_t)(number + 1);
	char text[8];

	audit_note_init(note);
	snprintf(text, sizeof text, "%u", step == SECRET_DROP ? (number + 255U) % 256U : next);
	if (step == SECRET_SWITCH) {
		audit_note_number(note, "pepper", number, next);
	}
	if (step == SECRET_STAGE) {
		audit_note_text(note, "staged", (struct pol_str){ NULL, 0 }, pol_str_of(text));
	}
	if (step == SECRET_DROP) {
		audit_note_text(note, "old", pol_str_of(text), (struct pol_str){ NULL, 0 });
	}
}

int pepper_put_step(struct pepper *pepper, const struct audit_change *change, enum secret_step step)
{
	struct audit_note note;
	const struct audit_entry entry = {
		.kind = STORE_AUDIT_STORE,
		.target = POL_STR(SHARE_SET_PEPPER),
		.flags = STORE_AUDIT_MADE,
		.note = &note,
	};
	struct secret_shared before;
	int r = share_pepper_get(pepper->store, change->read, &before);

	if (r == 0) {
		note_step(&note, step, &before);
		r = share_pepper_put(pepper->store, change->write, step);
	}
	return r < 0 ? r : audit_enter(change, &entry);
}

/* Takes a staged pepper into use when all hosts have it. Hosts that cannot be asked have not. */
static int use_staged(struct pepper *pepper, const struct writer_turn *turn)
{
	const struct audit_change change = audit_change_of(turn, NULL, "pepper.switch");
	char names[SHARE_LACKING];
	struct secret_shared shared;
	int r = share_pepper_get(pepper->store, turn->read, &shared);

	if (r < 0 || !shared.has_staged ||
		share_pepper_lacking(pepper->share, (uint8_t)(shared.number + 1), names) != 0) {
		return r;
	}
	return pepper_put_step(pepper, &change, SECRET_SWITCH);
}

/* After the scan that found no key that needs it: another host may have dropped it since. */
static int drop_shared(struct pepper *pepper, const struct writer_turn *turn)
{
	const struct audit_change change = audit_change_of(turn, NULL, "pepper.drop");
	int r = pepper_put_step(pepper, &change, SECRET_DROP);

	return r == -EBUSY ? 0 : r;
}

/* --- the job ---------------------------------------------------------------------------------- */

/* If the record changed since, there is nothing to move. */
static int move_one(
	struct pepper *pepper, const struct audit_change *change, const struct move *move)
{
	unsigned which = move->other ? STORE_KEY_OTHER_PEPPER : STORE_KEY_PEPPER;
	struct store_key key;
	const uint8_t *hash;
	int r = store_get_key(change->read, (struct pol_str){ move->kid, STORE_KID }, &key);

	if (r < 0) {
		return r == -ENOENT || r == -EBADMSG ? 0 : r;
	}
	hash = move->other ? key.rotation.other_hash : key.hash;
	if (hash == NULL || memcmp(hash, move->from, STORE_HASH) != 0 ||
		move->number != secrets_pepper(pepper->secrets)) {
		return 0;
	}
	store_key_set_pepper(&key, which, move->number);
	*(move->other ? &key.rotation.other_hash : &key.hash) = move->to;
	r = audit_update_key(change, &key);
	if (r == 0 && store_drop_import(change->write, move->from) < 0) {
		r = -EIO;
	}
	pepper->moved = pepper->moved || r == 0;
	return r;
}

static int move_queued(struct pepper *pepper, const struct audit_change *change)
{
	unsigned count;
	int r = 0;

	pthread_mutex_lock(&pepper->mutex);
	count = pepper->count < PEPPER_MOVES ? pepper->count : PEPPER_MOVES;
	pthread_mutex_unlock(&pepper->mutex);
	/* Other threads only append after these. */
	for (unsigned i = 0; i < count && r == 0; i++) {
		r = move_one(pepper, change, &pepper->queue[i]);
	}
	pepper->done = count;
	return r;
}

struct scan {
	struct pepper *pepper;
	int64_t now;
	unsigned count;
};

static int on_key(void *context, const struct store_key *key)
{
	struct scan *scan = (struct scan *)context;
	const struct secrets *secrets = scan->pepper->secrets;
	uint8_t old = (uint8_t)(secrets_pepper(secrets) - 1);
	bool other = secret_rules_other(key, scan->now) != STORE_OTHER_NONE;

	store_lost_add(&scan->pepper->found, secrets, key);
	memcpy(scan->pepper->after, key->kid.ptr, STORE_KID);
	if (secrets_have_old(secrets) && (key->flags & STORE_KEY_REVOKED) == 0 &&
		(store_key_pepper(key, STORE_KEY_PEPPER) == old ||
			(other && store_key_pepper(key, STORE_KEY_OTHER_PEPPER) == old))) {
		scan->pepper->old_found++;
	}
	return ++scan->count == PEPPER_SLICE;
}

/* After the first scan of a start there is nothing to find unless keys need another pepper. */
static bool needs_scans(const struct pepper *pepper)
{
	return secrets_have_old(pepper->secrets) || !atomic_load(&pepper->scanned) ||
	       atomic_load(&pepper->lost) > 0;
}

static void drop_old(struct pepper *pepper)
{
	char why[SECRET_WHY];
	int r = secrets_drop_old(pepper->secrets, why);

	if (r == 0) {
		log_info("the old pepper was dropped: no key needs it", "number=%u",
			(unsigned)secrets_pepper(pepper->secrets));
	} else if (!pepper->failed) {
		log_error("cannot drop the old pepper", "why=%s", why);
	}
	pepper->failed = r < 0;
}

/* Once a start, and again when there are more. */
static void report_lost(struct pepper *pepper)
{
	const struct store_lost *found = &pepper->found;

	if (found->lost > atomic_load(&pepper->lost)) {
		log_error("keys need a pepper which the pepper's file no longer holds, and are "
			  "unknown: put back the pepper file of that time",
			"keys=%llu of=%llu pepper=%u", (unsigned long long)found->lost,
			(unsigned long long)found->keys, (unsigned)found->pepper);
	}
	atomic_store(&pepper->keys, found->keys);
	atomic_store(&pepper->lost_pepper, found->pepper);
	atomic_store(&pepper->lost, found->lost);
}

/* Scans the next slice of keys. After the last one it publishes the count. */
static int scan_slice(struct pepper *pepper, const struct audit_change *change)
{
	struct scan scan = { pepper, change->now, 0 };
	struct pol_str after = { pepper->after, pepper->scanning ? STORE_KID : 0 };
	int r;

	if (!pepper->scanning) {
		pepper->scanning = true;
		pepper->moved = false;
		pepper->old_found = 0;
		pepper->found = (struct store_lost){ 0 };
		pepper->ticks = 0;
		atomic_store(&pepper->scan_requested, false);
	}
	r = store_walk_keys(change->read, after, on_key, &scan);
	if (r != 0) {
		return r < 0 ? r : 0;
	}
	pepper->scanning = false;
	report_lost(pepper);
	atomic_store(&pepper->left, pepper->old_found);
	atomic_store(&pepper->scanned, true);
	pepper->unneeded = pepper->old_found == 0 && secrets_have_old(pepper->secrets);
	return 0;
}

/* The hosts' log has made another pepper the one in use. */
static void note_number(struct pepper *pepper)
{
	uint8_t number = secrets_pepper(pepper->secrets);

	if (atomic_load(&pepper->number) != number) {
		pepper->scanning = false;
		atomic_store(&pepper->scanned, false);
		atomic_store(&pepper->scan_requested, true);
		atomic_store(&pepper->number, number);
	}
}

static int on_job(struct writer_job *job, const struct writer_turn *turn)
{
	struct pepper *pepper = (struct pepper *)job;
	const struct audit_change change = audit_change_of(turn, NULL, "pepper.move");
	bool due;
	int r;

	pthread_mutex_lock(&pepper->mutex);
	due = pepper->due;
	pthread_mutex_unlock(&pepper->mutex);
	pepper->done = 0;
	pepper->finished = false;
	pepper->unneeded = false;
	/* What a single store owes is of this host's file: a shared one has no such record. */
	if (due && !share_is_on(pepper->share)) {
		return finish_rotation(pepper, &change);
	}
	note_number(pepper);
	r = move_queued(pepper, &change);
	if (r == 0 && pepper->done == 0 && share_is_on(pepper->share) &&
		secrets_have_staged(pepper->secrets)) {
		return use_staged(pepper, turn);
	}
	if (r == 0 && pepper->done == 0 && needs_scans(pepper) &&
		(pepper->scanning || atomic_load(&pepper->scan_requested))) {
		r = scan_slice(pepper, &change);
	}
	if (r == 0 && pepper->unneeded && share_is_on(pepper->share)) {
		pepper->unneeded = false;
		r = drop_shared(pepper, turn);
	}
	return r;
}

/* In a shared store the database may be away, which the log has from the watcher, and this host may
 * be one that only ends things. */
static bool is_expected(int result)
{
	return result == -ENOTCONN || result == -EINPROGRESS || result == -EROFS;
}

static void on_done(struct writer_job *job, int result)
{
	struct pepper *pepper = (struct pepper *)job;

	if (result < 0 && !pepper->failed && !is_expected(result)) {
		log_error("cannot move keys to the new pepper", "why=%s", store_explain(result));
		pepper->failed = true;
	}
	if (result == 0 && pepper->unneeded) {
		drop_old(pepper);
	}
	pthread_mutex_lock(&pepper->mutex);
	if (result == 0 && pepper->finished) {
		pepper->due = false;
	}
	/* A move that failed is queued again when the secret is used next. */
	pepper->count -= pepper->done;
	memmove(pepper->queue, pepper->queue + pepper->done,
		pepper->count * sizeof pepper->queue[0]);
	if (pepper->done > 0 && pepper->count == 0 && pepper->moved) {
		atomic_store(&pepper->scan_requested, true);
	}
	/* The drop was lost to another host's row, or could not be appended. */
	if (share_is_on(pepper->share) && secrets_have_old(pepper->secrets) &&
		atomic_load(&pepper->scanned) && atomic_load(&pepper->left) == 0) {
		atomic_store(&pepper->scan_requested, true);
	}
	pepper->busy = false;
	if (result >= 0 && (pepper->count > 0 || pepper->scanning || pepper->finished ||
				   (pepper->done > 0 && pepper->left <= PEPPER_SLICE))) {
		submit(pepper);
	}
	pthread_mutex_unlock(&pepper->mutex);
}

/* --- the rest --------------------------------------------------------------------------------- */

int pepper_create(
	struct store *store, struct writer *writer, struct share *share, struct pepper **out)
{
	struct pepper *pepper = calloc(1, sizeof *pepper);

	if (pepper == NULL) {
		return -ENOMEM;
	}
	pepper->writer = writer;
	pepper->share = share;
	pepper->store = store;
	pepper->secrets = store_secrets(store);
	atomic_store(&pepper->number, secrets_pepper(pepper->secrets));
	pepper->job.run = on_job;
	pepper->job.done = on_done;
	pepper->job.item.class = QUEUE_MAKES; /* it can wait */
	pepper->job.item.uid = QUEUE_DAEMON;
	pepper->job.need = STORE_EDITS;
	/* The scan must see nothing that is not durable: an old pepper that was dropped cannot be
	 * restored. */
	pepper->job.alone = true;
	/* The first job finds out. */
	pepper->due = true;
	pthread_mutex_init(&pepper->mutex, NULL);
	atomic_store(&pepper->scan_requested, true);
	*out = pepper;
	return 0;
}

void pepper_destroy(struct pepper *pepper)
{
	if (pepper != NULL) {
		pthread_mutex_destroy(&pepper->mutex);
		secret_wipe(pepper->queue, sizeof pepper->queue);
		free(pepper);
	}
}

void pepper_tick(struct pepper *pepper)
{
	pthread_mutex_lock(&pepper->mutex);
	if (!pepper->busy && ((pepper->due && !share_is_on(pepper->share)) ||
				     secrets_have_staged(pepper->secrets) || needs_scans(pepper))) {
		if (++pepper->ticks >= PEPPER_IDLE) {
			atomic_store(&pepper->scan_requested, true);
		}
		submit(pepper);
	}
	pthread_mutex_unlock(&pepper->mutex);
}

void pepper_stop(struct pepper *pepper)
{
	if (pepper != NULL) {
		pthread_mutex_lock(&pepper->mutex);
		pepper->stopped = true;
		pthread_mutex_unlock(&pepper->mutex);
	}
}

bool pepper_left(struct pepper *pepper, uint64_t *out)
{
	*out = atomic_load(&pepper->left);
	return atomic_load(&pepper->scanned) &&
	       atomic_load(&pepper->number) == secrets_pepper(pepper->secrets);
}

bool pepper_lost(struct pepper *pepper, struct store_lost *out)
{
	*out = (struct store_lost){ .keys = atomic_load(&pepper->keys),
		.lost = atomic_load(&pepper->lost),
		.pepper = (uint8_t)atomic_load(&pepper->lost_pepper) };
	return out->lost > 0;
}
