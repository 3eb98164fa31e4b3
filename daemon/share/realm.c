/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/realm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/secret/token.h"
#include "daemon/share/realm_internal.h"

/* --- the connection --------------------------------------------------------------------------- */

struct share_log *realm_borrow(struct share *share, char why[static SHARE_WHY])
{
	uint64_t number, deadline = share_now() / SHARE_NS_OF_MS + SHARE_ANSWER_MS;
	struct share_log *log = share->append.take(share, deadline, &number);

	if (log == NULL) {
		pthread_mutex_lock(&share->lock);
		snprintf(why, SHARE_WHY, "%s",
			share->status.problem[0] != '\0' ? share->status.problem
							 : "the database does not answer");
		pthread_mutex_unlock(&share->lock);
	}
	return log;
}

void realm_give(struct share *share, struct share_log *log, bool broken)
{
	if (log != NULL) {
		share->append.give(share, log, broken);
	}
}

/* The connection may have broken since it was used last, which only its use shows. */
int realm_look(struct share *share, struct share_log **out, struct share_head *head,
	char why[static SHARE_WHY])
{
	int r = -ENOTCONN;

	*out = NULL;
	for (int i = 0; i < 2 && (r == -ENOTCONN || r == -ETIMEDOUT); i++) {
		realm_give(share, *out, true);
		*out = realm_borrow(share, why);
		if (*out == NULL) {
			return -ENOTCONN;
		}
		r = (*out)->ops->look(*out, NULL, head, SHARE_LOOK_MS);
	}
	return r;
}

int realm_explain(struct share_log *log, int r, char why[static SHARE_WHY])
{
	if (r < 0 && why[0] == '\0') {
		snprintf(why, SHARE_WHY, "%s", log->ops->why(log));
	}
	if (r < 0 && why[0] == '\0') {
		snprintf(why, SHARE_WHY, "%s",
			r == -ETIMEDOUT || r == -ENOTCONN ? "the database does not answer"
							  : store_explain(r));
	}
	pol_str_clean(why);
	return r;
}

int realm_done(struct share *share, struct share_log *log, int r, char why[static SHARE_WHY])
{
	realm_explain(log, r, why);
	realm_give(share, log, r == -ETIMEDOUT || r == -ENOTCONN);
	return r;
}

void realm_begin_work(struct share *share, const char *what)
{
	atomic_store(&share->work_done, 0);
	atomic_store(&share->work_total, 0);
	atomic_store(&share->work, what);
}

void realm_end_work(struct share *share)
{
	atomic_store(&share->work, NULL);
}

void realm_report(const struct share *share, struct share_realm *out)
{
	const struct share_head *head = &share->append.head;

	memcpy(out->realm, head->realm, sizeof out->realm);
	memcpy(out->tag, head->tag, sizeof out->tag);
	out->epoch = head->epoch;
	out->sequence = head->sequence;
}

/* --- a new realm ------------------------------------------------------------------------------ */

/* Notes in the store that it is part of the realm. */
static int put_place(struct share *share, const struct share_head *head)
{
	struct store_write *write;
	int r = store_write_begin(share->options.store, &write);

	if (r < 0) {
		return r;
	}
	store_write_alone(write);
	r = share_put_place(write, head);
	if (r < 0) {
		store_write_abort(write);
		return r;
	}
	return store_write_commit(write, true);
}

static void on_piece(void *context)
{
	share_go_on(context);
}

static int create(struct share *share, struct share_log *log, char why[static SHARE_WHY])
{
	struct share_source source;
	struct share_new new = { .next = share_source_next, .context = &source };
	int r = share_source_open(share, &source);

	if (r < 0) {
		snprintf(why, SHARE_WHY, "%s", store_explain(r));
		return r;
	}
	source.between = on_piece;
	source.context = share;
	source.done = &share->work_done;
	source.total = &share->work_total;
	new.head = share->append.head;
	r = share->database->create(log, &new, SHARE_SNAPSHOT_MS);
	share_source_close(&source);
	if (r == -EEXIST) {
		snprintf(why, SHARE_WHY,
			"the database has a log already: begin from it with authzcheck store "
			"join, or name another database");
	}
	return r == -ETIMEDOUT ? -EINPROGRESS : r;
}

/* The peppers of all hosts are those of this one. */
static int begin_pepper(
	struct share *share, const uint8_t realm[static SHARE_REALM], char why[static SHARE_WHY])
{
	uint8_t due;
	int r = store_read_renew(share->reader);

	if (r == 0 && store_get_pepper_due(share->reader, &due) == 0) {
		snprintf(why, SHARE_WHY,
			"a rotation of the pepper is not finished: try again when `authzcheck "
			"status` shows its number");
		r = -EEXIST;
	}
	store_read_reset(share->reader);
	if (r == 0) {
		r = share_begin_pepper(share, realm);
	}
	if (r < 0 && why[0] == '\0') {
		snprintf(why, SHARE_WHY, "%s", store_explain(r));
	}
	return r;
}

