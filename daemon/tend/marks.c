/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tend/marks.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/peer.h"
#include "daemon/host/log.h"
#include "daemon/store/env.h"
#include "daemon/store/shared.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"

#define MARKS_SLICE 64 /* keys of one job, so that other changes do not wait for long */

struct marks {
	struct writer_job job; /* first: the writer gives it back */
	struct store *store;
	struct writer *writer;
	atomic_bool submitted;
	atomic_bool stopped;
};

/* A job of the daemon's own, which ends rights or says who did. */
static struct writer_job job_of(int (*run)(struct writer_job *, const struct writer_turn *),
	void (*done)(struct writer_job *, int))
{
	return (struct writer_job){
		.run = run,
		.done = done,
		.item = { .class = QUEUE_ENDS, .uid = QUEUE_DAEMON },
		.need = STORE_ENDS,
	};
}

/* --- keys ------------------------------------------------------------------------------------- */

struct listing {
	struct store_mark marks[MARKS_SLICE];
	size_t count;
};

static int on_mark(void *context, const struct store_mark *mark)
{
	struct listing *listing = context;

	listing->marks[listing->count++] = *mark;
	return listing->count == MARKS_SLICE ? 1 : 0;
}

/* The author is the user that asked for the mark. */
static struct audit_change change_of(
	const struct writer_turn *turn, const struct store_mark *mark, const char *action)
{
	const struct peer peer = { .uid = mark->uid };

	return audit_change_of(turn, &peer, action);
}

static int end_key(const struct writer_turn *turn, const struct store_mark *mark)
{
	struct pol_str kid = { mark->kid, STORE_KID };
	bool revokes = mark->what == STORE_MARK_REVOKE;
	const struct audit_change change =
		change_of(turn, mark, revokes ? "keys.revoke" : "keys.disable");
	struct store_key key;
	int r = store_get_key(turn->read, kid, &key);

	if (r == -EBADMSG) {
		return 0;
	}
	/* Nobody has the key: the batch stands only if this was the log's end. */
	if (r == -ENOENT) {
		return store_drop_mark(turn->write, kid);
	}
	if (r == 0 && (key.flags & STORE_KEY_REVOKED) == 0 &&
		(revokes || (key.flags & STORE_KEY_DISABLED) == 0)) {
		key.flags |= revokes ? STORE_KEY_REVOKED : STORE_KEY_DISABLED;
		key.revoked_at = revokes ? mark->at : key.revoked_at;
		r = audit_update_key(&change, &key);
	}
	return r == 0 ? store_drop_mark(turn->write, kid) : r;
}

static int on_job(struct writer_job *job, const struct writer_turn *turn)
{
	struct listing listing = { .count = 0 };
	int r = store_list_marks(turn->read, on_mark, &listing);

	(void)job;
	r = r > 0 ? 0 : r;
	for (size_t i = 0; i < listing.count && r == 0; i++) {
		r = end_key(turn, &listing.marks[i]);
	}
	return r;
}

static void on_done(struct writer_job *job, int result)
{
	struct marks *marks = (struct marks *)job;

	if (result < 0 && result != -ENOTCONN && result != -EINPROGRESS) {
		log_error("marked keys are not ended in the shared store yet", "why=%s",
			store_explain(result));
	}
	atomic_store(&marks->submitted, false);
}

void marks_tick(struct marks *marks)
{
	if (marks == NULL || atomic_load(&marks->stopped) || !store_has_marks(marks->store) ||
		atomic_exchange(&marks->submitted, true)) {
		return;
	}
	writer_submit(marks->writer, &marks->job);
}

/* --- principals ------------------------------------------------------------------------------- */

struct ending {
	struct writer_job job; /* first: the writer gives it back */
	struct marks_principal *list;
	size_t count;
};

static int end_principal(const struct writer_turn *turn, const struct marks_principal *ended)
{
	const struct audit_change change = audit_change_of(turn, NULL, "store.rejoin");
	struct store_principal principal;
	int r = store_get_principal(
		turn->read, ended->tenant, (struct pol_str){ ended->id, ended->len }, &principal);

	if (r == -ENOENT || r == -EBADMSG) {
		return 0;
	}
	if (r < 0 || (principal.flags & STORE_PRINCIPAL_DISABLED) != 0) {
		return r;
	}
	principal.flags |= STORE_PRINCIPAL_DISABLED;
	return audit_put_principal(&change, &principal);
}

static int on_ending(struct writer_job *job, const struct writer_turn *turn)
{
	struct ending *ending = (struct ending *)job;
	int r = 0;

	for (size_t i = 0; i < ending->count && r == 0; i++) {
		r = end_principal(turn, &ending->list[i]);
	}
	return r;
}

static void on_ended(struct writer_job *job, int result)
{
	struct ending *ending = (struct ending *)job;

	if (result < 0) {
		log_error("principals whose changes the log lost are not disabled: disable them by "
			  "hand, the trail of the copy names them",
			"principals=%zu why=%s", ending->count, store_explain(result));
	}
	free(ending->list);
	free(ending);
}

void marks_disable(struct marks *marks, struct marks_principal *list, size_t count)
{
	struct ending *ending = count > 0 ? calloc(1, sizeof *ending) : NULL;

	if (ending == NULL) {
		free(list);
		return;
	}
	ending->list = list;
	ending->count = count;
	ending->job = job_of(on_ending, on_ended);
	writer_submit(marks->writer, &ending->job);
}

/* --- entries ---------------------------------------------------------------------------------- */

struct entering {
	struct writer_job job; /* first: the writer gives it back */
	struct peer peer;
	const char *action;
	char host[SHARE_HOST + 1];
};

static int on_entering(struct writer_job *job, const struct writer_turn *turn)
{
	struct entering *entering = (struct entering *)job;
	const struct audit_change change = audit_change_of(turn, &entering->peer, entering->action);
	struct audit_note note;
	const struct audit_entry entry = {
		.kind = STORE_AUDIT_STORE, .target = pol_str_of(entering->host), .note = &note
	};

	audit_note_init(&note);
	return audit_enter(&change, &entry);
}

static void on_entered(struct writer_job *job, int result)
{
	struct entering *entering = (struct entering *)job;

	if (result < 0) {
		log_error("the audit trail lacks an entry", "action=%s host=%s why=%s",
			entering->action, entering->host, store_explain(result));
	}
	free(entering);
}

void marks_enter(struct marks *marks, const struct peer *peer, const char *action, const char *host)
{
	struct entering *entering = calloc(1, sizeof *entering);

	if (entering == NULL) {
		log_error("the audit trail lacks an entry", "action=%s host=%s why=%s", action,
			host, store_explain(-ENOMEM));
		return;
	}
	entering->peer = *peer;
	entering->action = action;
	snprintf(entering->host, sizeof entering->host, "%s", host);
	entering->job = job_of(on_entering, on_entered);
	writer_submit(marks->writer, &entering->job);
}

/* --- its life --------------------------------------------------------------------------------- */

int marks_create(struct store *store, struct writer *writer, struct marks **out)
{
	struct marks *marks = calloc(1, sizeof *marks);

	if (marks == NULL) {
		return -ENOMEM;
	}
	marks->store = store;
	marks->writer = writer;
	marks->job = job_of(on_job, on_done);
	*out = marks;
	return 0;
}

void marks_stop(struct marks *marks)
{
	if (marks != NULL) {
		atomic_store(&marks->stopped, true);
	}
}

void marks_destroy(struct marks *marks)
{
	free(marks);
}
