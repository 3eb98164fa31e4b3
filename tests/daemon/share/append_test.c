/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/append.h"

#include <errno.h>

#include "tests/daemon/share/hosts.h"
#include "tests/daemon/store/equal.h"

static struct log_memory *memory;
static struct host one, two;
static enum log_fault faults[16];
static unsigned fault_at;

/* The next faults, then none. */
static enum log_fault next_fault(void *context)
{
	(void)context;
	return fault_at < 16 ? faults[fault_at++] : LOG_NONE;
}

static void setup(void)
{
	memory = hosts_begin();
	log_memory_set_faults(memory, next_fault, NULL);
	one.log = memory;
	two.log = memory;
	hosts_open(&one, 1);
	hosts_open(&two, 2);
}

static void teardown(void)
{
	hosts_close(&one);
	hosts_close(&two);
	log_memory_destroy(memory);
	folder_remove();
}

TestSuite(append, .init = setup, .fini = teardown);

static uint64_t sequence(void)
{
	struct share_head head;

	log_memory_head(memory, &head);
	return head.sequence;
}

static void expect_equal(void)
{
	char why[256] = "";

	cr_assert_eq(hosts_catch_up(&one), 0, "%s", one.append.why);
	cr_assert_eq(hosts_catch_up(&two), 0, "%s", two.append.why);
	cr_expect_eq(one.append.head.sequence, sequence());
	cr_expect_eq(two.append.head.sequence, sequence());
	cr_expect(equal_stores(one.store, two.store, why, sizeof why), "%s", why);
}

/* Is what the struct says of the place what the store has? */
static void expect_stored(struct host *host)
{
	struct share_append append = host->append;

	cr_assert_eq(share_append_load(&append), 0);
	cr_expect_eq(append.head.sequence, host->append.head.sequence);
	cr_expect_arr_eq(append.head.tag, host->append.head.tag, SHARE_TAG);
	cr_expect_eq(append.diverged, host->append.diverged);
	cr_expect_eq(atomic_load(&host->fresh.applied), host->append.head.sequence);
}

Test(append, a_batch_is_a_row_which_the_other_host_applies)
{
	cr_assert_eq(hosts_put(&one, 1), 0);
	cr_expect_eq(sequence(), 1);
	cr_expect_not(hosts_have(&two, 1));
	expect_equal();
	cr_expect(hosts_have(&two, 1));
	expect_stored(&one);
	expect_stored(&two);
	cr_expect_eq(one.append.appended, 1);
	cr_expect_eq(two.append.applied, 1);
}

Test(append, a_database_that_answers_slowly_is_caught_up_with_on_a_new_connection)
{
	cr_assert_eq(hosts_put(&one, 1), 0);
	hosts_drop(&two);
	log_memory_delay(memory, SHARE_ANSWER_MS / 2);
	cr_expect_eq(hosts_catch_up(&two), 0, "%s", two.append.why);
	cr_expect(hosts_have(&two, 1));
}

Test(append, a_batch_whose_place_is_taken_is_lost_until_it_ran_on_the_other_row)
{
	cr_assert_eq(hosts_put(&one, 1), 0);
	two.append.behind = false;
	cr_expect_eq(hosts_put(&two, 2), SHARE_LOST);
	cr_expect_not(hosts_have(&two, 2));
	cr_expect_eq(two.append.lost, 1);
	cr_expect_eq(hosts_put(&two, 2), 0);
	expect_equal();
	cr_expect(hosts_have(&one, 1) && hosts_have(&one, 2));
}

Test(append, a_row_that_was_never_done_is_sent_again)
{
	faults[0] = LOG_LOST;
	faults[1] = LOG_BROKEN;
	faults[2] = LOG_LOST;
	cr_expect_eq(hosts_put(&one, 1), 0);
	cr_expect_eq(sequence(), 1);
	expect_equal();
}

