/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "daemon/keys/quota_counters.h"
#include "policy/text/cidr.h"
#include "tests/daemon/folder.h"

#define HOUR INT64_C(3600000)

static struct secrets *secrets;

static void setup(void)
{
	char pepper[256], why[SECRET_WHY];

	folder_make();
	folder_path(pepper, sizeof pepper, "pepper");
	cr_assert_eq(secrets_open(pepper, true, &secrets, why), 0, "%s", why);
}

static void teardown(void)
{
	secrets_close(secrets);
	folder_remove();
}

TestSuite(quota_counters, .init = setup, .fini = teardown);

static struct quota_counters *make(uint32_t max)
{
	struct quota_counters *quotas = NULL;

	cr_assert_eq(quota_counters_create(secrets, max, &quotas), 0);
	return quotas;
}

static struct pol_facts of(const char *key)
{
	return (struct pol_facts){ .key = pol_str_of(key),
		.principal = pol_str_of(key),
		.tenant = 7,
		.ip = { .known = true, .bytes = { (unsigned char)key[0] } } };
}

static struct pol_charge charge(const char *name, uint64_t limit, enum pol_per per)
{
	return (struct pol_charge){
		.name = pol_str_of(name), .limit = limit, .period = 3600, .per = per
	};
}

/* "" when it was taken, else the reason. */
static const char *take(struct quota_counters *quotas, const char *key,
	const struct pol_charge *item, int64_t now, struct quota_counters_report *out)
{
	struct pol_facts facts = of(key);
	struct pol_str reason = quota_counters_take(quotas, &facts, &item, 1, now, out);

	return reason.len == 0 ? "" : reason.ptr;
}

Test(quota_counters, a_window_holds_the_limit_and_the_next_begins_at_zero)
{
	struct quota_counters *quotas = make(16);
	struct pol_charge two = charge("api", 2, POL_PER_KEY);
	struct quota_counters_report report;

	cr_expect_str_eq(take(quotas, "a", &two, 1000, &report), "");
	cr_expect_eq(report.remaining, 1u);
	cr_expect_eq(report.reset, 3600u);
	cr_expect_str_eq(take(quotas, "a", &two, 1001, &report), "");
	cr_expect_eq(report.remaining, 0u);
	cr_expect_eq(report.reset, 3600u, "rounded up, so that nobody comes too early");
	cr_expect_str_eq(take(quotas, "a", &two, 1000 + HOUR - 1, &report), "quota");
	cr_expect_eq(report.reset, 1u);
	cr_expect_eq(report.limit, 2u);
	cr_expect_str_eq(take(quotas, "b", &two, 1000 + HOUR - 1, &report), "");
	cr_expect_str_eq(take(quotas, "a", &two, 1000 + HOUR, &report), "");
	cr_expect_eq(report.remaining, 1u);
	quota_counters_destroy(quotas);
}

Test(quota_counters, a_look_reports_what_taking_would_and_takes_nothing)
{
	struct quota_counters *quotas = make(16);
	const struct pol_charge items[] = { charge("two", 2, POL_PER_KEY),
		charge("three", 3, POL_PER_KEY) };
	const struct pol_charge *both[] = { &items[0], &items[1] };
	struct pol_facts facts = of("a");
	struct quota_counters_counts counts;
	struct quota_counters_report seen, taken;

	for (int64_t now = 0; now < 4 * HOUR; now += HOUR / 3) {
		struct pol_str look = quota_counters_look(quotas, &facts, both, 2, now, &seen);
		struct pol_str again = quota_counters_look(quotas, &facts, both, 2, now, &seen);
		struct pol_str take = quota_counters_take(quotas, &facts, both, 2, now, &taken);

		cr_expect(pol_str_equal(look, take));
		cr_expect(pol_str_equal(again, take));
		cr_expect_eq(seen.any, taken.any);
		cr_expect_eq(seen.charge, taken.charge);
		cr_expect_eq(seen.limit, taken.limit);
		cr_expect_eq(seen.remaining, taken.remaining);
		cr_expect_eq(seen.reset, taken.reset, "%" PRIu64 ", not %" PRIu64, seen.reset,
			taken.reset);
	}
	facts = of("b");
	cr_expect_eq(quota_counters_look(quotas, &facts, both, 2, 0, &seen).len, 0u);
	quota_counters_count(quotas, &counts);
	cr_expect_eq(counts.counters, 2u, "a look makes no counter");
	quota_counters_destroy(quotas);
}

