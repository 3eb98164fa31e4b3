/* SPDX-License-Identifier: Apache-2.0 */
/* The hosts of the log, and the format that all of them read. */
#include <criterion/criterion.h>

#include <errno.h>

#include "tests/daemon/share/log_database.h"

static int count_host(void *context, const struct share_host *host)
{
	unsigned *counts = context;

	counts[host->gone]++;
	cr_expect_str_eq(host->version, "0.1.0");
	cr_expect_eq(host->pepper, 3);
	cr_expect_gt(host->seen, 1700000000000000);
	return 0;
}

Test(database_hosts, a_host_that_is_gone_must_enter_again_before_it_looks)
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

Test(database_hosts, the_format_is_raised_once_every_host_reads_it)
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
