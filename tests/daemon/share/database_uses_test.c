/* SPDX-License-Identifier: Apache-2.0 */
/* The totals of uses that hosts leave for each other. */
#include <criterion/criterion.h>

#include "tests/daemon/share/log_database.h"

static int on_used(void *context, uint64_t number, const uint64_t *hashes, size_t count)
{
	uint64_t *sum = context;

	*sum += 100 * number;
	for (size_t i = 0; i < count; i++) {
		*sum += hashes[i];
	}
	return 0;
}

static int on_use(void *context, const struct share_use *use)
{
	*(struct share_use *)context = *use;
	return 0;
}

Test(database_uses, uses_of_other_stores_are_summed_and_only_grow)
{
	struct share_log *log = made();
	const uint8_t a[16] = { 1 }, b[16] = { 2 }, c[16] = { 3 };
	const struct share_use_from from = { .store = c, .most = 10 };
	struct share_use uses[600] = { 0 }, seen = { 0 };
	uint64_t hashes[] = { 5, UINT64_MAX, 5 }, sum = 0;

	for (size_t i = 0; i < 600; i++) {
		uses[i] = (struct share_use){ .number = i + 1, .at = 10, .uses = 2, .denials = 1 };
	}
	uses[0].has_ip = true;
	uses[0].ip[15] = 9;
	cr_assert_eq(database->use_put(log, a, uses, 600, WAIT), 0, "%s", log->ops->why(log));
	uses[0].has_ip = false;
	uses[0].at = 9;
	uses[0].uses = 40;
	cr_assert_eq(database->use_put(log, b, uses, 1, WAIT), 0);
	uses[0].uses = 1;
	cr_assert_eq(database->use_put(log, b, uses, 1, WAIT), 0, "late totals change nothing");
	cr_assert_eq(database->use_put(log, c, uses, 1, WAIT), 0);
	cr_assert_eq(
		database->use_read(log, &(struct share_use_from){ c, 0, 1 }, on_use, &seen, WAIT),
		0, "%s", log->ops->why(log));
	cr_expect_eq(seen.number, 1);
	cr_expect_eq(seen.uses, 42);
	cr_expect_eq(seen.denials, 2);
	cr_expect_eq(seen.at, 10);
	cr_expect(seen.has_ip && seen.ip[15] == 9);
	cr_assert_eq(database->use_read(log, &from, on_use, &seen, WAIT), 0);
	cr_expect_eq(seen.number, 10);
	cr_expect_eq(database->used_put(log, 1, hashes, 3, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(database->used_put(log, 1, hashes, 3, WAIT), 0);
	cr_expect_eq(database->used_put(log, 3, hashes, 1, WAIT), 0);
	cr_expect_eq(database->used_read(log, &from, on_used, &sum, WAIT), 0);
	cr_expect_eq(sum, 100 + 5 + UINT64_MAX + 300 + 5);
	cr_expect_eq(database->use_forget(log, (const uint64_t[]){ 1, 2 }, 2, WAIT), 0);
	cr_expect_eq(
		database->use_read(log, &(struct share_use_from){ c, 0, 1 }, on_use, &seen, WAIT),
		0);
	cr_expect_eq(seen.number, 3);
	sum = 0;
	cr_expect_eq(database->used_read(log, &from, on_used, &sum, WAIT), 0);
	cr_expect_eq(sum, 300 + 5);
	log->ops->close(log);
}
