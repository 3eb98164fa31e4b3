/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdint.h>

#include "daemon/serve/peer_limits.h"

static struct peer_limits *limits;

enum { ALL = 1024, OF_USER = 256, RESERVE = ALL / 8, SHARED = ALL - 2 * RESERVE };

static struct peer_limits_slot slots[ALL];
static unsigned held;

static void setup(void)
{
	held = 0;
	cr_assert_eq(peer_limits_create(ALL, OF_USER, &limits), 0);
}

static void teardown(void)
{
	while (held > 0) {
		peer_limits_disconnect(limits, &slots[--held]);
	}
	peer_limits_destroy(limits);
}

TestSuite(peer_limits, .init = setup, .fini = teardown);

/* Connects; on success the slot is kept. */
static int take(uid_t uid, bool preferred)
{
	int r = peer_limits_connect(limits, uid, false, preferred, &slots[held]);

	held += r == 0;
	return r;
}

/* How many connections the uid gets. */
static unsigned take_all(uid_t uid)
{
	unsigned before = held;

	while (take(uid, false) == 0) {
	}
	return held - before;
}

Test(peer_limits, one_user_has_its_number_of_connections_and_no_more)
{
	cr_assert_eq(take_all(1000), OF_USER);
	cr_assert_eq(take(1000, false), -EDQUOT);
	cr_assert_eq(take(1000, true), -EDQUOT, "a trusted one as well");
	cr_assert_eq(take(1001, false), 0);
	cr_assert_eq(peer_limits_refused(limits), 3);
	peer_limits_count_refused(limits);
	cr_assert_eq(peer_limits_refused(limits), 4);
}

/* Each gets at most 1/(n+1) of what the others leave. */
Test(peer_limits, connections_are_shared_fairly_by_uid)
{
	unsigned left = SHARED, users = 0;

	for (uid_t uid = 1; left > users + 1; uid++) {
		unsigned fair = left / (++users + 1);

		fair = fair < OF_USER ? fair : OF_USER;
		cr_assert_eq(take_all(uid), fair, "uid %u of %u left", (unsigned)uid, left);
		left -= fair;
		cr_assert_eq(slots[held - 1].pool, PEER_LIMITS_SHARED);
	}
	cr_assert_gt(users, 20);
	cr_assert(peer_limits_are_scarce(limits));
}

Test(peer_limits, a_uid_gives_back_what_others_then_get)
{
	unsigned first = take_all(1), second = take_all(2);

	cr_assert_lt(second, first);
	while (held > second) {
		held--;
		peer_limits_disconnect(limits, &slots[held - second]);
		slots[held - second] = slots[held];
	}
	cr_assert_gt(take_all(3), second);
	cr_assert_not(peer_limits_are_scarce(limits));
}

Test(peer_limits, reserves_are_for_first_connections_and_for_preferred_peers)
{
	uid_t uid = 1;

	while (!peer_limits_are_scarce(limits)) {
		take_all(uid++);
	}
	/* A uid that holds none gets one, and no second. */
	for (unsigned i = 0; i < RESERVE; i++) {
		cr_assert_eq(take(100000 + i, false), 0);
		cr_assert_eq(slots[held - 1].pool, PEER_LIMITS_FIRST);
		cr_assert_eq(take(100000 + i, false), -EDQUOT);
	}
	cr_assert_eq(take(200000, false), -EUSERS);
	for (unsigned i = 0; i < RESERVE; i++) {
		cr_assert_eq(take(300000, true), 0);
		cr_assert_eq(slots[held - 1].pool, PEER_LIMITS_PREFERRED);
	}
	cr_assert_eq(take(300000, true), -EDQUOT);
	cr_assert_eq(take(300001, true), -EUSERS);
	cr_assert_leq(held, ALL);
}

Test(peer_limits, exempt_connections_are_not_counted)
{
	struct peer_limits_slot root;
	uid_t uid = 1;

	for (unsigned before = ALL; before != held;) {
		before = held;
		take_all(uid++);
	}
	cr_assert_eq(take(uid, false), -EUSERS);
	cr_assert_eq(peer_limits_connect(limits, 0, true, true, &root), 0);
	cr_assert_eq(root.pool, PEER_LIMITS_EXEMPT);
	peer_limits_disconnect(limits, &root);
	cr_assert_eq(take(uid, false), -EUSERS, "the exempt one freed no place by leaving");
}

Test(peer_limits, a_refused_charge_leaves_all_as_it_was)
{
	struct peer_limits_user *user;

	cr_assert_eq(take(7, false), 0);
	user = slots[0].user;
	cr_assert(peer_limits_charge(limits, user, PEER_LIMITS_MEMORY_UID, false));
	cr_assert_not(peer_limits_charge(limits, user, 1, false));
	cr_assert_not(peer_limits_charge(limits, user, SIZE_MAX, false));
	peer_limits_release(limits, user, 1);
	cr_assert(peer_limits_charge(limits, user, 1, false));
	peer_limits_disconnect(limits, &slots[--held]);
	/* What it holds still counts, after its last connection too. */
	peer_limits_release(limits, user, PEER_LIMITS_MEMORY_UID);
}

Test(peer_limits, the_reserve_is_for_managing_alone)
{
	struct peer_limits_slot root;
	size_t bytes[4] = { 0 };

	for (uid_t i = 0; i < 4; i++) {
		cr_assert_eq(take(100 + i, false), 0);
		while (peer_limits_charge(limits, slots[i].user, 1 << 20, false)) {
			bytes[i] += 1 << 20;
		}
	}
	cr_assert_eq(bytes[0] + bytes[1] + bytes[2] + bytes[3],
		PEER_LIMITS_MEMORY - PEER_LIMITS_RESERVE);
	cr_assert_eq(peer_limits_connect(limits, 0, true, true, &root), 0);
	cr_assert_not(peer_limits_charge(limits, root.user, 1, false));
	cr_assert(peer_limits_charge(limits, root.user, PEER_LIMITS_RESERVE, true));
	cr_assert_not(peer_limits_charge(limits, root.user, 1, true));
	peer_limits_release(limits, root.user, PEER_LIMITS_RESERVE);
	peer_limits_disconnect(limits, &root);
	for (int i = 0; i < 4; i++) {
		peer_limits_release(limits, slots[i].user, bytes[i]);
	}
}
