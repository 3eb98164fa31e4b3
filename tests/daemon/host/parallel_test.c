/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "daemon/host/parallel.h"

enum { MOST = 1000 };

struct calls {
	unsigned of[MOST]; /* one thread alone writes each */
};

static void count(void *argument, size_t i)
{
	struct calls *calls = argument;

	cr_assert_lt(i, MOST);
	calls->of[i]++;
}

Test(hands, every_piece_is_done_once_before_the_end)
{
	static const size_t counts[] = { 0, 1, 2, PARALLEL_MAX, PARALLEL_MAX + 1, MOST };

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct calls calls = { { 0 } };

		parallel_spread(NULL, counts[i], count, &calls);
		for (size_t k = 0; k < MOST; k++) {
			cr_expect_eq(calls.of[k], k < counts[i], "%zu of %zu", k, counts[i]);
		}
	}
}
