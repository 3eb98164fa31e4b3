/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the functions of seqlock.h in every order of their steps: a writer of the store that changes
 * one record, readers that put what they found into its line, and a reader that finds it there.
 * Each access to memory that threads share is a step. Steps are taken in one total order; the
 * weaker orders of real machines are the business of the thread sanitizer (usage_race).
 *
 * A thread is stepped by running it from its beginning with the results of its earlier accesses, up
 * to the next new one. So a state is its memory and those results, it can be copied, and a state
 * that was seen before need not be explored again.
 *
 * Then single steps are left out or exchanged, and the search must find what that breaks: a model
 * that cannot fail shows nothing. Exit status 0: all is as it should be.
 *
 * An argument, 5, is the only last count that is tried.
 */
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t access_load(const void *from, size_t size);
static void access_store(void *to, size_t size, uint64_t value);
static bool access_take(void *count, uint32_t *expected);
static uint64_t access_floor(const void *from);
static void access_wait(void);

#define SEQLOCK_LOAD(from)            ((__typeof__((void)0, *(from)))access_load(from, sizeof *(from)))
#define SEQLOCK_STORE(to, value)      access_store(to, sizeof *(to), value)
#define SEQLOCK_FLOOR(from)           access_floor(from)
#define SEQLOCK_RAISE(to, value)      access_store(to, sizeof *(to), value)
#define SEQLOCK_TAKE(count, expected) access_take(count, expected)
#define SEQLOCK_WAIT(spins)           ((void)(spins), access_wait())
#define SEQLOCK_DEAD                  last_count

static uint32_t last_count;

#include "daemon/keys/seqlock.h"

enum { WORDS = 2, ACCESSES = 48, THREADS = 4, TABLE_BITS = 24 };

/* What is left out or exchanged. */
enum defect {
	SOUND = 0,
	PUT_IGNORES_FLOOR,
	CLEAR_BEFORE_RAISE,
	COMMIT_BEFORE_DROP,
	READ_COUNTS_ONCE,
	DEFECTS,
};

static const char *const defect_names[DEFECTS] = { "sound", "a put that ignores the floor",
	"a line cleared before its floor is raised", "a commit before the drop",
	"a reader that looks at the count once" };

struct memory {
	_Atomic uint32_t count;
	_Atomic uint32_t head;
	_Atomic uint64_t words[WORDS];
	_Atomic uint64_t floor;
	_Atomic uint64_t committed; /* the last transaction that everybody sees */
};

struct thread {
	unsigned count;
	bool ended;
	uint64_t results[ACCESSES];
};

struct world {
	struct memory memory;
	struct thread threads[THREADS];
};

static enum defect defect;
static struct world *world;
static struct thread *running;
static unsigned position;  /* in the running thread's results */
static unsigned operation; /* where the present operation began there */
static bool stepped;
static jmp_buf out;
static const char *violation;
static bool first_count; /* of the present read: the next load of the count is the first */
static uint64_t count_seen;

/* --- accesses --------------------------------------------------------------------------------- */

/* true: the access is to be made now; false: its result is known. */
static bool is_new(void)
{
	if (position < running->count) {
		return false;
	}
	if (stepped) {
		longjmp(out, 1);
	}
	stepped = true;
	if (running->count == ACCESSES) {
		abort();
	}
	running->count++;
	return true;
}

static uint64_t *result(void)
{
	return &running->results[position++];
}

static uint64_t access_load(const void *from, size_t size)
{
	bool is_count = from == &world->memory.count;
	uint64_t *value;

	if (defect == READ_COUNTS_ONCE && is_count && !first_count) {
		return count_seen;
	}
	if (is_new()) {
		uint32_t half;

		running->results[position] = 0;
		memcpy(&half, from, sizeof half);
		running->results[position] = half;
		if (size == sizeof(uint64_t)) {
			memcpy(&running->results[position], from, size);
		}
	}
	value = result();
	if (is_count) {
		first_count = false;
		count_seen = *value;
	}
	return *value;
}

static uint64_t access_floor(const void *from)
{
	uint64_t floor = access_load(from, sizeof floor);

	return defect == PUT_IGNORES_FLOOR ? 0 : floor;
}

static void access_store(void *to, size_t size, uint64_t value)
{
	if (is_new()) {
		running->results[position] = 0;
		memcpy(to, &value, size);
	}
	position++;
}

static bool access_take(void *count, uint32_t *expected)
{
	uint64_t *seen;

	if (is_new()) {
		uint32_t now;

		memcpy(&now, count, sizeof now);
		running->results[position] = now;
		if (now == *expected) {
			now++;
			memcpy(count, &now, sizeof now);
		}
	}
	seen = result();
	if (*seen == *expected) {
		return true;
	}
	*expected = (uint32_t)*seen;
	return false;
}

/* A thread that waits has changed nothing since its operation began: it begins that again, and is
 * the state that it was. */
static void access_wait(void)
{
	running->count = operation;
	longjmp(out, 1);
}

/* Each operation has its own first load of the count. */
static void begin(void)
{
	operation = position;
	first_count = true;
}

/* --- threads ---------------------------------------------------------------------------------- */

static struct seqlock *line(void)
{
	return (struct seqlock *)&world->memory;
}

