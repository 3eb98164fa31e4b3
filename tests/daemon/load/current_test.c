/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/current.h"

#include <criterion/criterion.h>

#include "tests/policy/compiled_text.h"

static unsigned references(struct pol_snapshot *snapshot)
{
	return (unsigned)atomic_load(&snapshot->references);
}

/* Each with a reference of the test's own beside that of `current`. */
static void begin(struct current *current, struct pol_snapshot *policies[3])
{
	for (size_t i = 0; i < 3; i++) {
		policies[i] = compiled_text_good("role reader {\n}\n");
	}
	cr_assert_eq(current_init(current, pol_snapshot_ref(policies[0])), 0);
}

static void end(struct current *current, struct pol_snapshot *policies[3])
{
	current_finish(current);
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(references(policies[i]), 1, "policy %zu", i);
		pol_snapshot_unref(policies[i]);
	}
}

Test(current, an_exchange_raises_the_serial_and_keeps_the_old_policy)
{
	struct pol_snapshot *policies[3];
	struct current current;
	uint64_t serial = 0;

	begin(&current, policies);
	cr_expect_eq(current_serial(&current), 1);
	current_exchange(&current, pol_snapshot_ref(policies[1]));
	cr_expect_eq(current_serial(&current), 2);
	cr_expect_eq(current_ref(&current, &serial), policies[1]);
	cr_expect_eq(serial, 2);
	cr_expect_eq(references(policies[1]), 3);
	pol_snapshot_unref(policies[1]);
	cr_expect_eq(references(policies[0]), 2);
	end(&current, policies);
}

Test(current, a_retired_policy_is_freed_when_all_holders_have_taken_a_newer_one)
{
	struct pol_snapshot *policies[3];
	struct current current;

	begin(&current, policies);
	current_exchange(&current, pol_snapshot_ref(policies[1]));
	current_exchange(&current, pol_snapshot_ref(policies[2]));
	current_free_retired(&current, 1);
	cr_expect_eq(references(policies[0]), 2, "a holder may still have it");
	cr_expect_eq(references(policies[1]), 2);
	current_free_retired(&current, 2);
	cr_expect_eq(references(policies[0]), 1, "all have the second");
	cr_expect_eq(references(policies[1]), 2);
	current_free_retired(&current, 3);
	cr_expect_eq(references(policies[1]), 1, "all have the third");
	cr_expect_eq(references(policies[2]), 2);
	end(&current, policies);
}
