/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/share/database_internal.h"

/* What is encrypted cannot be compressed. The rows of head and beat change often, and their tables
 * stay one page. */
static const char schema[] =
	"CREATE SCHEMA authz; COMMENT ON SCHEMA authz IS '" DATABASE_MARK "'; "
	"CREATE TABLE authz.log (seq bigint PRIMARY KEY, host text NOT NULL, nonce bytea NOT NULL, "
	"at bigint NOT NULL, format bigint NOT NULL, asks bigint NOT NULL, payload bytea NOT NULL, "
	"tag bytea NOT NULL, added timestamptz NOT NULL DEFAULT clock_timestamp()); "
	"ALTER TABLE authz.log ALTER payload SET STORAGE EXTERNAL; "
	"CREATE TABLE authz.head (one bool PRIMARY KEY DEFAULT true CHECK (one), "
	"realm bytea NOT NULL, epoch bigint NOT NULL, seq bigint NOT NULL, tag bytea NOT NULL, "
	"format bigint NOT NULL, secrets bytea NOT NULL) WITH (fillfactor = 50); "
	"CREATE TABLE authz.beat (one bool PRIMARY KEY DEFAULT true CHECK (one), "
	"n bigint NOT NULL, at timestamptz NOT NULL) WITH (fillfactor = 50); "
	"CREATE TABLE authz.snapshot (seq bigint, part bigint, tag bytea NOT NULL, "
	"bytes bytea NOT NULL, PRIMARY KEY (seq, part)); "
	"ALTER TABLE authz.snapshot ALTER bytes SET STORAGE EXTERNAL; "
	"CREATE TABLE authz.host (instance bytea PRIMARY KEY, name text NOT NULL, "
	"applied bigint NOT NULL, seen timestamptz NOT NULL, clock bigint NOT NULL, "
	"reads bigint NOT NULL, revision text NOT NULL, version text NOT NULL, "
	"pepper bigint NOT NULL, gone timestamptz, diverged bool NOT NULL, problem text NOT NULL) "
	"WITH (fillfactor = 50); "
	"CREATE TABLE authz.use (number bigint, store bytea, at bigint NOT NULL, ip bytea, "
	"uses bigint NOT NULL, denials bigint NOT NULL, PRIMARY KEY (number, store)); "
	"CREATE TABLE authz.used (number bigint, hash bigint, PRIMARY KEY (number, hash)); "
	"INSERT INTO authz.beat (n, at) VALUES (0, clock_timestamp())";

static const struct database_statement has_schema = { "has_schema",
	"SELECT true FROM pg_namespace WHERE nspname = 'authz'" };

static const struct database_statement put_head = { "put_head",
	"INSERT INTO authz.head (realm, epoch, seq, tag, format, secrets) "
	"VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (one) DO UPDATE SET epoch = $2, seq = $3, "
	"tag = $4, format = $5, secrets = $6 WHERE head.realm = $1 AND head.epoch < $2 "
	"RETURNING true" };

static const struct database_statement newer_format = { "newer_format",
	"UPDATE authz.head SET format = $1 WHERE format <= $1" };

static const struct database_statement who_cannot_read = { "who_cannot_read",
	"SELECT left(name, 64) FROM authz.host WHERE gone IS NULL AND reads < $1 ORDER BY name "
	"LIMIT 1" };

static int make_schema(struct database *database, bool epoch, uint64_t deadline)
{
	PGresult *result;
	bool there;
	int r = database_run(database, &has_schema, NULL, deadline, &result);

	if (r < 0) {
		return r;
	}
	there = PQntuples(result) > 0;
	PQclear(result);
	if (there && !epoch) {
		return database_fail(database, -EEXIST, "the database has a log already");
	}
	if (!there) {
		return database_do(database, schema, deadline);
	}
	/* Waits for the last append, and keeps later ones out. */
	return database_do(database,
		"LOCK TABLE authz.head IN ACCESS EXCLUSIVE MODE; DELETE FROM authz.log; "
		"DELETE FROM authz.snapshot",
		deadline);
}

static int put_new_head(struct database *database, const struct share_head *head, uint64_t deadline)
{
	struct database_params params = { 0 };
	PGresult *result;
	int r;

	database_put_bytes(&params, head->realm, SHARE_REALM);
	database_put_number(&params, (int64_t)head->epoch);
	database_put_number(&params, (int64_t)head->sequence);
	database_put_bytes(&params, head->tag, SHARE_TAG);
	database_put_number(&params, head->format);
	database_put_bytes(&params, head->secrets, SHARE_FINGERPRINT);
	r = database_run(database, &put_head, &params, deadline, &result);
	if (r == 0) {
		if (PQntuples(result) != 1) {
			r = database_fail(database, -EPERM,
				"the database has the log of another realm, or of a later epoch");
		}
		PQclear(result);
	}
	return r;
}

int database_create(struct share_log *log, const struct share_new *new, int timeout)
{
	struct database *database = database_of(log);
	const struct share_copy copy = { .sequence = new->head.sequence,
		.tag = new->head.tag,
		.next = new->next,
		.context = new->context };
	int r = database_do(database, "BEGIN", database_deadline(timeout));

	if (r < 0) {
		return r;
	}
	r = make_schema(database, new->epoch, database_deadline(timeout));
	if (r == 0) {
		r = put_new_head(database, &new->head, database_deadline(timeout));
	}
	if (r == 0) {
		r = database_put_parts(database, &copy, timeout);
	}
	return database_end(database, r, database_deadline(timeout));
}

/* With the head locked, no host enters (database_hosts.c). */
int database_upgrade(struct share_log *log, uint32_t format, int timeout)
{
	struct database *database = database_of(log);
	uint64_t deadline = database_deadline(timeout);
	struct database_params params = { 0 };
	struct share_head head;
	PGresult *result;
	int r = database_do(database, "BEGIN ISOLATION LEVEL READ COMMITTED", deadline);

	if (r < 0) {
		return r;
	}
	database_put_number(&params, format);
	r = database_read_head(database, true, &head, deadline);
	if (r == 0) {
		r = database_run(database, &who_cannot_read, &params, deadline, &result);
	}
	if (r == 0) {
		if (PQntuples(result) > 0) {
			r = database_fail(database, SHARE_LOST, "%.*s", PQgetlength(result, 0, 0),
				PQgetvalue(result, 0, 0));
		}
		PQclear(result);
	}
	if (r == 0) {
		r = database_run(database, &newer_format, &params, deadline, NULL);
	}
	return database_end(database, r, deadline);
}