Test(append, a_row_that_was_done_without_an_answer_counts_once_and_after_a_durable_commit)
{
	faults[0] = LOG_DONE;
	cr_expect_eq(hosts_put(&one, 1), 0);
	cr_expect_eq(sequence(), 1);
	cr_expect_eq(log_memory_beats(memory), 1);
	expect_equal();
	/* One that is answered needs no such commit. */
	cr_expect_eq(hosts_put(&one, 2), 0);
	cr_expect_eq(log_memory_beats(memory), 1);
}

Test(append, a_row_that_arrives_late_is_there_once)
{
	faults[0] = LOG_LATE;
	faults[1] = LOG_LATE;
	cr_expect_eq(hosts_put(&one, 1), 0);
	log_memory_arrive(memory, 1);
	cr_expect_eq(sequence(), 1);
	faults[3] = LOG_DOUBLED;
	cr_expect_eq(hosts_put(&one, 2), 0);
	log_memory_arrive(memory, 0);
	cr_expect_eq(sequence(), 2);
	expect_equal();
}

static enum log_fault always_lost(void *context)
{
	(void)context;
	return LOG_LATE;
}

/* The deadline is the answer's: this test waits for it. */
Test(append, a_row_without_any_answer_may_stand_and_does_if_it_arrives, .timeout = 60)
{
	log_memory_set_faults(memory, always_lost, NULL);
	two.append.behind = false;
	cr_expect_eq(hosts_put(&one, 1), -EINPROGRESS);
	cr_expect_eq(one.append.unanswered, 1);
	cr_expect_not(hosts_have(&one, 1));
	log_memory_set_faults(memory, NULL, NULL);
	log_memory_arrive(memory, 0);
	cr_expect_eq(sequence(), 1);
	cr_expect_eq(hosts_put(&one, 2), 0);
	expect_equal();
	cr_expect(hosts_have(&one, 1));
}

Test(append, without_a_connection_nothing_is_made)
{
	log_memory_set_away(memory, true);
	cr_expect_eq(hosts_put(&one, 1), -ENOTCONN);
	cr_expect_neq(one.append.why[0], '\0');
	log_memory_set_away(memory, false);
	cr_expect_eq(sequence(), 0);
	cr_expect_eq(hosts_put(&one, 1), 0);
	expect_equal();
}

Test(append, what_changes_nothing_is_answered_only_where_the_log_ends)
{
	cr_expect_eq(share_append_still(&two.append), 0);
	share_append_end(&two.append);
	cr_assert_eq(hosts_put(&one, 1), 0);
	cr_expect_eq(share_append_still(&two.append), SHARE_LOST);
	share_append_end(&two.append);
	log_memory_set_away(memory, true);
	cr_expect_eq(share_append_still(&two.append), -ENOTCONN);
	share_append_end(&two.append);
}

Test(append, what_changes_nothing_is_not_answered_by_a_primary_that_was_replaced, .timeout = 60)
{
	cr_assert_eq(hosts_put(&one, 1), 0);
	cr_expect_eq(share_append_still(&one.append), 0);
	share_append_end(&one.append);
	log_memory_replace(memory);
	cr_expect_eq(share_append_still(&one.append), -ENOTCONN);
	share_append_end(&one.append);
}

Test(append, what_changes_nothing_is_not_answered_before_hosts_gave_back, .timeout = 60)
{
	cr_assert_eq(hosts_put(&one, 1), 0);
	log_memory_restore(memory, 0);
	cr_expect_eq(share_append_still(&two.append), -ENOTCONN, "the other host gives back");
	share_append_end(&two.append);
	cr_expect_eq(hosts_catch_up(&one), 0);
	two.append.held_until = 0;
	cr_expect_eq(share_append_still(&two.append), SHARE_LOST);
	share_append_end(&two.append);
}

