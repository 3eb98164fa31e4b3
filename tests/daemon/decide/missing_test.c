/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/missing.h"

#include <criterion/criterion.h>

#include "policy/snapshot/compiled.h"

static struct pol_declared_fact facts[POL_FACT_KNOWN + 2] = {
	[POL_FACT_IP] = { .name = POL_STR_INIT("context.ip") },
	[POL_FACT_KNOWN] = { .name = POL_STR_INIT("resource.owner") },
	[POL_FACT_KNOWN + 1] = { .name = POL_STR_INIT("context.amount") },
};
static struct pol_snapshot policy = {
	.revision = "00000000000000aa", .facts = facts, .fact_count = POL_FACT_KNOWN + 2
};
static struct pol_snapshot other = { .revision = "00000000000000bb" };

static struct pol_fact_set set_of(uint32_t a, uint32_t b)
{
	struct pol_fact_set set = { { 0 } };

	set.words[a / 64] |= UINT64_C(1) << a % 64;
	set.words[b / 64] |= UINT64_C(1) << b % 64;
	return set;
}

Test(missing, facts_are_counted_until_another_policy_numbers_them)
{
	static struct missing_counts counts;
	uint64_t sum[MISSING_FACTS] = { 0 };
	struct pol_fact_set both = set_of(POL_FACT_KNOWN, POL_FACT_KNOWN + 1);
	struct pol_fact_set last = set_of(MISSING_FACTS - 1, MISSING_FACTS - 1);

	missing_add(&counts, &policy, &both);
	missing_add(&counts, &policy, &both);
	missing_add(&counts, &policy, &last);
	missing_collect(&counts, &policy, sum);
	cr_expect_eq(sum[POL_FACT_KNOWN], 2);
	cr_expect_eq(sum[POL_FACT_KNOWN + 1], 2);
	cr_expect_eq(sum[MISSING_FACTS - 1], 1);
	/* The counts of several workers are added. */
	missing_collect(&counts, &policy, sum);
	cr_expect_eq(sum[POL_FACT_KNOWN], 4);
	missing_collect(&counts, &other, sum);
	cr_expect_eq(sum[POL_FACT_KNOWN], 4);
	missing_add(&counts, &other, &last);
	missing_collect(&counts, &policy, sum);
	cr_expect_eq(sum[POL_FACT_KNOWN], 4);
	sum[POL_FACT_KNOWN] = 0;
	missing_collect(&counts, &other, sum);
	cr_expect_eq(sum[POL_FACT_KNOWN], 0);
}

Test(missing, names_are_sorted)
{
	struct pol_str names[MISSING_FACTS];
	struct pol_fact_set set = set_of(POL_FACT_KNOWN, POL_FACT_KNOWN + 1);

	set.words[0] |= UINT64_C(1) << POL_FACT_IP;
	cr_assert_eq(missing_names(&policy, &set, names), 3);
	cr_expect(pol_str_equal(names[0], POL_STR("context.amount")));
	cr_expect(pol_str_equal(names[1], POL_STR("context.ip")));
	cr_expect(pol_str_equal(names[2], POL_STR("resource.owner")));
	set = (struct pol_fact_set){ { 0 } };
	cr_expect_eq(missing_names(&policy, &set, names), 0);
}
