/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/write/queue.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct queue queue;
static struct queue_item items[4096];
static size_t count;

static void setup(void)
{
	queue_init(&queue);
	count = 0;
}

TestSuite(queue, .init = setup);

/* Queues a job; gives its number. */
static size_t push_order(enum queue_class class, uint32_t uid, uint32_t tenant, uint64_t order)
{
	cr_assert_lt(count, sizeof items / sizeof items[0]);
	items[count] =
		(struct queue_item){ .class = class, .uid = uid, .tenant = tenant, .order = order };
	queue_push(&queue, &items[count]);
	return count++;
}

static size_t push(enum queue_class class, uint32_t uid, uint32_t tenant)
{
	return push_order(class, uid, tenant, 0);
}

static void flood(enum queue_class class, uint32_t uid, uint32_t tenant, size_t jobs)
{
	for (size_t i = 0; i < jobs; i++) {
		push(class, uid, tenant);
	}
}

static struct queue_item *take(void)
{
	struct queue_item *item = queue_take(&queue);

	cr_assert_not_null(item);
	return item;
}

static size_t number_of(const struct queue_item *item)
{
	return (size_t)(item - items);
}

/* Takes the next job and ends it. */
static size_t run(uint32_t turns)
{
	struct queue_item *item = take();

	queue_done(&queue, item, turns);
	return number_of(item);
}

static size_t jobs_before(size_t number)
{
	size_t before = 0;

	while (run(0) != number) {
		before++;
	}
	return before;
}

static void drain(void)
{
	struct queue_item *item;

	while ((item = queue_take(&queue)) != NULL) {
		queue_done(&queue, item, 0);
	}
	cr_assert_eq(queue.count, 0);
}

Test(queue, an_empty_one_gives_nothing)
{
	cr_assert_null(queue_take(&queue));
	push(QUEUE_EDITS, 1, 0);
	drain();
	cr_assert_null(queue_take(&queue));
}

Test(queue, jobs_of_one_tenant_keep_their_order)
{
	flood(QUEUE_MAKES, 1, 1, 100);
	for (size_t i = 0; i < 100; i++) {
		cr_assert_eq(run(0), i);
	}
}

Test(queue, what_ends_rights_goes_before_edits_and_edits_before_what_makes)
{
	size_t ends, edits;

	flood(QUEUE_MAKES, 1, 1, 500);
	edits = push(QUEUE_EDITS, 1, 1);
	ends = push(QUEUE_ENDS, 1, 1);
	cr_assert_eq(run(0), ends);
	cr_assert_eq(run(0), edits);
	cr_assert_eq(run(0), 0);
	drain();
}

Test(queue, a_flood_of_one_class_does_not_stop_those_after_it)
{
	size_t edits, makes;

	flood(QUEUE_ENDS, 1, 0, 500);
	edits = push(QUEUE_EDITS, 2, 0);
	makes = push(QUEUE_MAKES, 3, 0);
	cr_assert_eq(jobs_before(makes), QUEUE_PASSES);
	cr_assert_eq(run(0), edits);
	drain();
}

Test(queue, the_uids_of_a_class_take_turns)
{
	size_t one;

	flood(QUEUE_ENDS, 1, 0, 500);
	one = push(QUEUE_ENDS, 2, 0);
	cr_assert_leq(jobs_before(one), 1);
	flood(QUEUE_ENDS, 3, 0, 500);
	flood(QUEUE_ENDS, 4, 0, 500);
	one = push(QUEUE_ENDS, 5, 0);
	cr_assert_leq(jobs_before(one), 3);
	drain();
}

Test(queue, the_tenants_of_a_uid_take_turns_and_gain_it_no_more_of_them)
{
	size_t first, second;

	for (uint32_t tenant = 1; tenant <= 100; tenant++) {
		flood(QUEUE_MAKES, 1, tenant, 10);
	}
	first = push(QUEUE_MAKES, 1, 101);
	second = push(QUEUE_MAKES, 2, 1);
	cr_assert_leq(jobs_before(second), 1);
	cr_assert_leq(jobs_before(first), 101);
	drain();
}

