/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * seqlock: a line of words that is written by one thread at a time and read without a lock.
 *
 * The count is odd while the line is written. A reader that meets a writer, or whose words may be
 * of two values, finds nothing. A thread that may not wait gives up a put when the line is locked.
 *
 * A line keeps what a reader found in the store. The writer of the store drops it before it commits
 * a change of that record, in this order: it raises the line's floor to the number of the
 * transaction (seqlock_raise), then clears the line (seqlock_drop), then commits. A put compares
 * the floor with the view of its reader while it holds the line. So a value from before a change is
 * either cleared by the drop or refused by the floor, and no line is ever older than the last
 * commit that concerns it.
 *
 * Why no fence is needed: drop and put both take the line by a compare-and-exchange of its count,
 * so one of them comes first. If it is the put, the drop clears what it wrote. If it is the drop,
 * the put has synchronized with its release of the count and sees the floor. Words are stored with
 * release and loaded with acquire, which orders them between the two loads of the count.
 *
 * The count never begins again: a line whose counts are used up stays locked, and is empty for
 * good. So two equal counts mean the same value, however much time has passed between them.
 *
 * key_cache and principal_cache stand on this. The other tables of this folder do not, because the
 * store does not have what they count until they give it: a put that is given up would be a use, a
 * denial or a charge that is never counted. Each says in its header what it has instead.
 *
 * tests/daemon/keys/seqlock_model.c runs these functions in every order of their steps.
 */

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The steps that other threads can see; the model replaces them. */
#ifndef SEQLOCK_LOAD
#define SEQLOCK_LOAD(from)       atomic_load_explicit(from, memory_order_acquire)
#define SEQLOCK_STORE(to, value) atomic_store_explicit(to, value, memory_order_release)
#define SEQLOCK_FLOOR(from)      atomic_load_explicit(from, memory_order_seq_cst)
#define SEQLOCK_RAISE(to, value) atomic_store_explicit(to, value, memory_order_seq_cst)
#define SEQLOCK_TAKE(count, expected)                                                              \
	atomic_compare_exchange_strong_explicit(                                                   \
		count, expected, *(expected) + 1, memory_order_acquire, memory_order_relaxed)
#define SEQLOCK_WAIT(spins) ((spins) % 64 == 63 ? (void)sched_yield() : (void)0)
#define SEQLOCK_DEAD        UINT32_MAX
#endif

/* Most words of a line, its head apart. */
#define SEQLOCK_WORDS 7

/* The words of the line follow it. Zeroes are a line that was never written. */
struct seqlock {
	_Atomic uint32_t count;
	_Atomic uint32_t head;
	_Atomic uint64_t words[];
};

struct seqlock_value {
	uint32_t count; /* at which it was read, or was written */
	uint32_t head;
	uint64_t words[SEQLOCK_WORDS];
};

/* false: a writer was there. size: words of the line. */
static inline bool seqlock_read(const struct seqlock *line, size_t size, struct seqlock_value *out)
{
	out->count = SEQLOCK_LOAD(&line->count);
	out->head = SEQLOCK_LOAD(&line->head);
	for (size_t i = 0; i < size; i++) {
		out->words[i] = SEQLOCK_LOAD(&line->words[i]);
	}
	return (out->count & 1) == 0 && SEQLOCK_LOAD(&line->count) == out->count;
}

/* Puts a value that a reader of the store found at `view`, the number of the transaction that it
 * saw last. false: the line is locked, or its record has been changed since. */
static inline bool seqlock_put(struct seqlock *line, size_t size, struct seqlock_value *value,
	const _Atomic uint64_t *floor, uint64_t view)
{
	uint32_t count = SEQLOCK_LOAD(&line->count);

	/* The last count is the drop's. */
	if ((count & 1) != 0 || count + 1 == SEQLOCK_DEAD || !SEQLOCK_TAKE(&line->count, &count)) {
		return false;
	}
	if (SEQLOCK_FLOOR(floor) > view) {
		SEQLOCK_STORE(&line->count, count);
		return false;
	}
	SEQLOCK_STORE(&line->head, value->head);
	for (size_t i = 0; i < size; i++) {
		SEQLOCK_STORE(&line->words[i], value->words[i]);
	}
	value->count = count + 2;
	SEQLOCK_STORE(&line->count, count + 2);
	return true;
}

/* From now on nothing is put by a reader of an older view. The writer of the store alone. */
static inline void seqlock_raise(_Atomic uint64_t *floor, uint64_t version)
{
	SEQLOCK_RAISE(floor, version);
}

/* Does the line hold what is to be dropped? */
typedef bool (*seqlock_match)(const struct seqlock_value *value, const void *context);

/* Clears the line if `match` says so, or whatever it holds (NULL); true: it did. It waits for a put
 * to end: a handful of stores. */
static inline bool seqlock_drop(
	struct seqlock *line, size_t size, seqlock_match match, const void *context)
{
	struct seqlock_value value;
	uint32_t count = SEQLOCK_LOAD(&line->count);

	for (unsigned spins = 0; (count & 1) != 0 || !SEQLOCK_TAKE(&line->count, &count); spins++) {
		if (count == SEQLOCK_DEAD) {
			return false;
		}
		SEQLOCK_WAIT(spins);
		count = SEQLOCK_LOAD(&line->count);
	}
	value.count = count;
	value.head = SEQLOCK_LOAD(&line->head);
	for (size_t i = 0; i < size; i++) {
		value.words[i] = SEQLOCK_LOAD(&line->words[i]);
	}
	if (match != NULL && !match(&value, context)) {
		SEQLOCK_STORE(&line->count, count);
		return false;
	}
	SEQLOCK_STORE(&line->head, 0);
	for (size_t i = 0; i < size; i++) {
		SEQLOCK_STORE(&line->words[i], 0);
	}
	if (count + 1 != SEQLOCK_DEAD) {
		SEQLOCK_STORE(&line->count, count + 2);
	}
	return true;
}