Test(quota_counters, a_changed_limit_or_period_finds_the_same_counter)
{
	struct quota_counters *quotas = make(16);
	struct pol_charge item = charge("api", 3, POL_PER_KEY);
	struct quota_counters_report report;

	cr_expect_str_eq(take(quotas, "a", &item, 0, &report), "");
	cr_expect_str_eq(take(quotas, "a", &item, 0, &report), "");
	item.limit = 2;
	cr_expect_str_eq(take(quotas, "a", &item, 0, &report), "quota");
	item.limit = 1;
	cr_expect_str_eq(take(quotas, "a", &item, 0, &report), "quota");
	cr_expect_eq(report.remaining, 0u);
	item.limit = 3;
	cr_expect_str_eq(take(quotas, "a", &item, 0, &report), "");
	item.period = 60;
	cr_expect_str_eq(take(quotas, "a", &item, 1000, &report), "quota");
	cr_expect_eq(report.reset, 60u, "a shorter period ends the window the sooner");
	cr_expect_str_eq(take(quotas, "a", &item, 61000, &report), "");
	quota_counters_destroy(quotas);
}

Test(quota_counters, names_and_what_is_counted_by_keep_counters_apart)
{
	struct quota_counters *quotas = make(64);
	const struct pol_charge items[] = { charge("a", 1, POL_PER_KEY),
		charge("b", 1, POL_PER_KEY), charge("a", 1, POL_PER_PRINCIPAL),
		charge("a", 1, POL_PER_TENANT), charge("a", 1, POL_PER_IP),
		charge("ab", 1, POL_PER_KEY) };
	struct quota_counters_counts counts;
	struct quota_counters_report report;

	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		cr_expect_str_eq(take(quotas, "bc", &items[i], 0, &report), "", "%zu", i);
	}
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		cr_expect_str_eq(take(quotas, "bc", &items[i], 0, &report), "quota", "%zu", i);
	}
	/* "a" of "bc" is not "ab" of "c"; all share the tenant. */
	cr_expect_str_eq(take(quotas, "c", &items[5], 0, &report), "");
	cr_expect_str_eq(take(quotas, "c", &items[3], 0, &report), "quota");
	quota_counters_count(quotas, &counts);
	cr_expect_eq(counts.counters, 7u);
	cr_expect_eq(counts.refused, 0u);
	quota_counters_destroy(quotas);
}

Test(quota_counters, all_are_taken_or_none)
{
	struct quota_counters *quotas = make(16);
	struct pol_charge many = charge("many", 10, POL_PER_KEY);
	struct pol_charge one = charge("one", 1, POL_PER_TENANT);
	const struct pol_charge *both[] = { &many, &one };
	struct pol_facts facts = of("a");
	struct quota_counters_report report;

	cr_expect_eq(quota_counters_take(quotas, &facts, both, 2, 0, &report).len, 0u);
	cr_expect_eq(report.remaining, 0u, "the one with the least left");
	cr_expect_eq(report.limit, 1u);
	for (int i = 0; i < 20; i++) {
		cr_expect_gt(quota_counters_take(quotas, &facts, both, 2, 0, &report).len, 0u);
	}
	cr_expect_str_eq(take(quotas, "a", &many, 0, &report), "");
	cr_expect_eq(report.remaining, 8u);
	quota_counters_destroy(quotas);
}