Test(append, what_changes_nothing_is_proven_by_a_commit_outside_the_lock)
{
	cr_assert_eq(share_append_lock(&one.append), 0);
	cr_expect_eq(share_append_still(&one.append), 0);
	cr_expect_eq(log_memory_beats(memory), 1);
	cr_expect_not(one.append.locked);
	share_append_end(&one.append);
	cr_expect_eq(hosts_put(&two, 1), 0, "the lock is free");
}

Test(append, the_lock_keeps_the_place)
{
	struct store_write *write;

	cr_assert_eq(hosts_put(&one, 1), 0);
	cr_assert_eq(share_append_lock(&two.append), 0);
	cr_expect(hosts_have(&two, 1));
	write = hosts_write(&two, 2);
	cr_assert_eq(share_append(&two.append, write, 0), 0);
	share_append_committed(&two.append, store_write_commit(write, true));
	share_append_end(&two.append);
	cr_expect_eq(log_memory_locks(memory), 1);
	cr_assert_eq(hosts_put(&one, 3), SHARE_LOST);
	cr_assert_eq(hosts_put(&one, 3), 0);
	expect_equal();
}

Test(append, a_lock_that_is_not_used_is_ended)
{
	cr_assert_eq(share_append_lock(&two.append), 0);
	share_append_end(&two.append);
	cr_expect_eq(hosts_put(&one, 1), 0);
}

Test(append, a_row_that_the_store_cannot_commit_stands_and_is_applied_from_the_log)
{
	struct store_write *write = hosts_write(&one, 1);

	cr_assert_eq(share_append(&one.append, write, 0), 0);
	store_write_abort(write);
	share_append_committed(&one.append, -ENOSPC);
	share_append_end(&one.append);
	cr_expect(one.append.owes);
	cr_expect(atomic_load(&one.fresh.stale));
	cr_expect_not(hosts_have(&one, 1));
	cr_expect_eq(hosts_put(&one, 2), 0);
	cr_expect_not(one.append.owes);
	cr_expect(hosts_have(&one, 1));
	expect_equal();
}

Test(append, nothing_is_appended_while_a_row_is_owed)
{
	struct store_write *write = hosts_write(&one, 1);

	cr_assert_eq(share_append(&one.append, write, 0), 0);
	store_write_abort(write);
	share_append_committed(&one.append, -ENOSPC);
	share_append_end(&one.append);
	log_memory_set_away(memory, true);
	cr_expect_eq(hosts_put(&one, 2), -ENOTCONN);
	cr_expect_eq(sequence(), 1);
}

static void alter_key(struct store *store, const char *kid)
{
	uint8_t bytes[STORE_MAX_RECORD];
	MDB_val key = { STORE_KID, (void *)(uintptr_t)kid }, value;
	MDB_txn *txn;

	cr_assert_eq(mdb_txn_begin(store->env, NULL, 0, &txn), 0);
	cr_assert_eq(mdb_get(txn, store->tables[STORE_KEYS], &key, &value), 0);
	memcpy(bytes, value.mv_data, value.mv_size);
	bytes[value.mv_size - 1] ^= 1;
	value.mv_data = bytes;
	cr_assert_eq(mdb_put(txn, store->tables[STORE_KEYS], &key, &value, 0), 0);
	cr_assert_eq(mdb_txn_commit(txn), 0);
}

Test(append, a_batch_that_met_an_altered_record_is_not_appended)
{
	struct store_write *write;
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, 1), found;

	cr_assert_eq(hosts_put(&one, 1), 0);
	alter_key(one.store, kid);
	write = hosts_write(&one, 2);
	cr_assert_eq(store_get_key(store_write_reader(write), key.kid, &found), -EBADMSG);
	cr_expect_eq(share_append(&one.append, write, 0), -EBADMSG);
	store_write_abort(write);
	share_append_end(&one.append);
	cr_expect_eq(sequence(), 1);
	cr_expect_eq(hosts_put(&one, 2), 0, "the next batch did not meet it");
}

/* --- what another host did not write ---------------------------------------------------------- */

