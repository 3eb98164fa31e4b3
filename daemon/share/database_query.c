/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/share/database_internal.h"

/* --- parameters ------------------------------------------------------------------------------- */

static int put(struct database_params *params, const char *value, size_t len, int format)
{
	int i = params->count++;

	params->values[i] = value;
	params->lengths[i] = (int)len;
	params->formats[i] = format;
	return i;
}

void database_put_number(struct database_params *params, int64_t number)
{
	char *text = params->numbers[params->count];

	snprintf(text, sizeof params->numbers[0], "%" PRId64, number);
	put(params, text, 0, 0);
}

void database_put_bytes(struct database_params *params, const void *bytes, size_t len)
{
	/* NULL would be SQL's. */
	put(params, len > 0 ? bytes : "", len, 1);
}

void database_put_text(struct database_params *params, const char *text)
{
	put(params, text, 0, 0);
}

/* --- answers ---------------------------------------------------------------------------------- */

bool database_get_fixed(const PGresult *result, int row, int column, void *out, size_t len)
{
	if (PQgetisnull(result, row, column) || (size_t)PQgetlength(result, row, column) != len) {
		return false;
	}
	memcpy(out, PQgetvalue(result, row, column), len);
	return true;
}

bool database_get_number(const PGresult *result, int row, int column, int64_t *out)
{
	uint8_t bytes[8]; /* the most significant first */
	uint64_t number = 0;

	if (!database_get_fixed(result, row, column, bytes, sizeof bytes)) {
		return false;
	}
	for (size_t i = 0; i < sizeof bytes; i++) {
		number = number << 8 | bytes[i];
	}
	*out = (int64_t)number;
	return true;
}

bool database_get_bytes(const PGresult *result, int row, int column, struct pol_str *out)
{
	if (PQgetisnull(result, row, column)) {
		return false;
	}
	out->ptr = PQgetvalue(result, row, column);
	out->len = (size_t)PQgetlength(result, row, column);
	return true;
}

bool database_get_text(const PGresult *result, int row, int column, char *out, size_t size)
{
	struct pol_str text;

	if (!database_get_bytes(result, row, column, &text) || text.len >= size) {
		return false;
	}
	memcpy(out, text.ptr, text.len);
	out[text.len] = 0;
	return true;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t database_deadline(int timeout)
{
	return now_ms() + (uint64_t)(timeout > 0 ? timeout : 0);
}

int database_fail(struct database *database, int result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(database->why, sizeof database->why, format, args);
	va_end(args);
	return result;
}

void database_close(struct database *database)
{
	PQclear(database->part);
	database->part = NULL;
	PQfinish(database->pg);
	database->pg = NULL;
	database->locked = false;
	database->prepared_count = 0;
}

/* libpq's messages end with a newline, and may have several lines. */
static int fail_with(struct database *database, int result, const char *message)
{
	size_t len = strlen(message);

	while (len > 0 && message[len - 1] == '\n') {
		len--;
	}
	database_fail(database, result, "PostgreSQL: %.*s", (int)len, message);
	for (char *at = database->why; *at != 0; at++) {
		if (*at == '\n' || *at == '\t') {
			*at = ' ';
		}
	}
	return result;
}

static int give_up(struct database *database)
{
	const char *error = PQerrorMessage(database->pg);

	fail_with(database, 0, error[0] != 0 ? error : "no answer in time");
	database_close(database);
	return -ETIMEDOUT;
}

/* 0; -ETIMEDOUT at the deadline, also when there is something to read, so that a server that never
 * stops sending does not block the caller. */
static int wait_for(struct database *database, short events, uint64_t deadline)
{
	struct pollfd fd = { .fd = PQsocket(database->pg), .events = events };
	uint64_t now = now_ms();
	int n = -1;

	for (; fd.fd >= 0 && now < deadline; now = now_ms()) {
		n = poll(&fd, 1, (int)(deadline - now));
		if (n >= 0 || errno != EINTR) {
			break;
		}
	}
	return n > 0 ? 0 : -ETIMEDOUT;
}

int database_wait_connected(struct database *database, uint64_t deadline)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (database->pg == NULL || PQstatus(database->pg) == CONNECTION_BAD) {
		return -ENOTCONN;
	}
	while (status == PGRES_POLLING_WRITING || status == PGRES_POLLING_READING) {
		if (wait_for(database, status == PGRES_POLLING_READING ? POLLIN : POLLOUT,
			    deadline) < 0) {
			return -ENOTCONN;
		}
		status = PQconnectPoll(database->pg);
	}
	return status == PGRES_POLLING_OK ? 0 : -ENOTCONN;
}

void database_note_notices(struct database *database)
{
	PGnotify *notice;

	while ((notice = PQnotifies(database->pg)) != NULL) {
		/* Any program may send a notice; one without a number is ignored. */
		uint64_t sequence = strtoull(notice->extra, NULL, 10);

		if (sequence > database->noticed) {
			database->noticed = sequence;
		}
		PQfreemem(notice);
	}
}

/* Sends what is queued, while reading what the server sends, so that neither waits for the other.
 */
