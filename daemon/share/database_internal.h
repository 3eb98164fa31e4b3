/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * database_internal: between the files of database.
 *
 * A statement is prepared when a connection needs it first. Its numbers and texts are sent as text,
 * its bytes in binary, and its answer comes in binary. The functions return what share/log.h lists;
 * when they return -ETIMEDOUT the connection is closed.
 */

#include <libpq-fe.h>

#include "daemon/share/database.h"

#define DATABASE_PARAMS     12
#define DATABASE_STATEMENTS 48

/* In a statement: bytes or a text of the size that they must have, else NULL, which is refused. The
 * server so does not even send what somebody has made as large as memory. */
#define DATABASE_FIXED(column, size)                                                               \
	"CASE WHEN octet_length(" column ") = " DATABASE_TEXT(size) " THEN " column " END"
#define DATABASE_SHORT(column, most)                                                               \
	"CASE WHEN octet_length(" column ") <= " DATABASE_TEXT(most) " THEN " column " END"
#define DATABASE_TEXT(number)    DATABASE_TEXT_OF(number)
#define DATABASE_TEXT_OF(number) #number

/* Identifies the schema as ours, in its comment, which a dump keeps. */
#define DATABASE_MARK "authzd: shared store"

struct database_statement {
	const char *name; /* unique */
	const char *text;
};

struct database {
	struct share_log log; /* the first member */
	PGconn *pg;           /* NULL: closed */
	bool absent;          /* the last error was that a table is missing */
	bool warned;          /* the server sent a warning since the last statement began */
	uint64_t noticed;     /* the last row that notices name; 0: none came */
	bool locked;          /* a transaction holds the head's lock */
	PGresult *part;       /* whose bytes snapshot_part gave */
	const struct database_statement *prepared[DATABASE_STATEMENTS];
	size_t prepared_count;
	char why[SHARE_WHY];
};

/* The parameters of one statement. Bytes and texts stay the caller's until it was run. */
struct database_params {
	int count;
	const char *values[DATABASE_PARAMS];
	int lengths[DATABASE_PARAMS];
	int formats[DATABASE_PARAMS];
	char numbers[DATABASE_PARAMS][24];
};

static inline struct database *database_of(struct share_log *log)
{
	return (struct database *)(void *)log;
}

/* --- database_query.c ------------------------------------------------------------------------- */

void database_put_number(struct database_params *params, int64_t number);
void database_put_bytes(struct database_params *params, const void *bytes, size_t len);
void database_put_text(struct database_params *params, const char *text); /* ends with a NUL */

/* A deadline in ms of CLOCK_BOOTTIME. */
uint64_t database_deadline(int timeout);

/* Runs a statement; *out is to be cleared with PQclear. out may be NULL. */
int database_run(struct database *database, const struct database_statement *statement,
	const struct database_params *params, uint64_t deadline, PGresult **out);
/* Runs texts that return nothing, such as BEGIN. */
int database_do(struct database *database, const char *text, uint64_t deadline);
/* Waits until the connection is made. 0, -ENOTCONN. */
int database_wait_connected(struct database *database, uint64_t deadline);
/* Ends the transaction: COMMIT, where a warning is -ETIMEDOUT; or ROLLBACK if result is not 0,
 * which is returned. */
int database_end(struct database *database, int result, uint64_t deadline);
/* Notes notices that have arrived. */
void database_note_notices(struct database *database);
void database_close(struct database *database);
__attribute__((format(printf, 3, 4))) int database_fail(
	struct database *database, int result, const char *format, ...);

/* Values of an answer. They check the length that is sent: false, and nothing is written. */
bool database_get_number(const PGresult *result, int row, int column, int64_t *out);
bool database_get_bytes(const PGresult *result, int row, int column, struct pol_str *out);
bool database_get_fixed(const PGresult *result, int row, int column, void *out, size_t len);
bool database_get_text(const PGresult *result, int row, int column, char *out, size_t size);

/* --- database.c ------------------------------------------------------------------------------- */

int database_check(const char *conninfo, char why[static SHARE_WHY]);
int database_connect(
	const struct share_connect *how, struct share_log **out, char why[static SHARE_WHY]);

/* --- database_log.c --------------------------------------------------------------------------- */

extern const struct share_log_ops database_log_ops;

/* Reads the head; in a transaction `lock` keeps others from changing it. -ENOENT: there is none. */
int database_read_head(
	struct database *database, bool lock, struct share_head *out, uint64_t deadline);

/* --- the others ------------------------------------------------------------------------------- */

int database_create(struct share_log *log, const struct share_new *new, int timeout);
int database_upgrade(struct share_log *log, uint32_t format, int timeout);
int database_host_enter(struct share_log *log, const struct share_host *host, int timeout);
int database_host_leave(struct share_log *log, const uint8_t instance[SHARE_INSTANCE], int timeout);
int database_hosts_tend(struct share_log *log, int64_t marks, int64_t deletes, int timeout);
int database_hosts_forget(
	struct share_log *log, const char *name, unsigned *out_count, int timeout);
int database_hosts(struct share_log *log, share_host_row seen, void *context, int timeout);
int database_snapshot_put(struct share_log *log, const struct share_copy *copy, int timeout);
int database_snapshot_newest(struct share_log *log, uint64_t *out_sequence,
	uint8_t out_tag[static SHARE_TAG], uint32_t *out_parts, int timeout);
int database_snapshot_part(
	struct share_log *log, uint64_t sequence, uint32_t part, struct pol_str *out, int timeout);
int database_snapshots_tend(struct share_log *log, int timeout);
/* Puts the parts, in a transaction. SHARE_LOST: there is one of this sequence. */
int database_put_parts(struct database *database, const struct share_copy *copy, int timeout);
int database_use_put(struct share_log *log, const uint8_t store[16], const struct share_use *uses,
	size_t count, int timeout);
int database_used_put(
	struct share_log *log, uint64_t number, const uint64_t *hashes, size_t count, int timeout);
int database_use_read(struct share_log *log, const struct share_use_from *from, share_use_row seen,
	void *context, int timeout);
int database_used_read(struct share_log *log, const struct share_use_from *from,
	share_used_row seen, void *context, int timeout);
int database_use_forget(struct share_log *log, const uint64_t *numbers, size_t count, int timeout);
