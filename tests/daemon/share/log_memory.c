/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/share/log_memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_ROWS 65536
#define MAX_LATE 1024

/* A row as bytes. */
struct bytes {
	uint8_t *at;
	size_t len;
};

/* An append that was sent. */
struct statement {
	uint64_t epoch, sequence;
	uint8_t tag[SHARE_TAG];
	struct bytes row;
};

struct log_memory {
	pthread_mutex_t mutex;
	pthread_cond_t unlocked;
	struct share_head first, head;
	struct bytes rows[MAX_ROWS]; /* by sequence - 1; NULL: deleted */
	struct statement late[MAX_LATE];
	unsigned late_count;
	const void *holder;   /* of the head's lock */
	uint64_t incarnation; /* raised when all connections break */
	bool away;
	bool replaced; /* it commits nothing any more */
	int delay;
	atomic_uint locks, beats;
	enum log_fault (*fault)(void *context);
	void *context;
};

struct connection {
	struct share_log base;
	struct log_memory *log;
	uint64_t incarnation;
	bool broken;
};

static void *check(void *pointer)
{
	if (pointer == NULL) {
		fprintf(stderr, "no memory\n");
		abort();
	}
	return pointer;
}

static struct connection *of(const struct share_log *log)
{
	return (struct connection *)(void *)(uintptr_t)log;
}

static bool is_open(const struct connection *connection)
{
	return !connection->broken && !connection->log->away &&
	       connection->incarnation == connection->log->incarnation;
}

/* --- statements ------------------------------------------------------------------------------- */

static struct statement statement_of(const struct share_head *before, const struct share_row *row)
{
	struct statement statement = { .epoch = before->epoch, .sequence = before->sequence };

	memcpy(statement.tag, before->tag, SHARE_TAG);
	statement.row.at = check(malloc(SHARE_ROW_FIXED + row->payload.len));
	statement.row.len = share_row_encode(row, statement.row.at);
	return statement;
}

/* Does what the database does at once; takes the statement's row. */
static int execute(struct log_memory *log, struct statement *statement)
{
	struct share_row row;

	if (statement->epoch != log->head.epoch || statement->sequence != log->head.sequence ||
		memcmp(statement->tag, log->head.tag, SHARE_TAG) != 0 ||
		!share_row_decode(
			(struct pol_str){ (const char *)statement->row.at, statement->row.len },
			&row)) {
		free(statement->row.at);
		return SHARE_LOST;
	}
	if (log->head.sequence >= MAX_ROWS) {
		abort();
	}
	log->rows[log->head.sequence++] = statement->row;
	memcpy(log->head.tag, row.tag, SHARE_TAG);
	return 0;
}

static void put_off(struct log_memory *log, struct statement statement)
{
	if (log->late_count == MAX_LATE) {
		abort();
	}
	log->late[log->late_count++] = statement;
}

void log_memory_arrive(struct log_memory *log, unsigned first)
{
	pthread_mutex_lock(&log->mutex);
	for (unsigned i = 0; i < log->late_count; i++) {
		execute(log, &log->late[(first + i) % log->late_count]);
	}
	log->late_count = 0;
	pthread_mutex_unlock(&log->mutex);
}

/* --- the operations --------------------------------------------------------------------------- */

/* Waits for the head's lock; false: not within the timeout. */
static bool await_lock(struct log_memory *log, const void *holder, int timeout)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout / 1000 + 1;
	while (log->holder != NULL && log->holder != holder) {
		if (pthread_cond_timedwait(&log->unlocked, &log->mutex, &until) == ETIMEDOUT) {
			return log->holder == NULL || log->holder == holder;
		}
	}
	return true;
}

static void release(struct log_memory *log, const void *holder)
{
	if (log->holder == holder) {
		log->holder = NULL;
		pthread_cond_broadcast(&log->unlocked);
	}
}

static int append_faulty(
	struct connection *connection, struct statement statement, enum log_fault fault)
{
	struct log_memory *log = connection->log;
	struct statement copy = statement;
	int r = -ETIMEDOUT;

	switch (fault) {
	case LOG_NONE:
		return execute(log, &statement);
	case LOG_LATE:
		put_off(log, statement);
		break;
	case LOG_LOST:
		free(statement.row.at);
		break;
	case LOG_DONE:
		execute(log, &statement);
		break;
	case LOG_DOUBLED:
		copy.row.at = check(malloc(copy.row.len));
		memcpy(copy.row.at, statement.row.at, copy.row.len);
		put_off(log, copy);
		return execute(log, &statement);
	case LOG_BROKEN:
		free(statement.row.at);
		r = -ENOTCONN;
		break;
	}
	connection->broken = true;
	return r;
}

