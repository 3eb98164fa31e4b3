/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/share/database_internal.h"

static const struct database_statement put_part = { "put_part",
	"INSERT INTO authz.snapshot (seq, part, tag, bytes) VALUES ($1, $2, $3, $4) "
	"ON CONFLICT DO NOTHING RETURNING true" };

#define SNAPSHOT_TAG DATABASE_FIXED("tag", SHARE_TAG)
static const struct database_statement newest = { "newest",
	"SELECT seq, " SNAPSHOT_TAG ", count(*) FROM authz.snapshot WHERE seq = "
	"(SELECT max(seq) FROM authz.snapshot) GROUP BY seq, tag LIMIT 2" };

static const struct database_statement get_part = { "get_part",
	"SELECT bytes FROM authz.snapshot WHERE seq = $1 AND part = $2 AND "
	"octet_length(bytes) <= $3::bigint" };

/* Two are kept: a host may be reading the older one. */
static const struct database_statement drop_parts = { "drop_parts",
	"DELETE FROM authz.snapshot WHERE seq < (SELECT seq FROM authz.snapshot GROUP BY seq "
	"ORDER BY seq DESC OFFSET 1 LIMIT 1)" };

static const struct database_statement drop_rows = { "drop_rows",
	"DELETE FROM authz.log WHERE added < clock_timestamp() - interval '1 day' AND seq < "
	"(SELECT seq FROM authz.snapshot GROUP BY seq ORDER BY seq DESC OFFSET 1 LIMIT 1)" };

static int put_one(struct database *database, const struct share_copy *copy, int64_t part,
	struct pol_str bytes, int timeout)
{
	struct database_params params = { 0 };
	PGresult *result;
	int r;

	if (bytes.len > SHARE_MAX_PAYLOAD) {
		return database_fail(database, -E2BIG, "a part of a snapshot is too large");
	}
	database_put_number(&params, (int64_t)copy->sequence);
	database_put_number(&params, part);
	database_put_bytes(&params, copy->tag, SHARE_TAG);
	database_put_bytes(&params, bytes.ptr, bytes.len);
	r = database_run(database, &put_part, &params, database_deadline(timeout), &result);
	if (r == 0) {
		r = PQntuples(result) == 1 ? 0 : SHARE_LOST;
		PQclear(result);
	}
	return r;
}

int database_put_parts(struct database *database, const struct share_copy *copy, int timeout)
{
	int64_t part = 0;
	int last, r;

	do {
		struct pol_str bytes = { NULL, 0 };

		last = copy->next(copy->context, &bytes);
		if (last < 0) {
			return database_fail(database, last, "the copy cannot be read");
		}
		r = put_one(database, copy, part++, bytes, timeout);
	} while (r == 0 && last == 0);
	return r;
}

int database_snapshot_put(struct share_log *log, const struct share_copy *copy, int timeout)
{
	struct database *database = database_of(log);
	int r = database_do(database, "BEGIN", database_deadline(timeout));

	if (r < 0) {
		return r;
	}
	r = database_end(
		database, database_put_parts(database, copy, timeout), database_deadline(timeout));
	/* Another host has put the same. */
	return r == SHARE_LOST ? 0 : r;
}

int database_snapshot_newest(struct share_log *log, uint64_t *out_sequence,
	uint8_t out_tag[static SHARE_TAG], uint32_t *out_parts, int timeout)
{
	struct database *database = database_of(log);
	uint8_t tag[SHARE_TAG];
	int64_t sequence, parts;
	PGresult *result;
	int r = database_run(database, &newest, NULL, database_deadline(timeout), &result);

	if (r < 0) {
		return r;
	}
	if (PQntuples(result) == 0) {
		r = database_fail(database, -ENOENT, "the database has no snapshot");
	} else if (PQntuples(result) != 1 || !database_get_number(result, 0, 0, &sequence) ||
		   !database_get_fixed(result, 0, 1, tag, sizeof tag) ||
		   !database_get_number(result, 0, 2, &parts) || sequence < 0 ||
		   parts > UINT32_MAX) {
		r = database_fail(database, -EBADMSG, "the newest snapshot was altered");
	} else {
		*out_sequence = (uint64_t)sequence;
		memcpy(out_tag, tag, sizeof tag);
		*out_parts = (uint32_t)parts;
	}
	PQclear(result);
	return r;
}

int database_snapshot_part(
	struct share_log *log, uint64_t sequence, uint32_t part, struct pol_str *out, int timeout)
{
	struct database *database = database_of(log);
	struct database_params params = { 0 };
	PGresult *result;
	int r;

	database_put_number(&params, (int64_t)sequence);
	database_put_number(&params, part);
	database_put_number(&params, SHARE_MAX_PAYLOAD);
	r = database_run(database, &get_part, &params, database_deadline(timeout), &result);
	if (r < 0) {
		return r;
	}
	if (PQntuples(result) != 1 || !database_get_bytes(result, 0, 0, out)) {
		PQclear(result);
		return database_fail(
			database, -ENOENT, "the snapshot has no such part, or it is too large");
	}
	database->part = result;
	return 0;
}

int database_snapshots_tend(struct share_log *log, int timeout)
{
	struct database *database = database_of(log);
	int r = database_run(database, &drop_rows, NULL, database_deadline(timeout), NULL);

	return r < 0 ? r
		     : database_run(database, &drop_parts, NULL, database_deadline(timeout), NULL);
}
