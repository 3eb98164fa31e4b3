/* SPDX-License-Identifier: Apache-2.0 */
/* On a real server: tests/postgres.py runs this program, and $AUTHZ_POSTGRES has its CONNINFO. */
#include <criterion/criterion.h>

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/share/database.h"

#define WAIT 20000 /* ms */

static const struct share_database *database;
static struct share_expect expect = { .realm = true };

static int one_piece(void *context, struct pol_str *out)
{
	*out = pol_str_of(context);
	return 1;
}

static struct share_head first_head(void)
{
	struct share_head head = { .epoch = 1, .format = SHARE_FORMAT };

	memset(head.realm, 'r', sizeof head.realm);
	memset(head.secrets, 's', sizeof head.secrets);
	return head;
}

static const char *conninfo(void)
{
	return getenv("AUTHZ_POSTGRES");
}

/* Runs a statement beside the daemon. */
static void run(const char *text)
{
	PGconn *pg = PQconnectdb(conninfo());
	PGresult *result = PQexec(pg, text);

	cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK ||
			  PQresultStatus(result) == PGRES_TUPLES_OK,
		"%s: %s", text, PQerrorMessage(pg));
	PQclear(result);
	PQfinish(pg);
}

static int try_to_connect(bool listen, struct share_log **out, char why[SHARE_WHY])
{
	const struct share_connect how = {
		.conninfo = conninfo(), .expect = &expect, .listen = listen, .timeout = WAIT
	};

	why[0] = 0;
	return database->connect(&how, out, why);
}

static struct share_log *connected(void)
{
	struct share_log *log = NULL;
	char why[SHARE_WHY];

	cr_assert_eq(try_to_connect(true, &log, why), 0, "%s", why);
	return log;
}

/* A new log, and a connection to it. */
static struct share_log *made(void)
{
	struct share_new new = { .head = first_head(), .next = one_piece };
	char piece[] = "piece", why[SHARE_WHY];
	const struct share_connect how = { .conninfo = conninfo(), .timeout = WAIT };
	struct share_log *log;