static int begin(struct share *share, char why[static SHARE_WHY])
{
	struct share_head *head = &share->append.head, found;
	struct share_log *log;
	/* Where there is no log yet, there is no head and this fails: `why` does not matter. */
	int r = realm_look(share, &log, &found, why);

	if (log == NULL) {
		return r;
	}
	why[0] = '\0';
	*head = (struct share_head){ .epoch = 1, .format = SHARE_FORMAT };
	secret_random(head->realm, sizeof head->realm);
	memcpy(head->secrets, share->fingerprint, sizeof head->secrets);
	/* One that is there is refused by `create`. */
	r = r != 0 ? begin_pepper(share, head->realm, why) : 0;
	if (r == 0) {
		r = create(share, log, why);
	}
	if (r == 0 && log->ops->look(log, NULL, &found, SHARE_LOOK_MS) == 0) {
		head->server = found.server;
	}
	realm_explain(log, r, why);
	if (r == 0) {
		r = put_place(share, head);
		if (r < 0) {
			snprintf(why, SHARE_WHY,
				"the log was created, but this store cannot record that (%s): mend "
				"it, then run 'authzcheck store join --discard'",
				store_explain(r));
		}
	}
	/* It is opened again, as one of the realm. */
	realm_give(share, log, true);
	return r;
}

int realm_check_database(
	const struct share *share, struct pol_str database, char why[static SHARE_WHY])
{
	if (database.len > 0 && !pol_str_equal(database, pol_str_of(share->options.conninfo))) {
		snprintf(why, SHARE_WHY,
			"the daemon reaches only the database that its configuration names: write "
			"`shared` there, and start it again");
		return -EEXIST;
	}
	return 0;
}

int share_begin(struct share *share, struct pol_str database, struct share_realm *out,
	char why[static SHARE_WHY])
{
	int r;

	memset(out, 0, sizeof *out);
	if (share_is_on(share)) {
		snprintf(why, SHARE_WHY, "the store is shared already");
		return -EEXIST;
	}
	r = realm_check_database(share, database, why);
	if (r < 0) {
		return r;
	}
	realm_begin_work(share, "share");
	r = begin(share, why);
	if (r == 0) {
		r = share_take_up(share, true);
		share_await_entered(share);
	}
	realm_end_work(share);
	if (r == 0) {
		realm_report(share, out);
		log_info("the store is shared", "host=%s epoch=%llu", share->options.host,
			(unsigned long long)out->epoch);
	}
	return r;
}

/* --- the format, and hosts -------------------------------------------------------------------- */

/* As realm_look, and `why` is empty when there is a connection. */
static int look_shared(struct share *share, struct share_log **out, struct share_head *head,
	char why[static SHARE_WHY])
{
	int r;

	*out = NULL;
	if (!share_is_on(share)) {
		snprintf(why, SHARE_WHY,
			"the store is not shared: run 'authzcheck store share' or 'store join'");
		return -EEXIST;
	}
	r = realm_look(share, out, head, why);
	if (*out != NULL) {
		why[0] = '\0';
	}
	return r;
}

static int on_host(void *context, const struct share_host *host)
{
	struct share_older *older = context;

	if (host->gone || host->reads >= SHARE_FORMAT || older->count == SHARE_NAMED_HOSTS) {
		return 0;
	}
	/* They are in the order of their names. */
	if (older->count == 0 || strcmp(older->names[older->count - 1], host->name) != 0) {
		memcpy(older->names[older->count++], host->name, sizeof host->name);
	}
	return 0;
}

int share_upgrade(struct share *share, uint32_t *out_before, struct share_older *older,
	char why[static SHARE_WHY])
{
	struct share_head head;
	struct share_log *log;
	int r = look_shared(share, &log, &head, why);

	older->count = 0;
	if (log == NULL) {
		return r;
	}
	if (r == 0) {
		*out_before = head.format;
		r = share->database->upgrade(log, SHARE_FORMAT, SHARE_ANSWER_MS);
	}
	if (r == SHARE_LOST) {
		snprintf(why, SHARE_WHY, "a host cannot read format %u yet: %s", SHARE_FORMAT,
			log->ops->why(log));
		r = share->database->hosts(log, on_host, older, SHARE_ANSWER_MS);
		r = r == 0 ? -EEXIST : r;
	}
	return realm_done(share, log, r, why);
}

int share_forget(
	struct share *share, const char *name, unsigned *out_count, char why[static SHARE_WHY])
{
	struct share_head head;
	struct share_log *log;
	int r = look_shared(share, &log, &head, why);

	if (log == NULL) {
		return r;
	}
	if (r == 0) {
		r = share->database->hosts_forget(log, name, out_count, SHARE_ANSWER_MS);
	}
	return realm_done(share, log, r, why);
}
