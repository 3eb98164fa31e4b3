/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the log, its lock, its beat and its notices. */
#include <criterion/criterion.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "tests/daemon/share/log_database.h"

Test(database_log, a_row_is_appended_once_however_often_it_is_sent)
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

Test(database_log, a_row_has_a_place_only_after_its_own_head)
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

Test(database_log, a_warning_is_no_answer)
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

Test(database_log, the_lock_keeps_others_waiting_until_its_row_is_appended)
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

Test(database_log, the_server_ends_a_lock_whose_holder_is_idle)
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

Test(database_log, an_ended_connection_is_said_and_a_new_one_goes_on)
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

Test(database_log, rows_are_read_in_order_and_in_bounded_pieces)
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

Test(database_log, the_beat_is_raised_and_only_when_it_is_old_if_so_asked)
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

Test(database_log, who_listens_gets_a_notice_of_each_row)
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
	/* A notice of another program is ignored. */
	run("NOTIFY authz, 'x'");
	head_of(other);
	cr_expect_eq(database->noticed(other), 0);
	log->ops->close(log);
	other->ops->close(other);
}