	cr_assert_eq(share_database_load(&database, why), 0, "%s", why);
	run("DROP SCHEMA IF EXISTS authz CASCADE");
	new.context = piece;
	memcpy(expect.realm_id, new.head.realm, SHARE_REALM);
	memcpy(expect.secrets, new.head.secrets, SHARE_FINGERPRINT);
	cr_assert_eq(database->connect(&how, &log, why), 0, "%s", why);
	cr_assert_eq(database->create(log, &new, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(database->create(log, &new, WAIT), -EEXIST);
	return log;
}

static struct share_row row_of(const struct share_head *before, const char *payload)
{
	struct share_row row = { .sequence = before->sequence + 1,
		.host = POL_STR("web1"),
		.at = 1700000000000000,
		.format = SHARE_FORMAT,
		.asks = SHARE_ASKS_REPORT,
		.payload = pol_str_of(payload) };

	memset(row.nonce, 'n', sizeof row.nonce);
	memset(row.tag, (int)row.sequence, sizeof row.tag);
	return row;
}

static void follow(struct share_head *head, const struct share_row *row)
{
	head->sequence = row->sequence;
	memcpy(head->tag, row->tag, SHARE_TAG);
}

static struct share_head head_of(struct share_log *log)
{
	struct share_head head;

	cr_assert_eq(log->ops->look(log, NULL, &head, WAIT), 0, "%s", log->ops->why(log));
	return head;
}

struct seen {
	unsigned count;
	uint64_t last;
	char payload[32];
};

static int on_row(void *context, const struct share_row *row)
{
	struct seen *seen = context;

	seen->count++;
	seen->last = row->sequence;
	cr_expect(pol_str_equal(row->host, POL_STR("web1")));
	cr_expect_eq(row->at, 1700000000000000);
	cr_expect_eq(row->asks, SHARE_ASKS_REPORT);
	cr_expect_eq(row->tag[SHARE_TAG - 1], row->sequence);
	snprintf(seen->payload, sizeof seen->payload, "%.*s", POL_STR_ARGS(row->payload));
	return 0;
}

Test(database, a_row_is_appended_once_however_often_it_is_sent)
{
	struct share_log *log = made(), *other = connected();
	struct share_head head = head_of(log), now;
	struct share_row row = row_of(&head, "one"), late = row_of(&head, "two");
	struct seen seen = { 0 };

	cr_expect_neq(head.server.system, 0);
	cr_expect_eq(head.server.timeline, 1);
	cr_assert_eq(log->ops->append(log, &head, &row, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(log->ops->append(log, &head, &row, WAIT), SHARE_LOST);
	cr_expect_eq(other->ops->append(other, &head, &late, WAIT), SHARE_LOST);
	now = head_of(other);
	cr_expect_eq(now.sequence, 1);
	cr_expect_arr_eq(now.tag, row.tag, SHARE_TAG);
	cr_assert_eq(log->ops->read(log, 1, on_row, &seen, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(seen.count, 1);
	cr_expect_str_eq(seen.payload, "one");
	cr_expect_eq(log->ops->read(log, 2, on_row, &seen, WAIT), 0);
	cr_expect_eq(seen.count, 1);
	log->ops->close(log);
	other->ops->close(other);
}

Test(database, a_row_has_a_place_only_after_its_own_head)
{
	struct share_log *log = made();
	struct share_head head = head_of(log), wrong;
	struct share_row row = row_of(&head, "one");

	wrong = head;
	wrong.tag[0] ^= 1;
	cr_expect_eq(log->ops->append(log, &wrong, &row, WAIT), SHARE_LOST, "another tag");
	wrong = head;
	wrong.epoch++;
	cr_expect_eq(log->ops->append(log, &wrong, &row, WAIT), SHARE_LOST, "another epoch");
	wrong = head;
	wrong.realm[0] ^= 1;
	cr_expect_eq(log->ops->append(log, &wrong, &row, WAIT), SHARE_LOST, "another realm");
	row.format = SHARE_FORMAT + 1;
	cr_expect_eq(log->ops->append(log, &head, &row, WAIT), SHARE_LOST, "a later format");
	row.format = SHARE_FORMAT;
	row.sequence = 2;
	cr_expect_eq(log->ops->append(log, &head, &row, WAIT), -EBADMSG, "a gap");
	cr_expect_eq(head_of(log).sequence, 0);
	log->ops->close(log);
}

Test(database, a_warning_is_no_answer)
{
	struct share_log *log = made(), *other = connected();
	struct share_head head = head_of(log);
	struct share_row row = row_of(&head, "one");

	run("CREATE FUNCTION authz.warn() RETURNS trigger LANGUAGE plpgsql AS "
	    "$$ BEGIN RAISE WARNING 'canceling wait'; RETURN NEW; END $$; "
	    "CREATE TRIGGER warn BEFORE INSERT ON authz.log EXECUTE FUNCTION authz.warn()");
	cr_expect_eq(log->ops->append(log, &head, &row, WAIT), -ETIMEDOUT);
	cr_expect_not(log->ops->is_connected(log));
	cr_expect_not_null(strstr(log->ops->why(log), "canceling wait"));
	cr_expect_eq(head_of(other).sequence, 1, "it stands");
	log->ops->close(log);
	other->ops->close(other);
}

Test(database, the_lock_keeps_others_waiting_until_its_row_is_appended)
{
	struct share_log *log = made(), *other = connected();
	struct share_head head, locked;
	struct share_row row, late;

	head = head_of(log);
	row = row_of(&head, "one");
	late = row_of(&head, "two");
	cr_assert_eq(log->ops->lock(log, &locked, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(locked.sequence, 0);
	cr_expect_eq(other->ops->append(other, &head, &late, 100), -ETIMEDOUT);
	other->ops->close(other);
	/* The statement that nobody waits for any more may still come, and must not take the place:
	 * it waits for the lock, and then the place is taken. */
	cr_assert_eq(log->ops->append(log, &head, &row, WAIT), 0, "%s", log->ops->why(log));
	other = connected();
	cr_expect_eq(head_of(other).sequence, 1);
	follow(&head, &row);
	late = row_of(&head, "two");
	cr_expect_eq(other->ops->append(other, &head, &late, WAIT), 0, "the lock is released");
	/* Unlocked without an append. */
	cr_assert_eq(log->ops->lock(log, &locked, WAIT), 0);
	log->ops->unlock(log);
	follow(&head, &late);
	row = row_of(&head, "three");
	cr_expect_eq(other->ops->append(other, &head, &row, WAIT), 0);
	log->ops->close(log);
	other->ops->close(other);
}

Test(database, the_server_ends_a_lock_whose_holder_is_idle)
{
	struct share_log *log = made(), *other = connected();
	struct share_head head, locked;
	struct share_row row, late;

	head = head_of(log);
	row = row_of(&head, "one");
	late = row_of(&head, "two");
	cr_assert_eq(log->ops->lock(log, &locked, WAIT), 0);
	cr_expect_eq(
		other->ops->append(other, &head, &late, WAIT), 0, "%s", other->ops->why(other));
	cr_expect_lt(log->ops->append(log, &head, &row, WAIT), 0);
	cr_expect_not(log->ops->is_connected(log));
	cr_expect_eq(head_of(other).sequence, 1);
	log->ops->close(log);
	other->ops->close(other);
}

Test(database, an_ended_connection_is_said_and_a_new_one_goes_on)
{
	struct share_log *log = made(), *other;
	struct share_head head = head_of(log);
	struct share_row row = row_of(&head, "one");
	int r;

	run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
	    "'authzd'");
	r = log->ops->append(log, &head, &row, WAIT);
	cr_expect(r == -ETIMEDOUT || r == -ENOTCONN, "%d", r);
	cr_expect_not(log->ops->is_connected(log));
	cr_expect_eq(log->ops->append(log, &head, &row, WAIT), -ENOTCONN);
	log->ops->close(log);
	other = connected();
	cr_expect_eq(other->ops->append(other, &head, &row, WAIT), 0);
	other->ops->close(other);
}

/* Appends rows of this many bytes. */
static void append_rows(struct share_log *log, unsigned count, size_t size)
{
	struct share_head head = head_of(log);
	char *bytes = malloc(size + 1);

	memset(bytes, 'p', size);
	bytes[size] = 0;
	for (unsigned i = 0; i < count; i++) {
		struct share_row row = row_of(&head, bytes);

		cr_assert_eq(log->ops->append(log, &head, &row, WAIT), 0, "%s", log->ops->why(log));
		follow(&head, &row);
	}
	free(bytes);
}

Test(database, rows_are_read_in_order_and_in_bounded_pieces)
{
	struct share_log *log = made();
	struct seen seen = { 0 };

	append_rows(log, 6, SHARE_READ_BYTES / 4);
	cr_assert_eq(log->ops->read(log, 1, on_row, &seen, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(seen.count, 4, "%u", seen.count);
	cr_assert_eq(log->ops->read(log, seen.last + 1, on_row, &seen, WAIT), 0);
	cr_expect_eq(seen.last, 6);
	log->ops->close(log);
}

Test(database, rows_that_are_missing_or_altered_are_refused)
{
	struct share_log *log = made();
	struct seen seen = { 0 };

	append_rows(log, 4, 10);
	run("DELETE FROM authz.log WHERE seq = 3");
	cr_expect_eq(log->ops->read(log, 1, on_row, &seen, WAIT), -EBADMSG);
	cr_expect_eq(seen.last, 2);
	cr_expect_not_null(strstr(log->ops->why(log), "is missing"));
	run("UPDATE authz.log SET tag = 'short' WHERE seq = 2");
	seen.last = 0;
	cr_expect_eq(log->ops->read(log, 1, on_row, &seen, WAIT), -EBADMSG);
	cr_expect_eq(seen.last, 1);
	run("UPDATE authz.log SET payload = convert_to(repeat('x', 67108865), 'UTF8') "
	    "WHERE seq = 1");
	cr_expect_eq(log->ops->read(log, 1, on_row, &seen, WAIT), -EBADMSG);
	cr_expect(log->ops->is_connected(log));
	log->ops->close(log);
}

static int no_host(void *context, const struct share_host *host)
{
	(void)context;
	(void)host;
	return 0;
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* The owner of the tables can make any column as large as PostgreSQL allows. */
Test(database, what_is_larger_than_it_may_be_is_refused_and_not_even_sent)
{
	static const char large[] = "repeat('x', 50000000)";
	struct share_log *log = made();
	struct share_head head;
	struct seen seen = { 0 };
	uint8_t tag[SHARE_TAG];
	uint64_t sequence;
	uint32_t parts;
	char text[256];
	long before = peak_kib();

	append_rows(log, 1, 10);
	snprintf(text, sizeof text,
		"INSERT INTO authz.host SELECT '0123456789abcdef', %s, 0, now(), 0, 1, '', '', 1, "
		"NULL, false, ''",
		large);
	run(text);
	cr_expect_eq(database->hosts(log, no_host, NULL, WAIT), -EBADMSG);
	snprintf(text, sizeof text, "UPDATE authz.log SET host = %s", large);
	run(text);
	cr_expect_eq(log->ops->read(log, 1, on_row, &seen, WAIT), -EBADMSG);
	snprintf(
		text, sizeof text, "UPDATE authz.snapshot SET tag = convert_to(%s, 'UTF8')", large);
	run(text);
	cr_expect_eq(database->snapshot_newest(log, &sequence, tag, &parts, WAIT), -EBADMSG);
	snprintf(text, sizeof text, "UPDATE authz.head SET tag = convert_to(%s, 'UTF8')", large);
	run(text);
	cr_expect_eq(log->ops->look(log, NULL, &head, WAIT), -EBADMSG);
	cr_expect(peak_kib() - before < 20000, "%ld KiB more", peak_kib() - before);
	cr_expect(log->ops->is_connected(log));
	log->ops->close(log);
}

Test(database, the_beat_is_raised_and_only_when_it_is_old_if_so_asked)
{
	struct share_log *log = made();
	uint64_t beat = head_of(log).beat;

	cr_assert_eq(log->ops->beat(log, false, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(head_of(log).beat, beat + 1);
	run("UPDATE authz.beat SET at = clock_timestamp() + interval '1 hour'");
	cr_assert_eq(log->ops->beat(log, true, WAIT), 0);
	cr_expect_eq(head_of(log).beat, beat + 1);
	run("UPDATE authz.beat SET at = clock_timestamp() - interval '301 milliseconds'");
	cr_assert_eq(log->ops->beat(log, true, WAIT), 0);
	cr_expect_eq(head_of(log).beat, beat + 2);
	log->ops->close(log);
}

Test(database, who_listens_gets_a_notice_of_each_row)
{
	struct share_log *log = made(), *other = connected();
	struct pollfd fd = { .fd = database->fd(other), .events = POLLIN };

	cr_expect_eq(database->noticed(other), 0);
	append_rows(log, 1, 1);
	cr_assert_eq(poll(&fd, 1, WAIT), 1);
	cr_expect_eq(database->noticed(other), head_of(log).sequence);
	cr_expect_eq(database->noticed(other), 0);
	/* One that arrives with the answer of a query is not lost. */
	append_rows(log, 1, 1);
	head_of(other);
	cr_expect_eq(database->noticed(other), head_of(log).sequence);
	/* Another program's is none. */
	run("NOTIFY authz, 'x'");
	head_of(other);
	cr_expect_eq(database->noticed(other), 0);
	log->ops->close(log);
	other->ops->close(other);
}

static int count_host(void *context, const struct share_host *host)
{
	unsigned *counts = context;

	counts[host->gone]++;
	cr_expect_str_eq(host->version, "0.1.0");
	cr_expect_eq(host->pepper, 3);
	cr_expect_gt(host->seen, 1700000000000000);
	return 0;
}

Test(database, a_host_that_is_gone_must_enter_again_before_it_looks)
{
	struct share_log *log = made();
	struct share_host host = {
		.name = "web1", .reads = SHARE_FORMAT, .version = "0.1.0", .pepper = 3
	};
	const struct share_report report = { .instance = host.instance, .applied = 7 };
	struct share_head head;
	unsigned counts[2] = { 0 }, forgotten = 0;

	cr_expect_eq(log->ops->look(log, &report, &head, WAIT), -ESTALE);
	cr_assert_eq(database->host_enter(log, &host, WAIT), 0, "%s", log->ops->why(log));
	cr_assert_eq(log->ops->look(log, &report, &head, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(head.hosts, 1);
	cr_assert_eq(database->hosts_tend(log, 60000, 60000, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(head_of(log).hosts, 1);
	run("UPDATE authz.host SET seen = seen - interval '2 minutes'");
	cr_assert_eq(database->hosts_tend(log, 60000, 60000, WAIT), 0);
	cr_expect_eq(head_of(log).hosts, 0);
	cr_expect_eq(log->ops->look(log, &report, &head, WAIT), -ESTALE);
	cr_expect_eq(database->hosts(log, count_host, counts, WAIT), 0);
	cr_expect(counts[0] == 0 && counts[1] == 1);
	cr_assert_eq(database->host_enter(log, &host, WAIT), 0);
	cr_expect_eq(log->ops->look(log, &report, &head, WAIT), 0);
	cr_assert_eq(database->host_leave(log, host.instance, WAIT), 0);
	run("UPDATE authz.host SET gone = gone - interval '2 minutes'");
	cr_assert_eq(database->hosts_tend(log, 60000, 60000, WAIT), 0);
	cr_assert_eq(database->hosts_forget(log, "web1", &forgotten, WAIT), 0);
	cr_expect_eq(forgotten, 0);
	cr_assert_eq(database->host_enter(log, &host, WAIT), 0);
	cr_assert_eq(
		database->hosts_forget(log, "00000000000000000000000000000000", &forgotten, WAIT),
		0);
	cr_expect_eq(forgotten, 1);
	log->ops->close(log);
}

Test(database, the_format_is_raised_once_every_host_reads_it)
{
	struct share_log *log = made();
	struct share_host host = { .name = "old", .reads = 1 };

	cr_assert_eq(database->host_enter(log, &host, WAIT), 0);
	cr_expect_eq(database->upgrade(log, 2, WAIT), SHARE_LOST);
	cr_expect_str_eq(log->ops->why(log), "old");
	host.reads = 2;
	cr_assert_eq(database->host_enter(log, &host, WAIT), 0);
	cr_expect_eq(database->upgrade(log, 2, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(head_of(log).format, 2);
	host.reads = 1;
	cr_expect_eq(database->host_enter(log, &host, WAIT), -EPERM);
	log->ops->close(log);
}

static void put_snapshot(struct share_log *log, uint64_t sequence, char *text)
{
	uint8_t tag[SHARE_TAG];
	const struct share_copy copy = {
		.sequence = sequence, .tag = tag, .next = one_piece, .context = text
	};

	memset(tag, (int)sequence, sizeof tag);
	cr_assert_eq(database->snapshot_put(log, &copy, WAIT), 0, "%s", log->ops->why(log));
}

Test(database, two_snapshots_stay_and_rows_before_them_go_after_a_day)
{
	struct share_log *log = made();
	uint8_t tag[SHARE_TAG];
	char two[] = "two", three[] = "three", again[] = "again";
	struct pol_str bytes;
	struct seen seen = { 0 };
	uint64_t sequence;
	uint32_t parts;

	append_rows(log, 3, 1);
	put_snapshot(log, 2, two);
	put_snapshot(log, 3, three);
	put_snapshot(log, 3, again);
	cr_assert_eq(database->snapshots_tend(log, WAIT), 0, "%s", log->ops->why(log));
	cr_assert_eq(database->snapshot_newest(log, &sequence, tag, &parts, WAIT), 0);
	cr_expect(sequence == 3 && parts == 1 && tag[0] == 3);
	cr_assert_eq(database->snapshot_part(log, 3, 0, &bytes, WAIT), 0);
	cr_expect(pol_str_equal(bytes, POL_STR("three")), "the first one stays");
	cr_expect_eq(database->snapshot_part(log, 3, 1, &bytes, WAIT), -ENOENT);
	cr_expect_eq(database->snapshot_part(log, 2, 0, &bytes, WAIT), 0);
	cr_expect_eq(database->snapshot_part(log, 0, 0, &bytes, WAIT), -ENOENT);
	cr_expect_eq(log->ops->read(log, 1, on_row, &seen, WAIT), 0);
	run("UPDATE authz.log SET added = added - interval '25 hours'");
	cr_assert_eq(database->snapshots_tend(log, WAIT), 0);
	cr_expect_eq(log->ops->read(log, 1, on_row, &seen, WAIT), -EBADMSG);
	cr_expect_eq(log->ops->read(log, 2, on_row, &seen, WAIT), 0);
	log->ops->close(log);
}

static int on_used(void *context, uint64_t number, const uint64_t *hashes, size_t count)
{
	uint64_t *sum = context;

	*sum += 100 * number;
	for (size_t i = 0; i < count; i++) {
		*sum += hashes[i];
	}
	return 0;
}

static int on_use(void *context, const struct share_use *use)
{
	*(struct share_use *)context = *use;
	return 0;
}

Test(database, uses_of_other_stores_are_summed_and_only_grow)
{
	struct share_log *log = made();
	const uint8_t a[16] = { 1 }, b[16] = { 2 }, c[16] = { 3 };
	const struct share_use_from from = { .store = c, .most = 10 };
	struct share_use uses[600] = { 0 }, seen = { 0 };
	uint64_t hashes[] = { 5, UINT64_MAX, 5 }, sum = 0;

	for (size_t i = 0; i < 600; i++) {
		uses[i] = (struct share_use){ .number = i + 1, .at = 10, .uses = 2, .denials = 1 };
	}
	uses[0].has_ip = true;
	uses[0].ip[15] = 9;
	cr_assert_eq(database->use_put(log, a, uses, 600, WAIT), 0, "%s", log->ops->why(log));
	uses[0].has_ip = false;
	uses[0].at = 9;
	uses[0].uses = 40;
	cr_assert_eq(database->use_put(log, b, uses, 1, WAIT), 0);
	uses[0].uses = 1;
	cr_assert_eq(database->use_put(log, b, uses, 1, WAIT), 0, "late totals change nothing");
	cr_assert_eq(database->use_put(log, c, uses, 1, WAIT), 0);
	cr_assert_eq(
		database->use_read(log, &(struct share_use_from){ c, 0, 1 }, on_use, &seen, WAIT),
		0, "%s", log->ops->why(log));
	cr_expect_eq(seen.number, 1);
	cr_expect_eq(seen.uses, 42);
	cr_expect_eq(seen.denials, 2);
	cr_expect_eq(seen.at, 10);
	cr_expect(seen.has_ip && seen.ip[15] == 9);
	cr_assert_eq(database->use_read(log, &from, on_use, &seen, WAIT), 0);
	cr_expect_eq(seen.number, 10);
	cr_expect_eq(database->used_put(log, 1, hashes, 3, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(database->used_put(log, 1, hashes, 3, WAIT), 0);
	cr_expect_eq(database->used_put(log, 3, hashes, 1, WAIT), 0);
	cr_expect_eq(database->used_read(log, &from, on_used, &sum, WAIT), 0);
	cr_expect_eq(sum, 100 + 5 + UINT64_MAX + 300 + 5);
	cr_expect_eq(database->use_forget(log, (const uint64_t[]){ 1, 2 }, 2, WAIT), 0);
	cr_expect_eq(
		database->use_read(log, &(struct share_use_from){ c, 0, 1 }, on_use, &seen, WAIT),
		0);
	cr_expect_eq(seen.number, 3);
	sum = 0;
	cr_expect_eq(database->used_read(log, &from, on_used, &sum, WAIT), 0);
	cr_expect_eq(sum, 300 + 5);
	log->ops->close(log);
}

static void expect_refused(const char *said)
{
	struct share_log *log;
	char why[SHARE_WHY];

	cr_expect_eq(try_to_connect(false, &log, why), -EPERM, "%s", said);
	cr_expect_not_null(strstr(why, said), "%s", why);
}

Test(database, a_log_of_others_is_refused)
{
	struct share_log *log = made();

	expect.realm_id[0] ^= 1;
	expect_refused("another realm");
	expect.realm_id[0] ^= 1;
	expect.secrets[0] ^= 1;
	expect_refused("other secrets");
	expect.secrets[0] ^= 1;
	run("UPDATE authz.head SET format = 2");
	expect_refused("the log has format 2");
	run("UPDATE authz.head SET realm = 'x'");
	expect_refused("authz.head was altered");
	run("COMMENT ON SCHEMA authz IS 'mine'");
	expect_refused("a schema `authz` that is not of authzd");
	run("DROP SCHEMA authz CASCADE");
	expect_refused("the database has no log");
	log->ops->close(log);
}

Test(database, a_later_epoch_replaces_the_log_of_the_same_realm_alone)
{
	struct share_log *log = made();
	char piece[] = "restored";
	struct share_new new = {
		.head = first_head(), .epoch = true, .next = one_piece, .context = piece
	};

	append_rows(log, 2, 1);
	cr_expect_eq(database->create(log, &new, WAIT), -EPERM, "the same epoch");
	new.head.epoch = 2;
	new.head.realm[0] ^= 1;
	cr_expect_eq(database->create(log, &new, WAIT), -EPERM, "another realm");
	cr_expect_eq(head_of(log).sequence, 2);
	new.head.realm[0] ^= 1;
	new.head.sequence = 1;
	cr_expect_eq(database->create(log, &new, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(head_of(log).epoch, 2);
	cr_expect_eq(head_of(log).sequence, 1);
	log->ops->close(log);
}

Test(database, a_password_and_a_server_without_proof_are_refused)
{
	char why[SHARE_WHY] = "";
	const char *const passwords[] = { "host=db password=x", "postgresql://authz:x@db/authz",
		"host=db sslpassword=x" };
	struct share_connect how = { .timeout = WAIT };
	const char *const elsewhere[] = { "host=192.0.2.1", "host=192.0.2.1 sslmode=verify-ca",
		"host=/tmp,192.0.2.1", "host=localhost" };
	struct share_log *log;

	cr_assert_eq(share_database_load(&database, why), 0, "%s", why);
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(database->check(passwords[i], why), -EINVAL, "%s", passwords[i]);
		cr_expect_not_null(strstr(why, "passfile=FILE"));
	}
	cr_expect_eq(database->check("host", why), -EINVAL);
	cr_expect_eq(database->check("host=db dbname=authz", why), 0);
	for (size_t i = 0; i < 4; i++) {
		how.conninfo = elsewhere[i];
		cr_expect_eq(database->connect(&how, &log, why), -EPERM, "%s", elsewhere[i]);
		cr_expect_not_null(strstr(why, "sslmode=verify-full"), "%s", why);
	}
	how.conninfo = "host=/nowhere";
	cr_expect_eq(database->connect(&how, &log, why), -ENOTCONN, "%s", why);
}
