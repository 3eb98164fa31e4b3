/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/share/database_internal.h"

/* Rows that one read looks at; their payloads end it earlier. */
#define READ_ROWS 256

/* The server is known by its system identifier and its timeline, which is the first part of the
 * name of the WAL file that it writes. */
#define HEAD_REALM   DATABASE_FIXED("head.realm", SHARE_REALM)
#define HEAD_TAG     DATABASE_FIXED("head.tag", SHARE_TAG)
#define HEAD_SECRETS DATABASE_FIXED("head.secrets", SHARE_FINGERPRINT)
#define HEAD                                                                                       \
	HEAD_REALM ", head.epoch::bigint, head.seq::bigint, " HEAD_TAG                             \
		   ", head.format::bigint, " HEAD_SECRETS ", (SELECT n::bigint FROM authz.beat), " \
		   "(SELECT count(*) FROM authz.host WHERE gone IS NULL), "                        \
		   "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint, "                   \
		   "(SELECT system_identifier FROM pg_control_system()), "                         \
		   "CASE WHEN NOT pg_is_in_recovery() THEN "                                       \
		   "left(pg_walfile_name(pg_current_wal_lsn()), 8) "                               \
		   "END"

static const struct database_statement look_alone = { "look_alone",
	"SELECT " HEAD ", true FROM authz.head LIMIT 2" };

/* One statement, whose write is refused by a server that is not the primary. */
static const struct database_statement look_report = { "look_report",
	"WITH report AS (UPDATE authz.host SET applied = $2, diverged = $3::bigint <> 0, "
	"seen = clock_timestamp() WHERE instance = $1 AND gone IS NULL RETURNING 1) "
	"SELECT " HEAD ", EXISTS (SELECT FROM report) FROM authz.head LIMIT 2" };

static const struct database_statement look_locked = { "look_locked",
	"SELECT " HEAD ", true FROM authz.head LIMIT 2 FOR UPDATE OF head" };

static const struct database_statement append_row = { "append",
	"WITH place AS (UPDATE authz.head SET seq = seq + 1, tag = $1 WHERE realm = $2 AND epoch = "
	"$3 AND seq = $4 AND tag = $5 AND format >= $6 RETURNING seq), "
	"added AS (INSERT INTO authz.log (seq, host, nonce, at, format, asks, payload, tag) "
	"SELECT place.seq, $7, $8, $9, $6, $10, $11, $1 FROM place RETURNING seq) "
	"SELECT seq, pg_notify('authz', seq::text) FROM added" };

#define ROW_HOST    DATABASE_SHORT("host", SHARE_HOST)
#define ROW_NONCE   DATABASE_FIXED("nonce", SHARE_NONCE)
#define ROW_TAG     DATABASE_FIXED("tag", SHARE_TAG)
#define ROWS_OF_ONE DATABASE_TEXT(READ_ROWS)
static const struct database_statement read_rows = { "read",
	"SELECT seq, " ROW_HOST ", " ROW_NONCE ", at, format::bigint, asks::bigint, "
	"CASE WHEN octet_length(payload) <= $3::bigint THEN payload END, " ROW_TAG " "
	"FROM (SELECT *, sum(octet_length(payload)) OVER (ORDER BY seq) - octet_length(payload) "
	"AS bytes FROM authz.log WHERE seq >= $1 ORDER BY seq LIMIT " ROWS_OF_ONE ") rows "
	"WHERE bytes < $2::bigint ORDER BY seq" };

static const struct database_statement raise_beat = { "beat",
	"UPDATE authz.beat SET n = n + 1, at = clock_timestamp() WHERE $1::bigint = 0 OR "
	"at < clock_timestamp() - $1::bigint * interval '1 millisecond'" };

static bool decode_server(const PGresult *result, struct share_server *out)
{
	char name[9], *end;
	int64_t system;
	unsigned long timeline;

	if (!database_get_number(result, 0, 9, &system) ||
		!database_get_text(result, 0, 10, name, sizeof name)) {
		return false;
	}
	timeline = strtoul(name, &end, 16);
	if (*end != 0 || end == name) {
		return false;
	}
	*out = (struct share_server){ (uint64_t)system, (uint32_t)timeline };
	return true;
}

