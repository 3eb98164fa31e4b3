/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdint.h>

#include "daemon/serve/peer_limits.h"

static struct peer_limits *limits;

static void setup(void)
{
	cr_assert_eq(peer_limits_create(&limits), 0);
}

static void teardown(void)
{
	peer_limits_destroy(limits);
}

TestSuite(peer_limits, .init = setup, .fini = teardown);

Test(peer_limits, one_user_has_its_number_of_connections_and_no_more)
{
	struct peer_limits_user *user = NULL, *other = NULL;

	for (int i = 0; i < PEER_LIMITS_CONNECTIONS_UID; i++) {
		cr_assert_eq(peer_limits_connect(limits, 1000, false, &user), 0);
	}
	cr_assert_eq(peer_limits_connect(limits, 1000, false, &user), -EDQUOT);
	cr_assert_eq(peer_limits_connect(limits, 1001, false, &other), 0);
	peer_limits_disconnect(limits, user, false);
	cr_assert_eq(peer_limits_connect(limits, 1000, false, &user), 0);
	for (int i = 0; i < PEER_LIMITS_CONNECTIONS_UID; i++) {
		peer_limits_disconnect(limits, user, false);
	}
	peer_limits_disconnect(limits, other, false);
}

Test(peer_limits, all_have_one_limit_together_and_exempt_ones_are_not_counted)
{
	struct peer_limits_user *users[4], *more = NULL, *root = NULL;

	for (unsigned i = 0; i < PEER_LIMITS_CONNECTIONS; i++) {
		cr_assert_eq(peer_limits_connect(limits, 1 + i / 256, false, &users[i / 256]), 0);
	}
	cr_assert_eq(peer_limits_connect(limits, 99, false, &more), -EUSERS);
	cr_assert_eq(peer_limits_connect(limits, 0, true, &root), 0);
	peer_limits_disconnect(limits, root, true);
	/* The exempt one freed no place by leaving. */
	cr_assert_eq(peer_limits_connect(limits, 99, false, &more), -EUSERS);
	for (unsigned i = 0; i < PEER_LIMITS_CONNECTIONS; i++) {
		peer_limits_disconnect(limits, users[i / 256], false);
	}
}

Test(peer_limits, a_refused_charge_leaves_all_as_it_was)
{
	struct peer_limits_user *user = NULL;

	cr_assert_eq(peer_limits_connect(limits, 7, false, &user), 0);
	cr_assert(peer_limits_charge(limits, user, PEER_LIMITS_MEMORY_UID, false));
	cr_assert_not(peer_limits_charge(limits, user, 1, false));
	cr_assert_not(peer_limits_charge(limits, user, SIZE_MAX, false));
	peer_limits_release(limits, user, 1);
	cr_assert(peer_limits_charge(limits, user, 1, false));
	peer_limits_disconnect(limits, user, false);
	/* What it holds still counts, after its last connection too. */
	peer_limits_release(limits, user, PEER_LIMITS_MEMORY_UID);
}

Test(peer_limits, the_reserve_is_for_managing_alone)
{
	struct peer_limits_user *users[4], *root = NULL;
	size_t held[4] = { 0 };

	for (uid_t i = 0; i < 4; i++) {
		cr_assert_eq(peer_limits_connect(limits, 100 + i, false, &users[i]), 0);
		while (peer_limits_charge(limits, users[i], 1 << 20, false)) {
			held[i] += 1 << 20;
		}
	}
	cr_assert_eq(
		held[0] + held[1] + held[2] + held[3], PEER_LIMITS_MEMORY - PEER_LIMITS_RESERVE);
	cr_assert_eq(peer_limits_connect(limits, 0, true, &root), 0);
	cr_assert_not(peer_limits_charge(limits, root, 1, false));
	cr_assert(peer_limits_charge(limits, root, PEER_LIMITS_RESERVE, true));
	cr_assert_not(peer_limits_charge(limits, root, 1, true));
	peer_limits_release(limits, root, PEER_LIMITS_RESERVE);
	peer_limits_disconnect(limits, root, true);
	for (int i = 0; i < 4; i++) {
		peer_limits_disconnect(limits, users[i], false);
		peer_limits_release(limits, users[i], held[i]);
	}
}