Test(append, an_altered_row_is_not_applied_and_those_before_it_are)
{
	for (unsigned i = 1; i <= 5; i++) {
		cr_assert_eq(hosts_put(&one, i), 0);
	}
	log_memory_alter(memory, 4, SHARE_ROW_FIXED + 60);
	cr_expect_eq(hosts_catch_up(&two), -EBADMSG);
	cr_expect_eq(two.append.head.sequence, 3);
	cr_expect(hosts_have(&two, 3) && !hosts_have(&two, 4));
	cr_expect_not_null(strstr(two.append.why, "row 4 of host host1"), "%s", two.append.why);
	cr_expect_eq(hosts_put(&two, 9), -ENOTCONN);
	expect_stored(&two);
	log_memory_alter(memory, 4, SHARE_ROW_FIXED + 60);
	/* The host's name is not in the payload: the tag alone covers it. */
	log_memory_alter(memory, 4, 9);
	cr_expect_eq(hosts_catch_up(&two), -EBADMSG);
	cr_expect_eq(two.append.head.sequence, 3);
	log_memory_alter(memory, 4, 9);
	expect_equal();
	cr_expect_str_empty(two.append.why);
}

Test(append, rows_in_another_order_or_left_out_are_not_applied)
{
	for (unsigned i = 1; i <= 4; i++) {
		cr_assert_eq(hosts_put(&one, i), 0);
	}
	log_memory_exchange(memory, 2);
	cr_expect_eq(hosts_catch_up(&two), -EBADMSG);
	cr_expect_eq(two.append.head.sequence, 1);
	log_memory_exchange(memory, 2);
	log_memory_delete(memory, 3);
	cr_expect_eq(hosts_catch_up(&two), -EBADMSG);
	cr_expect_eq(two.append.head.sequence, 2);
}

/* A row that is right and whose changes are not: here those of a key that is there. */
Test(append, a_row_whose_changes_do_not_continue_the_trail_is_refused_after_those_before_it)
{
	struct share_row row = { .host = POL_STR("host9"), .at = 1 };
	struct share_content content = { .changes = POL_STR("no changes") };
	uint8_t sealed[256];
	struct share_log *log = log_memory_connect(memory);

	cr_assert_eq(hosts_put(&one, 1), 0);
	cr_assert_eq(hosts_put(&one, 2), 0);
	cr_assert_eq(
		share_row_make(store_secrets(one.store), &one.append.head, &content, sealed, &row),
		0);
	cr_assert_eq(log->ops->append(log, &one.append.head, &row, 1000), 0);
	log->ops->close(log);
	cr_expect_eq(hosts_catch_up(&two), -EBADMSG);
	cr_expect_eq(two.append.head.sequence, 2);
	cr_expect_not_null(strstr(two.append.why, "row 3 of host host9"), "%s", two.append.why);
	expect_stored(&two);
}

Test(append, a_log_of_another_realm_secrets_or_epoch_is_not_used)
{
	uint64_t applied;

	two.append.head.realm[0] ^= 1;
	cr_expect_eq(share_catch_up(&two.append, &applied, two.append.why), -EPERM);
	cr_expect_not_null(strstr(two.append.why, "another realm"));
	two.append.head.realm[0] ^= 1;
	two.append.head.secrets[0] ^= 1;
	cr_expect_eq(share_catch_up(&two.append, &applied, two.append.why), -EPERM);
	cr_expect_not_null(strstr(two.append.why, "other secrets"));
	two.append.head.secrets[0] ^= 1;
	two.append.head.epoch++;
	cr_expect_eq(share_catch_up(&two.append, &applied, two.append.why), -EPERM);
	cr_expect_not_null(strstr(two.append.why, "another epoch"));
	share_append_end(&two.append);
}

/* --- a lost tail ------------------------------------------------------------------------------ */