static bool decode_head(const PGresult *result, struct share_head *out)
{
	int64_t epoch, sequence, format, beat, hosts;

	if (!database_get_fixed(result, 0, 0, out->realm, sizeof out->realm) ||
		!database_get_number(result, 0, 1, &epoch) ||
		!database_get_number(result, 0, 2, &sequence) ||
		!database_get_fixed(result, 0, 3, out->tag, sizeof out->tag) ||
		!database_get_number(result, 0, 4, &format) ||
		!database_get_fixed(result, 0, 5, out->secrets, sizeof out->secrets) ||
		!database_get_number(result, 0, 6, &beat) ||
		!database_get_number(result, 0, 7, &hosts) ||
		!database_get_number(result, 0, 8, &out->now) ||
		!decode_server(result, &out->server)) {
		return false;
	}
	out->epoch = (uint64_t)epoch;
	out->sequence = (uint64_t)sequence;
	out->format = (uint32_t)format;
	out->beat = (uint64_t)beat;
	out->hosts = (uint32_t)hosts;
	return epoch >= 0 && sequence >= 0 && format >= 0 && format <= UINT32_MAX && beat >= 0;
}

static int take_head(struct database *database, PGresult *result, struct share_head *out)
{
	struct share_head head;
	char stands;
	int r = 0;

	if (PQntuples(result) == 0) {
		r = database_fail(database, -ENOENT, "the table authz.head is empty");
	} else if (PQgetisnull(result, 0, 10)) {
		r = database_fail(database, -ETIMEDOUT,
			"the server is a standby, or is being promoted: the primary is needed");
	} else if (PQntuples(result) != 1 || !decode_head(result, &head) ||
		   !database_get_fixed(result, 0, 11, &stands, 1)) {
		r = database_fail(database, -EBADMSG, "the table authz.head was altered");
	} else if (!stands) {
		r = database_fail(database, -ESTALE,
			"this host's row in authz.host was marked gone or is missing");
	} else {
		*out = head;
	}
	PQclear(result);
	if (r == -ETIMEDOUT) {
		database_close(database);
	}
	return r;
}

int database_read_head(
	struct database *database, bool lock, struct share_head *out, uint64_t deadline)
{
	PGresult *result;
	int r = database_run(database, lock ? &look_locked : &look_alone, NULL, deadline, &result);

	if (r == -EPERM && database->absent) {
		return -ENOENT;
	}
	return r < 0 ? r : take_head(database, result, out);
}

static int look(struct share_log *log, const struct share_report *report, struct share_head *out,
	int timeout)
{
	struct database *database = database_of(log);
	struct database_params params = { 0 };
	PGresult *result;
	int r;

	if (report == NULL) {
		return database_read_head(database, false, out, database_deadline(timeout));
	}
	database_put_bytes(&params, report->instance, SHARE_INSTANCE);
	database_put_number(&params, (int64_t)report->applied);
	database_put_number(&params, report->diverged);
	r = database_run(database, &look_report, &params, database_deadline(timeout), &result);
	return r < 0 ? r : take_head(database, result, out);
}

static void put_row(struct database_params *params, const struct share_head *before,
	const struct share_row *row)
{
	database_put_bytes(params, row->tag, SHARE_TAG);
	database_put_bytes(params, before->realm, SHARE_REALM);
	database_put_number(params, (int64_t)before->epoch);
	database_put_number(params, (int64_t)before->sequence);
	database_put_bytes(params, before->tag, SHARE_TAG);
	database_put_number(params, row->format);
	/* The binary form of a text is its bytes. */
	database_put_bytes(params, row->host.ptr, row->host.len);
	database_put_bytes(params, row->nonce, SHARE_NONCE);
	database_put_number(params, row->at);
	database_put_number(params, row->asks);
	database_put_bytes(params, row->payload.ptr, row->payload.len);
}

static int append(struct share_log *log, const struct share_head *before,
	const struct share_row *row, int timeout)
{
	struct database *database = database_of(log);
	uint64_t deadline = database_deadline(timeout);
	struct database_params params = { 0 };
	PGresult *result;
	bool lost;
	int r;

	if (row->payload.len > SHARE_MAX_PAYLOAD || row->host.len > SHARE_HOST ||
		row->sequence != before->sequence + 1) {
		return database_fail(database, -EBADMSG, "this is not a row of the log");
	}
	put_row(&params, before, row);
	r = database_run(database, &append_row, &params, deadline, &result);
	if (r == 0) {
		lost = PQntuples(result) != 1;
		PQclear(result);
		r = lost ? SHARE_LOST : 0;
	}
	if (r == 0 && database->warned) {
		/* `why` has the warning. */
		database_close(database);
		return -ETIMEDOUT;
	}
	/* A connection that broke took its transaction with it. */
	return database->locked ? database_end(database, r, deadline) : r;
}

