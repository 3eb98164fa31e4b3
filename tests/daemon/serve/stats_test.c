/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "daemon/serve/stats.h"

static struct stats_sum sum_of(const struct stats *stats, int64_t now)
{
	struct stats_sum sum = { 0 };

	stats_collect(&sum, stats, now);
	return sum;
}

Test(stats, a_percentile_is_right_within_an_eighth)
{
	static struct stats stats;
	struct stats_sum sum;

	for (uint64_t ns = 1; ns <= 1000; ns++) {
		stats_took(&stats, ns * 100, 1);
	}
	sum = sum_of(&stats, 0);
	for (unsigned permille = 1; permille <= 1000; permille++) {
		double real = permille * 100.0, reported = (double)stats_percentile(&sum, permille);

		cr_assert_leq(reported, real * 1.13 + 1, "%u: %f for %f", permille, reported, real);
		cr_assert_geq(reported, real * 0.87 - 1, "%u: %f for %f", permille, reported, real);
	}
}

Test(stats, without_samples_there_is_no_latency)
{
	static struct stats stats;
	struct stats_sum sum = sum_of(&stats, 0);

	cr_assert_eq(stats_percentile(&sum, 500), 0);
}

Test(stats, extremes_have_their_place)
{
	static struct stats stats;
	struct stats_sum sum;

	stats_took(&stats, 0, 1);
	stats_took(&stats, UINT64_MAX, 1);
	sum = sum_of(&stats, 0);
	cr_assert_eq(stats_percentile(&sum, 1), 0);
	cr_assert_gt(stats_percentile(&sum, 1000), UINT64_C(1) << 39);
}

Test(stats, the_rate_is_of_the_last_whole_seconds_alone)
{
	static struct stats stats;

	for (int64_t second = 100; second < 150; second++) {
		stats_decided(&stats, second, 3, 1);
	}
	cr_assert_eq(sum_of(&stats, 150).recent, 4 * STATS_WINDOW);
	cr_assert_eq(sum_of(&stats, 155).recent, 4 * 5);
	cr_assert_eq(sum_of(&stats, 1000).recent, 0);
	cr_assert_eq(sum_of(&stats, 1000).allowed, 150);
	cr_assert_eq(sum_of(&stats, 1000).denied, 50);
}
