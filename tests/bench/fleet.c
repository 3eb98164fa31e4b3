/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bare appends, and simulated hosts that follow the shared log: for tests/bench/run --fleet.
 *
 *     bench-fleet bare CONNINFO BYTES SECONDS         one INSERT with a payload, and a NOTIFY, a
 * commit bench-fleet rows CONNINFO BYTES ROWS SECONDS    ROWS of them in one statement bench-fleet
 * hosts CONNINFO HOSTS SECONDS        HOSTS connections that look and read as a host does
 *
 * A simulated host is a thread with a connection of its own, which makes the same calls of
 * share/database.h as the watcher and the writer: a look with a report each second, notices (or
 * above POLL_HOSTS a read each POLL_MS), and a read of the new rows. It applies nothing. What is
 * measured is the time from the answer of an append until the last host has read the row.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#include "daemon/share/database.h"

#define MAX_SAMPLES 100000
#define MAX_HOSTS   4000
#define POLL_HOSTS  200 /* above it hosts poll: share.h */
#define POLL_MS     200
#define LOOK_MS     1000
#define APPEND_MS   250 /* between two appends */
#define WAIT_MS     30000
#define PAYLOAD     400 /* bytes, as a revocation has */
#define STACK       (256 * 1024)

_Noreturn static void fail(const char *what, const char *why)
{
	fprintf(stderr, "bench-fleet: %s: %s\n", what, why);
	exit(1);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* --- samples ---------------------------------------------------------------------------------- */

struct samples {
	double ms[MAX_SAMPLES];
	size_t count;
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void add(struct samples *samples, double ms)
{
	if (samples->count < MAX_SAMPLES) {
		samples->ms[samples->count++] = ms;
	}
}

static void print(struct samples *samples, double seconds, unsigned each)
{
	size_t count = samples->count;

	if (count == 0) {
		fail("nothing was measured", "the time is too short");
	}
	qsort(samples->ms, count, sizeof samples->ms[0], compare);
	printf("{\"count\": %zu, \"rate\": %.1f, \"p50\": %.4f, \"p99\": %.4f, \"max\": %.4f}\n",
		count, (double)count * each / seconds, samples->ms[count / 2],
		samples->ms[count * 99 / 100], samples->ms[count - 1]);
}

/* --- bare appends ----------------------------------------------------------------------------- */

static void run(PGconn *connection, const char *text)
{
	PGresult *result = PQexec(connection, text);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		fail(text, PQerrorMessage(connection));
	}
	PQclear(result);
}

/* Statements with `rows` rows of `bytes`, one after the other. */
static void bare(const char *conninfo, size_t bytes, unsigned rows, double seconds)
{
	static struct samples samples;
	PGconn *connection = PQconnectdb(conninfo);
	char *payload = calloc(1, bytes + 1);
	char count[16];
	const char *values[2] = { payload, count };
	const int lengths[2] = { (int)bytes, 0 }, formats[2] = { 1, 0 };
	double begin, end;

	if (PQstatus(connection) != CONNECTION_OK || payload == NULL) {
		fail("cannot connect", PQerrorMessage(connection));
	}
	run(connection,
		"CREATE TABLE IF NOT EXISTS bench_bare (seq bigserial PRIMARY KEY, payload bytea)");
	PQclear(PQprepare(connection, "bare",
		"WITH added AS (INSERT INTO bench_bare (payload) SELECT $1::bytea FROM "
		"generate_series(1, $2::int) RETURNING seq) "
		"SELECT count(*), pg_notify('bench', max(seq)::text) FROM added",
		0, NULL));
	snprintf(count, sizeof count, "%u", rows);
	begin = now_ms();
	do {
		double sent = now_ms();
		PGresult *result =
			PQexecPrepared(connection, "bare", 2, values, lengths, formats, 0);

		if (PQresultStatus(result) != PGRES_TUPLES_OK) {
			fail("cannot append", PQerrorMessage(connection));
		}
		PQclear(result);
		end = now_ms();
		add(&samples, end - sent);
	} while (end - begin < seconds * 1e3);
	print(&samples, (end - begin) / 1e3, rows);
	run(connection, "DROP TABLE bench_bare");
	PQfinish(connection);
	free(payload);
}

/* --- simulated hosts -------------------------------------------------------------------------- */

struct fleet {
	const struct share_database *database;
	const char *conninfo;
	unsigned count;
	atomic_uint ready;
	atomic_bool stop;
	/* Of the row that was appended last: */
	atomic_uint_fast64_t sequence;
	atomic_uint reached;
	pthread_mutex_t lock;
	pthread_cond_t all; /* the last host has read it */
};

struct host {
	struct fleet *fleet;
	pthread_t thread;
	unsigned number;
	struct share_log *log;
	uint8_t instance[SHARE_INSTANCE];
	uint64_t applied;
};

static struct share_log *connect_to(const struct fleet *fleet, bool listen)
{
	const struct share_connect how = {
		.conninfo = fleet->conninfo, .listen = listen, .timeout = WAIT_MS
	};
	struct share_log *log;
	char why[SHARE_WHY] = "";

	if (fleet->database->connect(&how, &log, why) < 0) {
		fail("cannot connect", why);
	}
	return log;
}

static int on_row(void *context, const struct share_row *row)
{
	struct host *host = context;
	struct fleet *fleet = host->fleet;

	host->applied = row->sequence;
	if (row->sequence == atomic_load(&fleet->sequence) &&
		atomic_fetch_add(&fleet->reached, 1) + 1 == fleet->count) {
		pthread_mutex_lock(&fleet->lock);
		pthread_cond_signal(&fleet->all);
		pthread_mutex_unlock(&fleet->lock);
	}
	return 0;
}

static void look(struct host *host)
{
	const struct share_report report = { .instance = host->instance, .applied = host->applied };
	struct share_head head;

	if (host->log->ops->look(host->log, &report, &head, WAIT_MS) < 0) {
		fail("cannot look", host->log->ops->why(host->log));
	}
}

static void follow(struct host *host, bool polls)
{
	struct fleet *fleet = host->fleet;
	/* Hosts do not look at the same moment. */
	double next = now_ms() + (double)(host->number * 7919U % LOOK_MS);
	double poll_at = now_ms() + (double)(host->number * 7919U % POLL_MS);

	while (!atomic_load(&fleet->stop)) {
		double now = now_ms(), until = polls && poll_at < next ? poll_at : next;
		struct pollfd ready = { .fd = polls ? -1 : fleet->database->fd(host->log),
			.events = POLLIN };

		poll(&ready, 1, until > now ? (int)(until - now) + 1 : 0);
		now = now_ms();
		if (now >= next) {
			look(host);
			next += LOOK_MS;
		}
		if (polls ? now >= poll_at : fleet->database->noticed(host->log)) {
			if (host->log->ops->read(
				    host->log, host->applied + 1, on_row, host, WAIT_MS) < 0) {
				fail("cannot read", host->log->ops->why(host->log));
			}
			poll_at = now + POLL_MS;
		}
	}
}

static void *on_thread(void *data)
{
	struct host *host = data;
	struct fleet *fleet = host->fleet;
	bool polls = fleet->count > POLL_HOSTS;
	struct share_host row = { .reads = SHARE_FORMAT };

	host->log = connect_to(fleet, !polls);
	memcpy(host->instance, &host->number, sizeof host->number);
	memcpy(row.instance, host->instance, sizeof row.instance);
	snprintf(row.name, sizeof row.name, "h%u", host->number);
	if (fleet->database->host_enter(host->log, &row, WAIT_MS) < 0) {
		fail("cannot enter a host", host->log->ops->why(host->log));
	}
	atomic_fetch_add(&fleet->ready, 1);
	follow(host, polls);
	host->log->ops->close(host->log);
	return NULL;
}

/* Appends a row. The milliseconds from the log's answer until the last host has read the row. */
static double append_one(struct fleet *fleet, struct share_log *log, struct share_head *head)
{
	static const char payload[PAYLOAD];
	struct share_row row = { .sequence = head->sequence + 1,
		.host = POL_STR("bench"),
		.format = SHARE_FORMAT,
		.payload = { payload, sizeof payload } };
	struct timespec until;
	double answered;

	memcpy(row.tag, &row.sequence, sizeof row.sequence);
	atomic_store(&fleet->reached, 0);
	atomic_store(&fleet->sequence, row.sequence);
	if (log->ops->append(log, head, &row, WAIT_MS) != 0) {
		fail("cannot append", log->ops->why(log));
	}
	answered = now_ms();
	head->sequence = row.sequence;
	memcpy(head->tag, row.tag, sizeof row.tag);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_MS / 1000;
	pthread_mutex_lock(&fleet->lock);
	while (atomic_load(&fleet->reached) < fleet->count) {
		if (pthread_cond_timedwait(&fleet->all, &fleet->lock, &until) != 0) {
			fail("a row did not reach all hosts", "the machine is too slow");
		}
	}
	pthread_mutex_unlock(&fleet->lock);
	return now_ms() - answered > 0 ? now_ms() - answered : 0;
}

static int no_more(void *context, struct pol_str *out)
{
	(void)context;
	*out = POL_STR("empty");
	return 1;
}

static void begin_log(struct fleet *fleet, struct share_log *log, struct share_head *head)
{
	const struct share_new new = {
		.head = { .epoch = 1,
			.sequence = 1,
			.format = SHARE_FORMAT,
			.realm = "bench-fleet" },
		.next = no_more,
	};

	if (fleet->database->create(log, &new, WAIT_MS) < 0) {
		fail("cannot create the log", log->ops->why(log));
	}
	*head = new.head;
}

static void simulate(const char *conninfo, unsigned count, double seconds)
{
	static struct fleet fleet;
	static struct host hosts[MAX_HOSTS];
	static struct samples samples;
	struct share_head head;
	struct share_log *log;
	pthread_attr_t attributes;
	char why[SHARE_WHY];
	double begin;

	fleet = (struct fleet){ .conninfo = conninfo, .count = count };
	pthread_mutex_init(&fleet.lock, NULL);
	pthread_cond_init(&fleet.all, NULL);
	if (count == 0 || count > MAX_HOSTS || share_database_load(&fleet.database, why) < 0) {
		fail("hosts", count == 0 || count > MAX_HOSTS ? "1 to 4000" : why);
	}
	log = connect_to(&fleet, false);
	begin_log(&fleet, log, &head);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	for (unsigned i = 0; i < count; i++) {
		hosts[i] = (struct host){ .fleet = &fleet, .number = i + 1, .applied = 1 };
		if (pthread_create(&hosts[i].thread, &attributes, on_thread, &hosts[i]) != 0) {
			fail("hosts", "a thread cannot be started");
		}
	}
	while (atomic_load(&fleet.ready) < count) {
		poll(NULL, 0, 10);
	}
	begin = now_ms();
	while (now_ms() - begin < seconds * 1e3) {
		add(&samples, append_one(&fleet, log, &head));
		poll(NULL, 0, APPEND_MS);
	}
	atomic_store(&fleet.stop, true);
	for (unsigned i = 0; i < count; i++) {
		pthread_join(hosts[i].thread, NULL);
	}
	print(&samples, (now_ms() - begin) / 1e3, 1);
	log->ops->close(log);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "bare") == 0) {
		bare(argv[2], strtoul(argv[3], NULL, 10), 1, strtod(argv[4], NULL));
	} else if (argc == 6 && strcmp(argv[1], "rows") == 0) {
		bare(argv[2], strtoul(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10),
			strtod(argv[5], NULL));
	} else if (argc == 5 && strcmp(argv[1], "hosts") == 0) {
		simulate(argv[2], (unsigned)strtoul(argv[3], NULL, 10), strtod(argv[4], NULL));
	} else {
		fprintf(stderr, "usage: bench-fleet bare CONNINFO BYTES SECONDS\n"
				"       bench-fleet rows CONNINFO BYTES ROWS SECONDS\n"
				"       bench-fleet hosts CONNINFO HOSTS SECONDS\n");
		return 2;
	}
	return 0;
}