static void commit(uint64_t version)
{
	SEQLOCK_STORE(&world->memory.committed, version);
}

static uint64_t look(void)
{
	begin();
	return SEQLOCK_LOAD(&world->memory.committed);
}

static void drop(uint64_t version)
{
	if (defect != CLEAR_BEFORE_RAISE) {
		seqlock_raise(&world->memory.floor, version);
	}
	begin();
	seqlock_drop(line(), WORDS, NULL, NULL);
	if (defect == CLEAR_BEFORE_RAISE) {
		seqlock_raise(&world->memory.floor, version);
	}
}

/* Two changes of the record, by transactions 1 and 2. */
static void change_record(void)
{
	for (uint64_t version = 1; version <= 2; version++) {
		if (defect == COMMIT_BEFORE_DROP) {
			commit(version);
			drop(version);
		} else {
			drop(version);
			commit(version);
		}
	}
}

/* What the record holds after transaction `version`; never 0, which is an empty line. */
static uint64_t content(uint64_t version)
{
	return version + 1;
}

static void put_record(void)
{
	uint64_t view = look();
	uint64_t found = content(view);
	struct seqlock_value value = { .head = (uint32_t)found, .words = { found, found } };

	begin();
	seqlock_put(line(), WORDS, &value, &world->memory.floor, view);
}

static void find_record(void)
{
	struct seqlock_value value, before = { .count = 1 };

	for (unsigned i = 0; i < 2; i++) {
		uint64_t view = look();

		begin();
		if (!seqlock_read(line(), WORDS, &value)) {
			continue;
		}
		if (value.words[0] != value.words[1] || value.words[0] != value.head) {
			violation = "a mixture of two values was found";
		} else if (value.words[0] != 0 && value.words[0] < content(view)) {
			violation = "a value from before a commit was found after it";
		} else if (before.count == value.count && before.head != value.head) {
			violation = "two values had the same count";
		}
		before = value;
	}
}

static void (*const bodies[THREADS])(void) = { change_record, put_record, put_record, find_record };

/* --- the search ------------------------------------------------------------------------------- */

static uint64_t seen[1 << TABLE_BITS]; /* hashes of states; 0: free */
static unsigned long states;

static void mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	*hash ^= *hash >> 29;
}

static uint64_t hash_of(const struct world *state)
{
	uint64_t memory[sizeof state->memory / sizeof(uint64_t)], hash = 1;

	memcpy(memory, &state->memory, sizeof memory);
	for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++) {
		mix(&hash, memory[i]);
	}
	for (size_t i = 0; i < THREADS; i++) {
		const struct thread *thread = &state->threads[i];

		/* What an ended thread has seen changes nothing any more. */
		mix(&hash, thread->ended ? UINT64_MAX : thread->count);
		for (unsigned k = 0; k < thread->count && !thread->ended; k++) {
			mix(&hash, thread->results[k]);
		}
	}
	return hash != 0 ? hash : 1;
}

/* true: it was not seen before. */
static bool is_unseen(const struct world *state)
{
	uint64_t hash = hash_of(state);
	size_t at = hash >> (64 - TABLE_BITS);

	while (seen[at] != 0) {
		if (seen[at] == hash) {
			return false;
		}
		at = (at + 1) % (1 << TABLE_BITS);
	}
	seen[at] = hash;
	if (++states > (1 << TABLE_BITS) / 4 * 3) {
		fprintf(stderr, "more states than the table holds\n");
		exit(2);
	}
	return true;
}

static void step(struct world *state, unsigned number)
{
	world = state;
	running = &state->threads[number];
	position = 0;
	operation = 0;
	stepped = false;
	if (setjmp(out) == 0) {
		bodies[number]();
		running->ended = true;
	}
}

static void explore(const struct world *state)
{
	for (unsigned i = 0; i < THREADS && violation == NULL; i++) {
		struct world next = *state;

		if (state->threads[i].ended) {
			continue;
		}
		step(&next, i);
		if (violation == NULL && is_unseen(&next)) {
			explore(&next);
		}
	}
}

/* What a search finds wrong, or NULL. */
static const char *search(void)
{
	struct world state = { .memory = { .count = 0 } };

	memset(seen, 0, sizeof seen);
	violation = NULL;
	states = 0;
	explore(&state);
	return violation;
}

int main(int argc, char **argv)
{
	static const uint32_t last_counts[] = { UINT32_MAX, 5 }; /* 5: used up within the run */
	int failed = 0;

	_Static_assert(offsetof(struct memory, words) == offsetof(struct seqlock, words), "a line");
	for (defect = SOUND; defect < DEFECTS; defect++) {
		for (size_t i = 0; i < sizeof last_counts / sizeof last_counts[0]; i++) {
			const char *wrong;
			bool well;

			last_count = last_counts[i];
			if (argc > 1 && strtoul(argv[1], NULL, 10) != last_count) {
				continue;
			}
			wrong = search();
			well = (wrong == NULL) == (defect == SOUND);
			failed |= !well;
			printf("%s %s, counts up to %u: %s (%lu states)\n", well ? "ok" : "not ok",
				defect_names[defect], (unsigned)last_count,
				wrong != NULL ? wrong : "nothing wrong", states);
		}
	}
	return failed;
}
