/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/everywhere.h"

#include <criterion/criterion.h>
#include <string.h>

#define MS UINT64_C(1000000)

static struct share_everywhere *everywhere;
static struct share_waiter waiters[SHARE_WAITERS + 1];
static size_t ended;

/* By what time proves something, and by what it proves nothing. */
static struct share_proof proves, unproven;

static void on_done(struct share_waiter *waiter)
{
	cr_assert_eq(waiter->next, NULL);
	ended++;
}

static void setup(void)
{
	cr_assert_eq(share_everywhere_create(&everywhere), 0);
	ended = 0;
	proves = unproven = (struct share_proof){ 0 };
	share_proof_update(&proves, SHARE_STANDBYS_SYNCHRONOUS, 8000 * MS, 1, 1);
}

static void teardown(void)
{
	share_everywhere_destroy(everywhere);
}

TestSuite(everywhere, .init = setup, .fini = teardown);

static struct share_waiter *wait_for(size_t i, uint64_t sequence, uint64_t since)
{
	waiters[i] = (struct share_waiter){ .sequence = sequence, .since = since, .done = on_done };
	cr_assert(share_everywhere_wait(everywhere, &waiters[i]));
	return &waiters[i];
}

/* The rows of hosts a, b, … with what they applied. */
static void look(const uint64_t *applied, size_t count, uint64_t now, struct share_proof *proof)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
		"l", "m", "n", "o", "p", "q", "r", "s", "t" };
	struct share_host_seen hosts[20];

	for (size_t i = 0; i < count; i++) {
		hosts[i] = (struct share_host_seen){ { names[i], 1 }, applied[i] };
	}
	share_everywhere_look(everywhere, hosts, count, now, proof);
}

Test(everywhere, a_change_is_reached_when_every_row_reports_it)
{
	struct share_waiter *waiter = wait_for(0, 7, 0);

	cr_assert(share_everywhere_waits(everywhere));
	look((uint64_t[]){ 7, 6, 9 }, 3, MS, &proves);
	cr_assert_eq(ended, 0);
	look((uint64_t[]){ 7, 7, 9 }, 3, MS, &proves);
	cr_assert_eq(ended, 1);
	cr_assert_eq(waiter->reached, SHARE_REACHED_REPORTED);
	cr_assert_eq(waiter->lacking_count, 0);
	cr_assert_not(share_everywhere_waits(everywhere));
}

Test(everywhere, it_is_reached_by_time_where_time_proves_it)
{
	struct share_waiter *waiter = wait_for(0, 7, 10 * MS);

	look((uint64_t[]){ 7, 6 }, 2, 10 * MS + 8000 * MS, &proves);
	cr_assert_eq(ended, 0, "later than the 5 s after which hosts are named otherwise");
	look((uint64_t[]){ 7, 6 }, 2, 10 * MS + 8241 * MS, &proves);
	cr_assert_eq(ended, 1);
	cr_assert_eq(waiter->reached, SHARE_REACHED_TIME);
	cr_assert_eq(waiter->lacking_count, 1);
	cr_assert_str_eq(waiter->lacking[0], "b");
}

Test(everywhere, it_is_reached_by_time_when_no_rows_can_be_read)
{
	struct share_waiter *waiter = wait_for(0, 7, 0);

	look(NULL, 0, MS, &proves);
	cr_assert_eq(ended, 0, "no rows prove nothing");
	look(NULL, 0, 8241 * MS, &proves);
	cr_assert_eq(waiter->reached, SHARE_REACHED_TIME);
}

Test(everywhere, otherwise_the_hosts_that_lack_it_are_named_after_five_seconds)
{
	uint64_t applied[20] = { 7 };
	struct share_waiter *waiter = wait_for(0, 7, 0);

	look(applied, 20, 4999 * MS, &unproven);
	cr_assert_eq(ended, 0);
	look(applied, 20, 5000 * MS, &unproven);
	cr_assert_eq(ended, 1);
	cr_assert_eq(waiter->reached, SHARE_REACHED_NOT);
	cr_assert_eq(waiter->lacking_count, 19);
	cr_assert_str_eq(waiter->lacking[0], "b");
	cr_assert_str_eq(waiter->lacking[SHARE_NAMED_HOSTS - 1], "q");
}

Test(everywhere, each_waits_for_its_own_change)
{
	struct share_waiter *first = wait_for(0, 7, 0), *second = wait_for(1, 8, 0);

	wait_for(2, 9, 0);
	look((uint64_t[]){ 8, 9 }, 2, MS, &unproven);
	cr_assert_eq(ended, 2);
	cr_assert_eq(first->reached, SHARE_REACHED_REPORTED);
	cr_assert_eq(second->reached, SHARE_REACHED_REPORTED);
	look((uint64_t[]){ 9, 9 }, 2, MS, &unproven);
	cr_assert_eq(ended, 3);
}

Test(everywhere, no_more_wait_than_there_is_room_for)
{
	struct share_waiter *more = &waiters[SHARE_WAITERS];

	for (size_t i = 0; i < SHARE_WAITERS; i++) {
		wait_for(i, 1, 0);
	}
	more->done = on_done;
	cr_assert_not(share_everywhere_wait(everywhere, more));
	look((uint64_t[]){ 1 }, 1, MS, &unproven);
	cr_assert_eq(ended, SHARE_WAITERS);
	cr_assert(share_everywhere_wait(everywhere, more));
}

Test(everywhere, the_end_ends_all_as_not_reached)
{
	struct share_waiter *waiter = wait_for(0, 7, 0);

	share_everywhere_destroy(everywhere);
	everywhere = NULL;
	cr_assert_eq(ended, 1);
	cr_assert_eq(waiter->reached, SHARE_REACHED_NOT);
}