Test(quota_counters, a_full_table_refuses_until_windows_end)
{
	struct quota_counters *quotas = make(8);
	struct pol_charge item = charge("api", 5, POL_PER_KEY);
	const char *keys[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9" };
	struct quota_counters_counts counts;
	struct quota_counters_report report;

	for (int i = 0; i < 8; i++) {
		cr_expect_str_eq(take(quotas, keys[i], &item, i, &report), "");
	}
	cr_expect_str_eq(take(quotas, keys[8], &item, HOUR - 1, &report), "module_error");
	cr_expect(!report.any);
	cr_expect_str_eq(
		take(quotas, keys[0], &item, HOUR - 1, &report), "", "who has one goes on");
	quota_counters_count(quotas, &counts);
	cr_expect_eq(counts.counters, 8u);
	cr_expect_eq(counts.refused, 1u);
	/* The first window is over, and its counter free for another. */
	cr_expect_str_eq(take(quotas, keys[8], &item, HOUR, &report), "");
	cr_expect_eq(report.remaining, 4u);
	cr_expect_str_eq(take(quotas, keys[0], &item, HOUR, &report), "module_error");
	for (int i = 0; i < 8; i++) {
		cr_expect_str_eq(take(quotas, keys[i], &item, 2 * HOUR, &report), "", "%d", i);
	}
	quota_counters_destroy(quotas);
}

Test(quota_counters, a_decision_never_frees_a_counter_of_its_own)
{
	struct quota_counters *quotas = make(2);
	struct pol_charge items[] = { charge("x", 5, POL_PER_KEY), charge("y", 5, POL_PER_KEY),
		charge("z", 5, POL_PER_KEY) };
	const struct pol_charge *three[] = { &items[0], &items[1], &items[2] };
	struct pol_facts facts = of("a");
	struct quota_counters_report report;

	cr_expect_eq(quota_counters_take(quotas, &facts, three, 2, 0, &report).len, 0u);
	/* Both windows are over; the third charge must not take what the first two found. */
	cr_expect_str_eq(
		quota_counters_take(quotas, &facts, three, 3, HOUR, &report).ptr, "module_error");
	cr_expect_eq(quota_counters_take(quotas, &facts, three, 2, HOUR, &report).len, 0u);
	cr_expect_eq(report.remaining, 4u, "what was refused burned nothing");
	quota_counters_destroy(quotas);
}

/* Takes one for an address; "" when it was taken, else the reason. */
static const char *take_ip(
	struct quota_counters *quotas, const char *ip, uint32_t prefix6, const char *name)
{
	struct pol_charge item = charge(name, 1, POL_PER_IP);
	const struct pol_charge *items = &item;
	struct quota_counters_report report;
	struct pol_facts facts = { .tenant = 7 };
	struct pol_str reason;

	item.prefix6 = prefix6;
	cr_assert_eq(pol_cidr_parse_ip(pol_str_of(ip), &facts.ip), POL_OK, "%s", ip);
	reason = quota_counters_take(quotas, &facts, &items, 1, 0, &report);
	return reason.len == 0 ? "" : reason.ptr;
}

Test(quota_counters, addresses_of_one_ipv6_prefix_share_a_counter)
{
	struct quota_counters *quotas = make(64);

	cr_expect_str_eq(take_ip(quotas, "2001:db8:1:2::1", 0, "a"), "");
	cr_expect_str_eq(take_ip(quotas, "2001:db8:1:2:ffff::9", 0, "a"), "quota");
	cr_expect_str_eq(take_ip(quotas, "2001:db8:1:3::1", 0, "a"), "", "the next /64");
	cr_expect_str_eq(take_ip(quotas, "2001:db8:1:2::1", 48, "b"), "");
	cr_expect_str_eq(take_ip(quotas, "2001:db8:1:3::1", 48, "b"), "quota");
	cr_expect_str_eq(take_ip(quotas, "2001:db8:2:3::1", 48, "b"), "");
	cr_expect_str_eq(take_ip(quotas, "2001:db8:1:8000::", 49, "c"), "");
	cr_expect_str_eq(take_ip(quotas, "2001:db8:1:7fff::", 49, "c"), "");
	cr_expect_str_eq(take_ip(quotas, "2001:db8:1:ffff::", 49, "c"), "quota");
	cr_expect_str_eq(take_ip(quotas, "2001:db8::1", 128, "d"), "");
	cr_expect_str_eq(take_ip(quotas, "2001:db8::2", 128, "d"), "");
	/* IPv4 addresses count for themselves, mapped or not. */
	cr_expect_str_eq(take_ip(quotas, "192.0.2.1", 0, "a"), "");
	cr_expect_str_eq(take_ip(quotas, "192.0.2.2", 1, "a"), "");
	cr_expect_str_eq(take_ip(quotas, "::ffff:192.0.2.1", 0, "a"), "quota");
	quota_counters_destroy(quotas);
}

/* A new key for each counter: "0" to "z", and so on. */
static unsigned take_many(
	struct quota_counters *quotas, const struct pol_charge *item, unsigned many, int64_t now)
{
	struct quota_counters_report report;
	unsigned taken = 0;

	for (unsigned i = 0; i < many; i++) {
		char key[16];

		snprintf(key, sizeof key, "%u", i);
		taken += take(quotas, key, item, now, &report)[0] == '\0';
	}
	return taken;
}

Test(quota_counters, a_quota_with_very_many_counters_takes_none_from_another)
{
	struct quota_counters *quotas = make(64);
	struct pol_charge greedy = charge("greedy", 5, POL_PER_KEY);
	struct pol_charge other = charge("other", 5, POL_PER_KEY);
	struct pol_charge third = charge("third", 5, POL_PER_KEY);
	struct quota_counters_report report;

	/* Both have been seen: each can have half, and what the other may still need stays free. */
	cr_assert_eq(take_many(quotas, &other, 1, 0), 1u);
	cr_assert_eq(take_many(quotas, &greedy, 1000, 1), 32u);
	cr_expect_eq(take_many(quotas, &other, 1000, 2), 32u);
	/* A third one finds all in use; its share becomes free as windows end, the oldest first. */
	cr_expect_str_eq(take(quotas, "t", &third, 3, &report), "module_error");
	cr_expect_str_eq(take(quotas, "t", &third, HOUR, &report), "");
	cr_expect_eq(take_many(quotas, &third, 1000, HOUR + 2), 64u - 2 * (64 / 3) - 1);
	/* Ended counters of one's own are used again before others are taken. */
	cr_expect_eq(take_many(quotas, &greedy, 20, 2 * HOUR), 20u);
	cr_expect_eq(take_many(quotas, &other, 20, 2 * HOUR), 20u);
	cr_expect_eq(take_many(quotas, &third, 20, 3 * HOUR), 20u);
	quota_counters_destroy(quotas);
}

Test(quota_counters, what_no_other_quota_needs_may_be_borrowed)
{
	struct quota_counters *quotas = make(64);
	struct pol_charge one = charge("one", 5, POL_PER_KEY);
	struct quota_counters_counts counts;

	cr_expect_eq(take_many(quotas, &one, 1000, 0), 64u);
	quota_counters_count(quotas, &counts);
	cr_expect_eq(counts.counters, 64u);
	cr_expect_eq(counts.refused, 936u);
	/* The oldest ended one is reused, so that no more counters are used than are needed. */
	cr_expect_eq(take_many(quotas, &one, 10, HOUR), 10u);
	quota_counters_count(quotas, &counts);
	cr_expect_eq(counts.counters, 64u);
	quota_counters_destroy(quotas);
}

Test(quota_counters, a_shorter_period_ends_the_older_windows_too)
{
	struct quota_counters *quotas = make(16);
	struct pol_charge item = charge("api", 5, POL_PER_KEY);
	struct quota_counters_report report;

	cr_expect_eq(take_many(quotas, &item, 16, 0), 16u);
	item.period = 60;
	for (unsigned i = 0; i < 4; i++) {
		cr_expect_str_eq(take(quotas, "new", &item, 1000, &report), "module_error");
	}
	cr_expect_str_eq(take(quotas, "new", &item, 61000, &report), "");
	quota_counters_destroy(quotas);
}

struct racer {
	struct quota_counters *quotas;
	unsigned taken;
};

static void *race(void *argument)
{
	struct racer *racer = argument;
	struct pol_charge item = charge("api", 1000, POL_PER_KEY);
	struct quota_counters_report report;

	for (int i = 0; i < 1000; i++) {
		racer->taken += take(racer->quotas, "a", &item, i, &report)[0] == '\0';
	}
	return NULL;
}

Test(quota_counters, threads_share_one_count)
{
	struct quota_counters *quotas = make(16);
	struct racer racers[4];
	pthread_t threads[4];
	unsigned taken = 0;

	for (int i = 0; i < 4; i++) {
		racers[i] = (struct racer){ .quotas = quotas };
		cr_assert_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		taken += racers[i].taken;
	}
	cr_expect_eq(taken, 1000u);
	quota_counters_destroy(quotas);
}