static int flush(struct database *database, uint64_t deadline)
{
	int left;

	while ((left = PQflush(database->pg)) > 0) {
		if (wait_for(database, POLLIN | POLLOUT, deadline) < 0 ||
			PQconsumeInput(database->pg) == 0) {
			return -ETIMEDOUT;
		}
	}
	return left < 0 ? -ETIMEDOUT : 0;
}

/* Reads to the end of the answer; the last result is given. */
static int receive(struct database *database, uint64_t deadline, PGresult **out)
{
	PGresult *last = NULL;

	for (;;) {
		PGresult *result;

		while (PQisBusy(database->pg)) {
			if (wait_for(database, POLLIN, deadline) < 0 ||
				PQconsumeInput(database->pg) == 0) {
				PQclear(last);
				return -ETIMEDOUT;
			}
			database_note_notices(database);
		}
		result = PQgetResult(database->pg);
		if (result == NULL) {
			database_note_notices(database);
			*out = last;
			return last != NULL ? 0 : -ETIMEDOUT;
		}
		/* The first error of several statements is the reason of all others. */
		if (last != NULL && PQresultStatus(last) == PGRES_FATAL_ERROR) {
			PQclear(result);
		} else {
			PQclear(last);
			last = result;
		}
	}
}

/* --- errors ----------------------------------------------------------------------------------- */

/* Classes of SQLSTATE that pass, or that another server would not have: serialization and
 * deadlocks, resources, locks, operators' steps, the system, the server's own mistakes, a read-only
 * transaction, connections. What was sent may be sent again. */
static bool passes(const char *state)
{
	static const char *const classes[] = { "08", "25", "40", "53", "55", "57", "58", "XX" };

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		if (strncmp(state, classes[i], 2) == 0) {
			return true;
		}
	}
	return false;
}

/* 0 for a result that is not an error. */
static int judge(struct database *database, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
		return 0;
	}
	fail_with(database, 0, PQresultErrorMessage(result));
	database->absent = state != NULL && strcmp(state, "42P01") == 0;
	if (state == NULL || passes(state) || PQstatus(database->pg) == CONNECTION_BAD) {
		database_close(database);
		return -ETIMEDOUT;
	}
	return -EPERM;
}

/* --- statements ------------------------------------------------------------------------------- */

/* After something was queued. Nothing is out when it fails. */
static int finish(struct database *database, uint64_t deadline, PGresult **out)
{
	PGresult *result = NULL;
	int r = flush(database, deadline);

	if (r == 0) {
		r = receive(database, deadline, &result);
	}
	if (r < 0) {
		return give_up(database);
	}
	r = judge(database, result);
	if (r == 0 && out != NULL) {
		*out = result;
	} else {
		PQclear(result);
	}
	return r;
}

/* -ENOTCONN: nothing was sent. */
static int begin(struct database *database)
{
	if (database->pg == NULL) {
		return -ENOTCONN;
	}
	if (PQstatus(database->pg) == CONNECTION_BAD) {
		give_up(database);
		return -ENOTCONN;
	}
	database->warned = false;
	PQclear(database->part);
	database->part = NULL;
	return 0;
}

static int prepare(
	struct database *database, const struct database_statement *statement, uint64_t deadline)
{
	int r;

	for (size_t i = 0; i < database->prepared_count; i++) {
		if (database->prepared[i] == statement) {
			return 0;
		}
	}
	if (PQsendPrepare(database->pg, statement->name, statement->text, 0, NULL) == 0) {
		give_up(database);
		return -ENOTCONN;
	}
	r = finish(database, deadline, NULL);
	if (r == 0 && database->prepared_count < DATABASE_STATEMENTS) {
		database->prepared[database->prepared_count++] = statement;
	}
	/* What was sent changes nothing. */
	return r == -ETIMEDOUT && !database->locked ? -ENOTCONN : r;
}

int database_run(struct database *database, const struct database_statement *statement,
	const struct database_params *params, uint64_t deadline, PGresult **out)
{
	static const struct database_params none;
	int r = begin(database);

	if (r == 0) {
		r = prepare(database, statement, deadline);
	}
	if (r < 0) {
		return r;
	}
	if (params == NULL) {
		params = &none;
	}
	database->warned = false;
	if (PQsendQueryPrepared(database->pg, statement->name, params->count, params->values,
		    params->lengths, params->formats, 1) == 0) {
		give_up(database);
		return -ENOTCONN;
	}
	return finish(database, deadline, out);
}

int database_do(struct database *database, const char *text, uint64_t deadline)
{
	int r = begin(database);

	if (r == 0 && PQsendQuery(database->pg, text) == 0) {
		give_up(database);
		return -ENOTCONN;
	}
	return r < 0 ? r : finish(database, deadline, NULL);
}

int database_end(struct database *database, int result, uint64_t deadline)
{
	int r;

	database->locked = false;
	if (result != 0) {
		/* The reason of the result stays. */
		char why[SHARE_WHY];

		memcpy(why, database->why, sizeof why);
		database_do(database, "ROLLBACK", deadline);
		memcpy(database->why, why, sizeof why);
		return result;
	}
	r = database_do(database, "COMMIT", deadline);
	if (r == 0 && database->warned) {
		database_close(database);
		return -ETIMEDOUT;
	}
	/* It was sent. */
	return r;
}