static int lock(struct share_log *log, struct share_head *out, int timeout)
{
	struct database *database = database_of(log);
	uint64_t deadline = database_deadline(timeout);
	int r = database_do(database,
		"BEGIN ISOLATION LEVEL READ COMMITTED; "
		"SET LOCAL idle_in_transaction_session_timeout = " DATABASE_TEXT(SHARE_LOCK_IDLE),
		deadline);

	if (r < 0) {
		return r;
	}
	database->locked = true;
	r = database_read_head(database, true, out, deadline);
	return r == 0 ? 0 : database_end(database, r, deadline);
}

/* A transaction that cannot be ended soon is ended with its connection. */
static void unlock(struct share_log *log)
{
	struct database *database = database_of(log);

	if (database->locked) {
		database_end(database, -ECANCELED, database_deadline(SHARE_LOCK_IDLE));
	}
}

static bool decode_row(const PGresult *result, int at, struct share_row *out)
{
	int64_t sequence, format, asks;

	if (!database_get_number(result, at, 0, &sequence) ||
		!database_get_bytes(result, at, 1, &out->host) ||
		!database_get_fixed(result, at, 2, out->nonce, SHARE_NONCE) ||
		!database_get_number(result, at, 3, &out->at) ||
		!database_get_number(result, at, 4, &format) ||
		!database_get_number(result, at, 5, &asks) ||
		!database_get_bytes(result, at, 6, &out->payload) ||
		!database_get_fixed(result, at, 7, out->tag, SHARE_TAG)) {
		return false;
	}
	out->sequence = (uint64_t)sequence;
	out->format = (uint32_t)format;
	out->asks = (uint32_t)asks;
	return sequence > 0 && format >= 0 && format <= UINT32_MAX && asks >= 0 &&
	       asks <= UINT32_MAX && out->host.len <= SHARE_HOST &&
	       out->payload.len <= SHARE_MAX_PAYLOAD;
}

static int give_rows(struct database *database, const PGresult *result, uint64_t from,
	share_row_seen seen, void *context)
{
	int r = 0;

	for (int i = 0; i < PQntuples(result) && r == 0; i++, from++) {
		struct share_row row;

		if (!decode_row(result, i, &row)) {
			return database_fail(database, -EBADMSG,
				"row %" PRIu64
				" of the log was altered or is too large. " SHARE_PUT_BACK,
				from);
		}
		/* A new epoch begins after a place that no row has. What follows it is proven by
		 * its tag. */
		if (i == 0 && from > 1 && row.sequence == from + 1) {
			from++;
		}
		if (row.sequence != from) {
			return database_fail(database, -EBADMSG,
				"row %" PRIu64 " of the log is missing: row %" PRIu64
				" is in its place. " SHARE_PUT_BACK,
				from, row.sequence);
		}
		r = seen(context, &row);
	}
	return r;
}

static int read_from(
	struct share_log *log, uint64_t from, share_row_seen seen, void *context, int timeout)
{
	struct database *database = database_of(log);
	struct database_params params = { 0 };
	PGresult *result;
	int r;

	database_put_number(&params, (int64_t)from);
	database_put_number(&params, SHARE_READ_BYTES);
	database_put_number(&params, SHARE_MAX_PAYLOAD);
	r = database_run(database, &read_rows, &params, database_deadline(timeout), &result);
	if (r == 0) {
		r = give_rows(database, result, from, seen, context);
		PQclear(result);
	}
	return r;
}

static int beat(struct share_log *log, bool older, int timeout)
{
	struct database *database = database_of(log);
	struct database_params params = { 0 };
	int r;

	database_put_number(&params, older ? SHARE_BEAT_MS : 0);
	r = database_run(database, &raise_beat, &params, database_deadline(timeout), NULL);
	if (r == 0 && database->warned) {
		database_close(database);
		return -ETIMEDOUT;
	}
	return r;
}

static bool is_connected(const struct share_log *log)
{
	const struct database *database = (const struct database *)(const void *)log;

	return database->pg != NULL && PQstatus(database->pg) == CONNECTION_OK;
}

static const char *why_of(const struct share_log *log)
{
	return ((const struct database *)(const void *)log)->why;
}

static void close_log(struct share_log *log)
{
	if (log != NULL) {
		database_close(database_of(log));
		free(log);
	}
}

const struct share_log_ops database_log_ops = {
	.look = look,
	.append = append,
	.lock = lock,
	.unlock = unlock,
	.read = read_from,
	.beat = beat,
	.is_connected = is_connected,
	.why = why_of,
	.close = close_log,
};
