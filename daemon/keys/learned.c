/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/learned.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* 512 KiB, of which only what is used is ever touched. */
enum { KNOWN_BITS = 16 };

struct learnt {
	uint64_t number;
	uint64_t hash;
};

struct queue {
	struct learnt *items;
	size_t count;
	size_t capacity;
};

struct learned {
	_Atomic uint64_t known[1 << KNOWN_BITS];
	pthread_mutex_t mutex; /* guards waiting */
	struct queue waiting;
	/* The flush's: what it took, how far it is written, and how far once the slice commits. */
	struct queue taken;
	size_t written;
	size_t reached;
};

int learned_create(struct learned **out)
{
	struct learned *learned = calloc(1, sizeof *learned);

	if (learned == NULL) {
		return -ENOMEM;
	}
	pthread_mutex_init(&learned->mutex, NULL);
	*out = learned;
	return 0;
}

void learned_destroy(struct learned *learned)
{
	if (learned == NULL) {
		return;
	}
	pthread_mutex_destroy(&learned->mutex);
	free(learned->waiting.items);
	free(learned->taken.items);
	free(learned);
}

/* A mix of both, never 0; its upper bits are the place in the table. (The constants are those of
 * Steele's SplitMix64.) */
static uint64_t mix(uint64_t number, uint32_t mark)
{
	uint64_t x = number * UINT64_C(0x9e3779b97f4a7c15) ^ mark;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31 ? x ^ x >> 31 : 1;
}

bool learned_knows(struct learned *learned, uint64_t number, uint32_t mark)
{
	uint64_t x = mix(number, mark);

	return atomic_load_explicit(
		       &learned->known[x >> (64 - KNOWN_BITS)], memory_order_relaxed) == x;
}

static bool push(struct queue *queue, struct learnt item)
{
	if (queue->count == LEARNED_QUEUE) {
		return false;
	}
	if (queue->count == queue->capacity) {
		size_t capacity = queue->capacity == 0 ? 256 : queue->capacity * 2;
		struct learnt *items = realloc(queue->items, capacity * sizeof *items);

		if (items == NULL) {
			return false;
		}
		queue->items = items;
		queue->capacity = capacity;
	}
	queue->items[queue->count++] = item;
	return true;
}

bool learned_add(struct learned *learned, uint64_t number, uint64_t hash)
{
	bool added;

	pthread_mutex_lock(&learned->mutex);
	added = push(&learned->waiting, (struct learnt){ number, hash });
	pthread_mutex_unlock(&learned->mutex);
	return added;
}

bool learned_learn(struct learned *learned, uint64_t number, uint32_t mark, uint64_t hash)
{
	uint64_t x = mix(number, mark);
	bool learnt = learned_add(learned, number, hash);

	if (learnt) {
		atomic_store_explicit(
			&learned->known[x >> (64 - KNOWN_BITS)], x, memory_order_relaxed);
	}
	return learnt;
}

/* --- flushing --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct learnt *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

/* Once all that was taken is written, takes all that waits, and sorts it by key. */
static void take(struct learned *learned)
{
	struct queue empty = learned->taken;

	if (learned->written < learned->taken.count) {
		return;
	}
	empty.count = 0;
	pthread_mutex_lock(&learned->mutex);
	learned->taken = learned->waiting;
	learned->waiting = empty;
	pthread_mutex_unlock(&learned->mutex);
	learned->written = 0;
	if (learned->taken.count > 0) {
		qsort(learned->taken.items, learned->taken.count, sizeof learned->taken.items[0],
			compare);
	}
}

/* Adds a hash unless it is there. False: the set remains as it was. */
static bool add(struct store_used *set, uint64_t hash)
{
	for (uint32_t i = 0; i < set->count; i++) {
		if (set->hashes[i] == hash) {
			return false;
		}
	}
	if (set->count == STORE_MAX_USED) {
		bool was_full = set->full;

		set->full = true;
		return !was_full;
	}
	set->hashes[set->count++] = hash;
	return true;
}

/* Adds all that was learnt of one key to its stored set. */
static int write_key(struct learned *learned, struct store_write *write)
{
	uint64_t number = learned->taken.items[learned->reached].number;
	struct store_used set;
	bool changed = false;
	int r = store_get_used(store_write_reader(write), number, &set);

	while (learned->reached < learned->taken.count &&
		learned->taken.items[learned->reached].number == number) {
		changed = add(&set, learned->taken.items[learned->reached++].hash) || changed;
	}
	return r < 0 || !changed ? r : store_put_used(write, number, &set);
}

int learned_flush(struct learned *learned, struct store_write *write, bool *out_more)
{
	int r = 0;

	take(learned);
	learned->reached = learned->written;
	for (unsigned i = 0; r == 0 && i < LEARNED_SLICE && learned->reached < learned->taken.count;
		i++) {
		r = write_key(learned, write);
	}
	*out_more = learned->reached < learned->taken.count;
	return r;
}

void learned_flushed(struct learned *learned, bool committed)
{
	if (committed) {
		learned->written = learned->reached;
	}
}

void learned_begin_again(struct learned *learned)
{
	pthread_mutex_lock(&learned->mutex);
	learned->waiting.count = 0;
	pthread_mutex_unlock(&learned->mutex);
	learned->taken.count = 0;
	learned->written = 0;
	learned->reached = 0;
	for (size_t i = 0; i < (size_t)1 << KNOWN_BITS; i++) {
		atomic_store_explicit(&learned->known[i], 0, memory_order_relaxed);
	}
}
