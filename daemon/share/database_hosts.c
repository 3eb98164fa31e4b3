/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/share/database_internal.h"

/* The head's row is locked against `upgrade`, which asks what each host reads. */
static const struct database_statement enter = { "host_enter",
	"WITH head AS (SELECT format FROM authz.head FOR SHARE) "
	"INSERT INTO authz.host (instance, name, applied, seen, clock, reads, revision, version, "
	"pepper, diverged, problem) SELECT $1, $2, $3, clock_timestamp(), $4, $5, $6, $7, $8, "
	"$9::bigint <> 0, $10 FROM head WHERE head.format <= $5 "
	"ON CONFLICT (instance) DO UPDATE SET name = $2, applied = $3, seen = clock_timestamp(), "
	"clock = $4, reads = $5, revision = $6, version = $7, pepper = $8, "
	"diverged = $9::bigint <> 0, problem = $10, gone = NULL RETURNING true" };

static const struct database_statement leave = { "host_leave",
	"UPDATE authz.host SET gone = clock_timestamp() WHERE instance = $1 AND gone IS NULL" };

static const struct database_statement mark = { "hosts_mark",
	"UPDATE authz.host SET gone = clock_timestamp() WHERE gone IS NULL AND "
	"seen < clock_timestamp() - $1::bigint * interval '1 millisecond'" };

static const struct database_statement drop = { "hosts_drop",
	"DELETE FROM authz.host WHERE "
	"gone < clock_timestamp() - $1::bigint * interval '1 millisecond'" };

static const struct database_statement forget = { "hosts_forget",
	"WITH forgotten AS (DELETE FROM authz.host WHERE name = $1 OR "
	"encode(instance, 'hex') = $1 RETURNING 1) SELECT count(*) FROM forgotten" };

#define HOST_INSTANCE DATABASE_FIXED("instance", SHARE_INSTANCE)
#define HOST_NAME     DATABASE_SHORT("name", SHARE_HOST)
#define HOST_REVISION DATABASE_SHORT("revision", 71)
#define HOST_VERSION  DATABASE_SHORT("version", 31)
#define HOST_PROBLEM  DATABASE_SHORT("problem", 199)
static const struct database_statement list = { "hosts",
	"SELECT " HOST_INSTANCE ", " HOST_NAME ", applied, "
	"(extract(epoch FROM seen) * 1000000)::bigint, clock, reads, " HOST_REVISION
	", " HOST_VERSION ", pepper, gone IS NOT NULL, diverged, " HOST_PROBLEM " "
	"FROM authz.host ORDER BY name, seen, instance LIMIT $1::bigint + 1" };

/* The sizes of texts in the statement, without a NUL. */
_Static_assert(sizeof((struct share_host *)NULL)->revision == 72, "a revision has 71 bytes");
_Static_assert(sizeof((struct share_host *)NULL)->version == 32, "a version has 31 bytes");
_Static_assert(sizeof((struct share_host *)NULL)->problem == 200, "a problem has 199 bytes");

int database_host_enter(struct share_log *log, const struct share_host *host, int timeout)
{
	struct database *database = database_of(log);
	struct database_params params = { 0 };
	PGresult *result;
	int r;

	database_put_bytes(&params, host->instance, SHARE_INSTANCE);
	database_put_text(&params, host->name);
	database_put_number(&params, (int64_t)host->applied);
	database_put_number(&params, host->clock);
	database_put_number(&params, host->reads);
	database_put_text(&params, host->revision);
	database_put_text(&params, host->version);
	database_put_number(&params, host->pepper);
	database_put_number(&params, host->diverged);
	database_put_text(&params, host->problem);
	r = database_run(database, &enter, &params, database_deadline(timeout), &result);
	if (r == 0) {
		if (PQntuples(result) != 1) {
			r = database_fail(database, -EPERM,
				"the log has a later format than this host reads: install a newer "
				"version");
		}
		PQclear(result);
	}
	return r;
}

