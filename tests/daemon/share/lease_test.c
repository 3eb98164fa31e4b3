/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/lease.h"

#include <criterion/criterion.h>

static struct share_lease lease;

static void setup(void)
{
	lease = (struct share_lease){ .standbys = SHARE_STANDBYS_SYNCHRONOUS };
}

TestSuite(lease, .init = setup);

static void look_on(uint64_t connection, uint64_t sent, uint64_t sequence, uint64_t beat)
{
	struct share_look one = {
		.sent = sent, .connection = connection, .sequence = sequence, .beat = beat
	};

	share_lease_look(&lease, &one);
}

static void look(uint64_t sent, uint64_t sequence, uint64_t beat)
{
	look_on(1, sent, sequence, beat);
}

static uint64_t anchor(void)
{
	return share_lease_anchor(&lease);
}

Test(lease, nothing_that_was_zeroed_has_an_anchor)
{
	lease = (struct share_lease){ 0 };
	cr_assert_eq(anchor(), 0);
}

Test(lease, a_look_counts_once_the_beat_was_raised_by_two)
{
	look(100, 0, 7);
	look(200, 0, 7);
	cr_assert_eq(anchor(), 0, "not raised");
	look(300, 0, 8);
	cr_assert_eq(anchor(), 0, "raised by one: that may have been on its way");
	look(400, 0, 9);
	cr_assert_eq(anchor(), 200, "the time before the newest confirmed look was sent");
	look(500, 0, 10);
	cr_assert_eq(anchor(), 300);
}

Test(lease, a_look_on_another_connection_confirms_nothing)
{
	look_on(1, 100, 0, 7);
	look_on(2, 200, 0, 9);
	cr_assert_eq(anchor(), 0);
	look_on(2, 300, 0, 11);
	cr_assert_eq(anchor(), 200);
	look_on(1, 400, 0, 20);
	cr_assert_eq(anchor(), 200, "nor does an earlier one again");
}

Test(lease, a_look_counts_once_its_head_is_applied)
{
	look(100, 5, 1);
	look(200, 6, 3);
	cr_assert_eq(anchor(), 0);
	share_lease_apply(&lease, 4);
	cr_assert_eq(anchor(), 0);
	share_lease_apply(&lease, 5);
	cr_assert_eq(anchor(), 100);
	share_lease_apply(&lease, 6);
	cr_assert_eq(anchor(), 100, "the second one waits for the beat");
	look(300, 9, 5);
	cr_assert_eq(anchor(), 200);
}

Test(lease, without_standbys_no_beat_is_needed)
{
	enum share_standbys any[] = { SHARE_STANDBYS_NONE, SHARE_STANDBYS_UNKNOWN };

	for (size_t i = 0; i < sizeof any / sizeof any[0]; i++) {
		lease = (struct share_lease){ .standbys = any[i] };
		look(100, 1, 7);
		cr_assert_eq(anchor(), 0);
		share_lease_apply(&lease, 1);
		cr_assert_eq(anchor(), 100);
		look(200, 1, 7);
		cr_assert_eq(anchor(), 200);
	}
}

Test(lease, a_beat_that_goes_back_confirms_nothing)
{
	look(100, 0, 7);
	look(200, 0, 3);
	cr_assert_eq(anchor(), 0);
	look(300, 0, 5);
	cr_assert_eq(anchor(), 200);
}

Test(lease, the_anchor_never_goes_back)
{
	lease.standbys = SHARE_STANDBYS_NONE;
	look(200, 0, 1);
	look(100, 0, 1);
	cr_assert_eq(anchor(), 200);
}

Test(lease, the_oldest_looks_stay_when_there_is_no_room)
{
	for (uint64_t i = 0; i < 4 * SHARE_LEASE_LOOKS; i++) {
		look(100 + i, 5, i / 2);
	}
	cr_assert_eq(lease.count, SHARE_LEASE_LOOKS);
	cr_assert_eq(lease.looks[0].sent, 100);
	cr_assert_eq(lease.looks[SHARE_LEASE_LOOKS - 1].sent, 99 + 4 * SHARE_LEASE_LOOKS);
	share_lease_apply(&lease, 5);
	cr_assert_eq(anchor(), 100 + SHARE_LEASE_LOOKS - 2, "the newest that the last confirms");
	cr_assert_eq(lease.count, 1);
}