static enum log_fault fault_of(struct log_memory *log)
{
	if (log->replaced) {
		return LOG_LOST;
	}
	return log->fault != NULL ? log->fault(log->context) : LOG_NONE;
}

static int on_append(struct share_log *base, const struct share_head *before,
	const struct share_row *row, int timeout)
{
	struct connection *connection = of(base);
	struct log_memory *log = connection->log;
	int r = -ENOTCONN;

	pthread_mutex_lock(&log->mutex);
	if (is_open(connection)) {
		r = await_lock(log, connection, timeout) ? 0 : -ETIMEDOUT;
		if (r == 0 && is_open(connection)) {
			r = append_faulty(connection, statement_of(before, row), fault_of(log));
			release(log, connection);
		} else {
			r = -ETIMEDOUT;
		}
	}
	pthread_mutex_unlock(&log->mutex);
	return r;
}

/* Nobody waits for the answer: the connection ends. */
static bool is_late(struct connection *connection, int timeout)
{
	bool late = is_open(connection) && timeout <= connection->log->delay;

	connection->broken = connection->broken || late;
	return late;
}

static int on_look(struct share_log *base, const struct share_report *report,
	struct share_head *out, int timeout)
{
	struct connection *connection = of(base);
	int r = -ENOTCONN;

	(void)report;
	pthread_mutex_lock(&connection->log->mutex);
	if (is_late(connection, timeout)) {
		r = -ETIMEDOUT;
	} else if (is_open(connection)) {
		*out = connection->log->head;
		r = 0;
	}
	pthread_mutex_unlock(&connection->log->mutex);
	return r;
}

static int on_lock(struct share_log *base, struct share_head *out, int timeout)
{
	struct connection *connection = of(base);
	struct log_memory *log = connection->log;
	int r = -ENOTCONN;

	pthread_mutex_lock(&log->mutex);
	if (is_open(connection)) {
		r = -ETIMEDOUT;
		if (await_lock(log, connection, timeout) && is_open(connection)) {
			log->holder = connection;
			log->locks++;
			*out = log->head;
			r = 0;
		}
	}
	pthread_mutex_unlock(&log->mutex);
	return r;
}

static void on_unlock(struct share_log *base)
{
	struct connection *connection = of(base);

	pthread_mutex_lock(&connection->log->mutex);
	release(connection->log, connection);
	pthread_mutex_unlock(&connection->log->mutex);
}

/* Copies a row, so that no lock is held while it is seen. 1: there is none. */
static int copy_row(struct connection *connection, uint64_t sequence, struct bytes *out)
{
	struct log_memory *log = connection->log;
	int r = 0;

	out->at = NULL;
	pthread_mutex_lock(&log->mutex);
	if (!is_open(connection)) {
		r = -ETIMEDOUT;
	} else if (sequence > log->head.sequence) {
		r = 1;
	} else if (log->rows[sequence - 1].at != NULL) {
		out->len = log->rows[sequence - 1].len;
		out->at = check(malloc(out->len));
		memcpy(out->at, log->rows[sequence - 1].at, out->len);
	}
	pthread_mutex_unlock(&log->mutex);
	return r;
}

static int on_read(
	struct share_log *base, uint64_t from, share_row_seen seen, void *context, int timeout)
{
	struct bytes bytes;
	size_t total = 0;
	int r = 0;

	pthread_mutex_lock(&of(base)->log->mutex);
	r = is_late(of(base), timeout) ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&of(base)->log->mutex);
	for (uint64_t sequence = from; r == 0 && total < SHARE_READ_BYTES; sequence++) {
		struct share_row row;

		r = copy_row(of(base), sequence, &bytes);
		if (r == 0 && bytes.at != NULL) {
			total += bytes.len;
			r = share_row_decode(
				    (struct pol_str){ (const char *)bytes.at, bytes.len }, &row)
				    ? seen(context, &row)
				    : -EBADMSG;
			free(bytes.at);
		} else if (r == 1) {
			return 0;
		}
	}
	return r;
}

static int on_beat(struct share_log *base, bool older, int timeout)
{
	struct connection *connection = of(base);
	int r = -ENOTCONN;

	(void)older;
	(void)timeout;
	pthread_mutex_lock(&connection->log->mutex);
	if (is_open(connection) && connection->log->replaced) {
		connection->broken = true;
		r = -ETIMEDOUT;
	} else if (is_open(connection)) {
		connection->log->head.beat++;
		connection->log->beats++;
		r = 0;
	}
	pthread_mutex_unlock(&connection->log->mutex);
	return r;
}

static bool on_is_connected(const struct share_log *base)
{
	const struct connection *connection = of(base);
	bool open;

	pthread_mutex_lock(&connection->log->mutex);
	open = is_open(connection);
	pthread_mutex_unlock(&connection->log->mutex);
	return open;
}