Test(queue, a_long_job_costs_its_tenant_and_its_uid_turns)
{
	size_t others = 0;

	flood(QUEUE_EDITS, 1, 0, 100);
	flood(QUEUE_EDITS, 2, 0, 100);
	cr_assert_eq(run(10), 0);
	/* Ten turns of uid 2, and those that the tenant owes beside its uid cost nobody else. */
	while (run(0) >= 100) {
		others++;
	}
	cr_assert_eq(others, 11);
	drain();
}

Test(queue, no_job_costs_more_than_the_most_turns)
{
	size_t others = 0;

	flood(QUEUE_EDITS, 1, 0, 10);
	flood(QUEUE_EDITS, 2, 0, 1000);
	run(UINT32_MAX);
	while (run(0) >= 10) {
		others++;
	}
	cr_assert_eq(others, QUEUE_MAX_TURNS + 1);
	drain();
}

Test(queue, a_job_in_slices_lets_others_run_between_them_and_keeps_its_place)
{
	size_t sliced = push(QUEUE_ENDS, 1, 0), after = push(QUEUE_ENDS, 1, 0);
	unsigned slices = 0, others = 0;

	flood(QUEUE_ENDS, 2, 0, 5);
	while (slices < 5) {
		struct queue_item *item = take();

		if (item->uid == 1) {
			cr_assert_eq(number_of(item), sliced);
			slices++;
			queue_return(&queue, item, 0);
		} else {
			others++;
			queue_done(&queue, item, 0);
		}
	}
	cr_assert_geq(others, 4);
	while (run(0) != sliced) {
	}
	cr_assert_eq(run(0), after);
	drain();
}

Test(queue, no_job_goes_before_an_earlier_one_of_its_order)
{
	size_t makes, ends, other;

	flood(QUEUE_MAKES, 1, 0, 10);
	makes = push_order(QUEUE_MAKES, 1, 0, 7);
	other = push_order(QUEUE_ENDS, 1, 0, 8);
	ends = push_order(QUEUE_ENDS, 1, 0, 7);
	cr_assert_eq(run(0), other);
	cr_assert_eq(jobs_before(makes), 10);
	cr_assert_eq(run(0), ends);
}

Test(queue, a_job_in_slices_goes_before_the_next_of_its_order)
{
	size_t sliced = push_order(QUEUE_EDITS, 1, 0, 7);
	struct queue_item *item = take();
	size_t ends = push_order(QUEUE_ENDS, 1, 0, 7);

	cr_assert_eq(number_of(item), sliced);
	queue_return(&queue, item, 0);
	cr_assert_eq(run(0), sliced);
	cr_assert_eq(run(0), ends);
}

Test(queue, no_job_gets_into_a_better_class_than_its_own)
{
	size_t ends = push_order(QUEUE_ENDS, 1, 0, 7), makes, other;

	makes = push_order(QUEUE_MAKES, 1, 0, 7);
	for (size_t i = 0; i < 100; i++) {
		push_order(QUEUE_MAKES, 1, 0, 7);
	}
	other = push(QUEUE_ENDS, 1, 0);
	cr_assert_eq(run(0), ends);
	cr_assert_eq(run(0), other);
	for (size_t i = 0; i <= 100; i++) {
		cr_assert_eq(run(0), makes + i);
	}
}

Test(queue, a_job_waits_in_the_worst_class_of_those_before_it)
{
	size_t edits = push_order(QUEUE_EDITS, 1, 0, 7), ends, makes, last, other;

	ends = push_order(QUEUE_ENDS, 1, 0, 7);
	makes = push_order(QUEUE_MAKES, 1, 0, 7);
	last = push_order(QUEUE_ENDS, 1, 0, 7);
	flood(QUEUE_MAKES, 1, 0, 3);
	other = push(QUEUE_EDITS, 1, 0);
	cr_assert_eq(run(0), edits);
	cr_assert_eq(run(0), ends);
	cr_assert_eq(run(0), other);
	/* They came to the classes after the flood. */
	cr_assert_eq(jobs_before(makes), 3);
	cr_assert_eq(run(0), last);
	drain();
}