Test(lease, what_is_dropped_counts_no_more)
{
	look(100, 0, 1);
	look(200, 0, 3);
	cr_assert_eq(anchor(), 100);
	share_lease_drop(&lease, false);
	cr_assert_eq(anchor(), 100);
	look(300, 0, 5);
	cr_assert_eq(anchor(), 100, "the look at 200 is gone");
	share_lease_drop(&lease, true);
	cr_assert_eq(anchor(), 0);
}

Test(lease, a_store_that_began_again_has_what_it_applied_since)
{
	share_lease_apply(&lease, 9);
	share_lease_drop(&lease, true);
	share_lease_apply(&lease, 2);
	look(100, 5, 1);
	look(200, 5, 3);
	cr_assert_eq(anchor(), 0);
}

/* --- proof by time ---------------------------------------------------------------------------- */

#define MS  UINT64_C(1000000)
#define LAG (3000 * MS)

static struct share_proof proof_of(enum share_standbys standbys, uint64_t max_lag)
{
	struct share_proof proof = { 0 };

	share_proof_update(&proof, standbys, max_lag, 5, 5);
	return proof;
}

Test(lease, a_change_is_everywhere_three_percent_after_max_lag)
{
	struct share_proof proof = proof_of(SHARE_STANDBYS_SYNCHRONOUS, LAG);

	cr_assert_not(share_proof_is_over(&proof, 7, 7));
	cr_assert_not(share_proof_is_over(&proof, 7, 7 + 3000 * MS));
	cr_assert_not(share_proof_is_over(&proof, 7, 7 + 3089 * MS));
	cr_assert(share_proof_is_over(&proof, 7, 7 + 3091 * MS));
	cr_assert_not(share_proof_is_over(&proof, 7, 3), "a time before it");
}

Test(lease, the_margin_is_never_rounded_down)
{
	for (uint64_t ns = 1; ns < 1000; ns++) {
		cr_assert_geq(100 * SHARE_LEASE_MARGIN(ns), 103 * ns);
	}
}

Test(lease, time_proves_nothing_without_a_bound_or_with_unknown_standbys)
{
	struct share_proof unknown = proof_of(SHARE_STANDBYS_UNKNOWN, LAG);
	struct share_proof endless = proof_of(SHARE_STANDBYS_NONE, 0);
	struct share_proof none = proof_of(SHARE_STANDBYS_NONE, LAG);
	struct share_proof zeroed = { 0 };

	cr_assert_not(share_proof_is_over(&unknown, 0, UINT64_MAX));
	cr_assert_not(share_proof_is_over(&endless, 0, UINT64_MAX));
	cr_assert_not(share_proof_is_over(&zeroed, 0, UINT64_MAX));
	cr_assert(share_proof_is_over(&none, 0, UINT64_MAX));
}

Test(lease, another_bound_proves_nothing_until_all_hosts_have_it)
{
	struct share_proof proof = proof_of(SHARE_STANDBYS_NONE, 10 * LAG);

	cr_assert(proof.ready);
	share_proof_update(&proof, SHARE_STANDBYS_NONE, LAG, 8, 7);
	cr_assert_not(proof.ready, "one host may allow by the longer bound");
	share_proof_update(&proof, SHARE_STANDBYS_NONE, LAG, 20, 7);
	cr_assert_not(proof.ready);
	share_proof_update(&proof, SHARE_STANDBYS_NONE, LAG, 21, 8);
	cr_assert(proof.ready);
	share_proof_update(&proof, SHARE_STANDBYS_NONE, LAG, 30, 9);
	cr_assert(proof.ready, "a host that is slow later has the bound");
	share_proof_update(&proof, SHARE_STANDBYS_SYNCHRONOUS, LAG, 31, 30);
	cr_assert_not(proof.ready, "nor do other standbys");
}