static const char *on_why(const struct share_log *base)
{
	(void)base;
	return "the log in memory refuses";
}

static void on_close(struct share_log *base)
{
	on_unlock(base);
	free(base);
}

static const struct share_log_ops operations = {
	.look = on_look,
	.append = on_append,
	.lock = on_lock,
	.unlock = on_unlock,
	.read = on_read,
	.beat = on_beat,
	.is_connected = on_is_connected,
	.why = on_why,
	.close = on_close,
};

struct share_log *log_memory_connect(struct log_memory *log)
{
	struct connection *connection = NULL;

	pthread_mutex_lock(&log->mutex);
	if (!log->away) {
		connection = check(calloc(1, sizeof *connection));
		connection->base.ops = &operations;
		connection->log = log;
		connection->incarnation = log->incarnation;
	}
	pthread_mutex_unlock(&log->mutex);
	return connection != NULL ? &connection->base : NULL;
}

/* --- the log ---------------------------------------------------------------------------------- */

struct log_memory *log_memory_create(const struct share_head *head)
{
	struct log_memory *log = check(calloc(1, sizeof *log));
	pthread_condattr_t monotonic;

	pthread_mutex_init(&log->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&log->unlocked, &monotonic);
	pthread_condattr_destroy(&monotonic);
	log->first = *head;
	log->head = *head;
	return log;
}

static void forget_rows(struct log_memory *log, uint64_t after)
{
	while (log->head.sequence > after) {
		log->head.sequence--;
		free(log->rows[log->head.sequence].at);
		log->rows[log->head.sequence].at = NULL;
	}
}

static void forget_late(struct log_memory *log)
{
	for (unsigned i = 0; i < log->late_count; i++) {
		free(log->late[i].row.at);
	}
	log->late_count = 0;
}

void log_memory_destroy(struct log_memory *log)
{
	forget_late(log);
	forget_rows(log, 0);
	pthread_cond_destroy(&log->unlocked);
	pthread_mutex_destroy(&log->mutex);
	free(log);
}

void log_memory_set_faults(
	struct log_memory *log, enum log_fault (*fault)(void *context), void *context)
{
	pthread_mutex_lock(&log->mutex);
	log->fault = fault;
	log->context = context;
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_restore(struct log_memory *log, uint64_t sequence)
{
	struct share_row row;

	pthread_mutex_lock(&log->mutex);
	forget_rows(log, sequence);
	memcpy(log->head.tag, log->first.tag, SHARE_TAG);
	if (sequence > 0 &&
		share_row_decode((struct pol_str){ (const char *)log->rows[sequence - 1].at,
					 log->rows[sequence - 1].len },
			&row)) {
		memcpy(log->head.tag, row.tag, SHARE_TAG);
	}
	log->head.server.timeline++;
	log->incarnation++;
	forget_late(log); /* what was sent to the old server arrives there */
	log->holder = NULL;
	pthread_cond_broadcast(&log->unlocked);
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_hold(struct log_memory *log)
{
	pthread_mutex_lock(&log->mutex);
	log->holder = log;
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_unhold(struct log_memory *log)
{
	pthread_mutex_lock(&log->mutex);
	release(log, log);
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_alter(struct log_memory *log, uint64_t sequence, size_t byte)
{
	pthread_mutex_lock(&log->mutex);
	log->rows[sequence - 1].at[byte] ^= 1;
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_exchange(struct log_memory *log, uint64_t sequence)
{
	struct bytes row;

	pthread_mutex_lock(&log->mutex);
	row = log->rows[sequence - 1];
	log->rows[sequence - 1] = log->rows[sequence];
	log->rows[sequence] = row;
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_delete(struct log_memory *log, uint64_t sequence)
{
	pthread_mutex_lock(&log->mutex);
	free(log->rows[sequence - 1].at);
	log->rows[sequence - 1].at = NULL;
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_delay(struct log_memory *log, int ms)
{
	pthread_mutex_lock(&log->mutex);
	log->delay = ms;
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_replace(struct log_memory *log)
{
	pthread_mutex_lock(&log->mutex);
	log->replaced = true;
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_set_away(struct log_memory *log, bool away)
{
	pthread_mutex_lock(&log->mutex);
	log->away = away;
	log->incarnation++;
	log->holder = NULL;
	pthread_cond_broadcast(&log->unlocked);
	pthread_mutex_unlock(&log->mutex);
}

void log_memory_head(struct log_memory *log, struct share_head *out)
{
	pthread_mutex_lock(&log->mutex);
	*out = log->head;
	pthread_mutex_unlock(&log->mutex);
}

unsigned log_memory_locks(struct log_memory *log)
{
	return log->locks;
}

unsigned log_memory_beats(struct log_memory *log)
{
	return log->beats;
}