Test(queue, a_turn_of_a_worse_class_passes_no_earlier_job_of_the_order)
{
	size_t ends, makes, other;

	flood(QUEUE_ENDS, 1, 0, 500);
	ends = push_order(QUEUE_ENDS, 1, 0, 7);
	makes = push_order(QUEUE_MAKES, 1, 0, 7);
	other = push(QUEUE_MAKES, 2, 0);
	cr_assert_eq(jobs_before(other), QUEUE_PASSES);
	cr_assert_eq(jobs_before(ends), 500 - QUEUE_PASSES);
	cr_assert_eq(run(0), makes);
}

Test(queue, until_a_job_in_slices_is_done_none_of_its_order_is_given)
{
	size_t sliced = push_order(QUEUE_ENDS, 1, 0, 7), ends, makes, last, other;
	struct queue_item *item = take();

	ends = push_order(QUEUE_ENDS, 1, 0, 7);
	other = push(QUEUE_ENDS, 1, 0);
	queue_slice(&queue, item);
	makes = push_order(QUEUE_MAKES, 1, 0, 7);
	last = push_order(QUEUE_ENDS, 1, 0, 7);
	cr_assert_eq(run(0), other);
	cr_assert_null(queue_take(&queue));
	queue_return(&queue, item, 0);
	other = push(QUEUE_ENDS, 1, 0);
	cr_assert_eq(number_of(take()), sliced);
	queue_slice(&queue, item);
	cr_assert_eq(run(0), other);
	cr_assert_null(queue_take(&queue));
	queue_done(&queue, item, 0);
	cr_assert_eq(run(0), ends);
	cr_assert_eq(run(0), makes);
	cr_assert_eq(run(0), last);
	drain();
}

Test(queue, an_order_is_forgotten_when_its_job_is_done)
{
	size_t ends;

	push_order(QUEUE_MAKES, 1, 0, 7);
	run(0);
	flood(QUEUE_MAKES, 1, 0, 10);
	ends = push_order(QUEUE_ENDS, 1, 0, 7);
	cr_assert_eq(run(0), ends);
	drain();
}

static size_t given[4096], newest[50];

static void note_given(const struct queue_item *item)
{
	size_t number = number_of(item);

	given[number]++;
	cr_assert(item->order == 0 || newest[item->order] <= number);
	newest[item->order] = number;
}

/* What a random sequence leaves is nothing: no job is lost, none is given twice. */
Test(queue, every_job_is_given_once_and_after_those_before_it_of_its_order)
{
	size_t once = 0;
	uint32_t random_state = 2463534242u;
	struct queue_item *item;

	while (count < 4000) {
		random_state ^= random_state << 13;
		random_state ^= random_state >> 17;
		random_state ^= random_state << 5;
		if (random_state % 3 != 0) {
			push_order((enum queue_class)(random_state / 3 % QUEUE_CLASSES),
				random_state / 9 % 5, random_state / 45 % 4,
				random_state / 180 % 50);
		} else if ((item = queue_take(&queue)) != NULL) {
			if (random_state / 3 % 4 == 0) {
				queue_slice(&queue, item);
				queue_return(&queue, item, random_state / 12 % 70);
			} else {
				note_given(item);
				queue_done(&queue, item, random_state / 12 % 70);
			}
		}
	}
	while ((item = queue_take(&queue)) != NULL) {
		note_given(item);
		queue_done(&queue, item, 0);
	}
	for (size_t i = 0; i < count; i++) {
		once += given[i] == 1;
	}
	cr_assert_eq(once, count);
}
