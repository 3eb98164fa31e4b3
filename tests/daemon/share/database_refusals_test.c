/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused: altered rows, other logs, connections that prove nothing. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/daemon/share/log_database.h"

Test(database_refusals, rows_that_are_missing_or_altered_are_refused)
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
Test(database_refusals, what_is_larger_than_it_may_be_is_refused_and_not_even_sent)
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

static void expect_refused(const char *said)
{
	struct share_log *log;
	char why[SHARE_WHY];

	cr_expect_eq(try_to_connect(false, &log, why), -EPERM, "%s", said);
	cr_expect_not_null(strstr(why, said), "%s", why);
}

Test(database_refusals, a_log_of_others_is_refused)
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

Test(database_refusals, a_password_and_a_server_without_proof_are_refused)
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