int database_host_leave(struct share_log *log, const uint8_t instance[SHARE_INSTANCE], int timeout)
{
	struct database_params params = { 0 };

	database_put_bytes(&params, instance, SHARE_INSTANCE);
	return database_run(database_of(log), &leave, &params, database_deadline(timeout), NULL);
}

static int tend(struct share_log *log, const struct database_statement *statement, int64_t ms,
	uint64_t deadline)
{
	struct database_params params = { 0 };

	database_put_number(&params, ms);
	return ms > 0 ? database_run(database_of(log), statement, &params, deadline, NULL) : 0;
}

int database_hosts_tend(struct share_log *log, int64_t marks, int64_t deletes, int timeout)
{
	uint64_t deadline = database_deadline(timeout);
	int r = tend(log, &drop, deletes, deadline);

	return r == 0 ? tend(log, &mark, marks, deadline) : r;
}

int database_hosts_forget(struct share_log *log, const char *name, unsigned *out_count, int timeout)
{
	struct database *database = database_of(log);
	struct database_params params = { 0 };
	PGresult *result;
	int64_t count = 0;
	int r;

	database_put_text(&params, name);
	r = database_run(database, &forget, &params, database_deadline(timeout), &result);
	if (r == 0) {
		database_get_number(result, 0, 0, &count);
		PQclear(result);
		*out_count = (unsigned)count;
	}
	return r;
}

static bool get_flag(const PGresult *result, int row, int column, bool *out)
{
	char value;

	if (!database_get_fixed(result, row, column, &value, 1)) {
		return false;
	}
	*out = value != 0;
	return true;
}

static bool decode(const PGresult *result, int row, struct share_host *out)
{
	int64_t applied, reads, pepper;

	if (!database_get_fixed(result, row, 0, out->instance, SHARE_INSTANCE) ||
		!database_get_text(result, row, 1, out->name, sizeof out->name) ||
		!database_get_number(result, row, 2, &applied) ||
		!database_get_number(result, row, 3, &out->seen) ||
		!database_get_number(result, row, 4, &out->clock) ||
		!database_get_number(result, row, 5, &reads) ||
		!database_get_text(result, row, 6, out->revision, sizeof out->revision) ||
		!database_get_text(result, row, 7, out->version, sizeof out->version) ||
		!database_get_number(result, row, 8, &pepper) ||
		!get_flag(result, row, 9, &out->gone) ||
		!get_flag(result, row, 10, &out->diverged) ||
		!database_get_text(result, row, 11, out->problem, sizeof out->problem)) {
		return false;
	}
	out->applied = (uint64_t)applied;
	out->reads = (uint32_t)reads;
	out->pepper = (uint8_t)pepper;
	return applied >= 0 && reads >= 0 && reads <= UINT32_MAX && pepper >= 0 &&
	       pepper <= UINT8_MAX;
}

int database_hosts(struct share_log *log, share_host_row seen, void *context, int timeout)
{
	struct database *database = database_of(log);
	struct database_params params = { 0 };
	PGresult *result;
	int r;

	database_put_number(&params, SHARE_MOST_HOSTS);
	r = database_run(database, &list, &params, database_deadline(timeout), &result);
	if (r == 0 && PQntuples(result) > SHARE_MOST_HOSTS) {
		PQclear(result);
		r = database_fail(database, -EBADMSG,
			"authz.host has more than %d rows: delete some", SHARE_MOST_HOSTS);
	}
	if (r < 0) {
		return r;
	}
	for (int i = 0; i < PQntuples(result) && r == 0; i++) {
		struct share_host host = { .name = "" };

		r = decode(result, i, &host)
			    ? seen(context, &host)
			    : database_fail(database, -EBADMSG,
				      "a row of authz.host was altered: delete it");
	}
	PQclear(result);
	return r;
}
