/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshots, and a log that begins again from one. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "tests/daemon/share/log_database.h"

static void put_snapshot(struct share_log *log, uint64_t sequence, char *text)
{
	uint8_t tag[SHARE_TAG];
	const struct share_copy copy = {
		.sequence = sequence, .tag = tag, .next = one_piece, .context = text
	};

	memset(tag, (int)sequence, sizeof tag);
	cr_assert_eq(database->snapshot_put(log, &copy, WAIT), 0, "%s", log->ops->why(log));
}

Test(database_snapshots, two_snapshots_stay_and_rows_before_them_go_after_a_day)
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

Test(database_snapshots, a_later_epoch_replaces_the_log_of_the_same_realm_alone)
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