Test(append, a_lost_tail_is_given_back_as_it_was)
{
	struct share_head before, after;

	for (unsigned i = 1; i <= 5; i++) {
		cr_assert_eq(hosts_put(i % 2 == 0 ? &one : &two, i) == 0 ||
				     hosts_put(i % 2 == 0 ? &one : &two, i) == 0,
			1);
	}
	cr_assert_eq(hosts_catch_up(&one), 0);
	log_memory_head(memory, &before);
	log_memory_restore(memory, 2);
	cr_assert_eq(hosts_catch_up(&one), 0, "%s", one.append.why);
	log_memory_head(memory, &after);
	cr_expect_eq(after.sequence, before.sequence);
	cr_expect_arr_eq(after.tag, before.tag, SHARE_TAG);
	cr_expect_not(one.append.diverged);
	expect_equal();
}

Test(append, two_hosts_may_give_the_same_rows_back)
{
	for (unsigned i = 1; i <= 3; i++) {
		cr_assert_eq(hosts_put(&one, i), 0);
	}
	cr_assert_eq(hosts_catch_up(&two), 0);
	log_memory_restore(memory, 0);
	cr_assert_eq(hosts_catch_up(&one), 0);
	log_memory_restore(memory, 1);
	cr_assert_eq(hosts_catch_up(&two), 0);
	expect_equal();
}

Test(append, after_a_change_of_the_server_only_lost_rows_are_appended_for_a_while)
{
	cr_assert_eq(hosts_put(&one, 1), 0);
	cr_assert_eq(hosts_catch_up(&two), 0);
	log_memory_restore(memory, 0);
	cr_expect_eq(hosts_put(&two, 2), -ENOTCONN);
	cr_expect_eq(sequence(), 1, "the lost row was given back");
	cr_expect_neq(two.append.held_until, 0);
	two.append.held_until = 0;
	cr_expect_eq(hosts_put(&two, 2), 0);
	expect_equal();
}

Test(append, a_host_whose_row_another_one_replaced_has_diverged_and_stops)
{
	cr_assert_eq(hosts_put(&one, 1), 0);
	cr_assert_eq(hosts_catch_up(&two), 0);
	cr_assert_eq(hosts_put(&one, 2), 0);
	log_memory_restore(memory, 1);
	two.append.looked = 0;
	cr_assert_eq(hosts_put(&two, 3), -ENOTCONN);
	two.append.held_until = 0;
	cr_assert_eq(hosts_put(&two, 3), 0);
	cr_expect_lt(hosts_catch_up(&one), 0);
	cr_expect(one.append.diverged);
	cr_expect(atomic_load(&one.fresh.stale));
	cr_expect_not_null(strstr(one.append.why, "diverged"), "%s", one.append.why);
	expect_stored(&one);
	cr_expect_eq(hosts_put(&one, 4), -ENOTCONN);
	cr_expect_eq(sequence(), 2);
}

Test(append, a_host_that_is_ahead_of_a_log_with_another_row_has_diverged)
{
	cr_assert_eq(hosts_put(&one, 1), 0);
	cr_assert_eq(hosts_catch_up(&two), 0);
	cr_assert_eq(hosts_put(&one, 2), 0);
	cr_assert_eq(hosts_put(&one, 3), 0);
	log_memory_restore(memory, 1);
	cr_assert_eq(hosts_put(&two, 4), -ENOTCONN);
	two.append.held_until = 0;
	cr_assert_eq(hosts_put(&two, 4), 0);
	cr_expect_lt(hosts_catch_up(&one), 0);
	cr_expect(one.append.diverged);
}

Test(append, an_altered_row_in_the_place_of_the_newest_is_no_divergence)
{
	cr_assert_eq(hosts_put(&one, 1), 0);
	cr_assert_eq(hosts_put(&one, 2), 0);
	log_memory_alter(memory, 2, SHARE_ROW_FIXED - 1);
	one.append.looked = 0;
	cr_expect_lt(hosts_catch_up(&one), 0);
	cr_expect_not(one.append.diverged);
	log_memory_alter(memory, 2, SHARE_ROW_FIXED - 1);
	expect_equal();
}
