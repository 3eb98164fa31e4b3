/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdint.h>

#include "daemon/serve/conn.h"
#include "daemon/serve/fairness.h"

static struct fairness fairness;

static void join(struct conn *conns, size_t count, uid_t uid)
{
	for (size_t i = 0; i < count; i++) {
		conns[i].peer.user = uid;
		cr_assert_eq(fairness_join(&fairness, &conns[i]), 0);
	}
}

static void leave(struct conn *conns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fairness_leave(&fairness, &conns[i]);
	}
}

/* Every connection always wants more, at this weight a turn. */
static uint32_t serve_round(struct conn *conns, size_t count, uint32_t weight)
{
	struct conn *conn;
	uint32_t turns_had = 0;

	for (size_t i = 0; i < count; i++) {
		fairness_queue(&fairness, &conns[i]);
	}
	while ((conn = fairness_next(&fairness)) != NULL) {
		fairness_spend(conn, weight - 1);
		fairness_queue(&fairness, conn);
		turns_had++;
	}
	fairness_renew(&fairness);
	return turns_had;
}

Test(fairness, many_connections_of_one_user_have_one_share)
{
	static struct conn many[40], other[1];

	join(many, 40, 1);
	join(other, 1, 2);
	cr_assert_eq(serve_round(many, 40, 256), FAIRNESS_SHARE / 256);
	cr_assert(fairness_may(&fairness, &other[0]));
	leave(many, 40);
	leave(other, 1);
	cr_assert_eq(fairness.share_count, 0);
	cr_assert_eq(fairness.ready, 0);
}

Test(fairness, what_a_turn_took_too_much_is_waited_for)
{
	static struct conn one[1], other[1];

	join(one, 1, 1);
	join(other, 1, 2);
	cr_assert_eq(serve_round(one, 1, 3 * FAIRNESS_SHARE), 1);
	cr_assert_eq(serve_round(one, 1, 1), 0);
	cr_assert_eq(serve_round(one, 1, 1), 0);
	cr_assert_eq(serve_round(one, 1, 1), FAIRNESS_SHARE);
	leave(one, 1);
	leave(other, 1);
}

Test(fairness, one_share_is_served_first_come_first_served)
{
	static struct conn conns[3];

	join(conns, 3, 1);
	fairness_queue(&fairness, &conns[1]);
	fairness_queue(&fairness, &conns[2]);
	fairness_queue(&fairness, &conns[1]);
	fairness_queue(&fairness, &conns[0]);
	cr_assert_eq(fairness.ready, 3);
	cr_assert_eq(fairness_next(&fairness), &conns[1]);
	cr_assert_eq(fairness_next(&fairness), &conns[2]);
	cr_assert_eq(fairness_next(&fairness), &conns[0]);
	cr_assert_null(fairness_next(&fairness));
	leave(conns, 3);
}

Test(fairness, one_that_waits_leaves_and_is_never_served)
{
	static struct conn conns[3];

	join(conns, 3, 1);
	for (size_t i = 0; i < 3; i++) {
		fairness_queue(&fairness, &conns[i]);
	}
	fairness_leave(&fairness, &conns[2]);
	fairness_leave(&fairness, &conns[0]);
	cr_assert_eq(fairness_next(&fairness), &conns[1]);
	cr_assert_null(fairness_next(&fairness));
	fairness_queue(&fairness, &conns[1]);
	cr_assert_eq(fairness_next(&fairness), &conns[1]);
	fairness_leave(&fairness, &conns[1]);
}
