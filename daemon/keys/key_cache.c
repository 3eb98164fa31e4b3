/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/key_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/keys/key_index.h"
#include "daemon/keys/key_table.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/keys/seqlock.h"

enum { FLOORS = 1024 };

/* The line: until when the key counts (the head; 0: for ever), then these words. */
enum { WORD_KNOWN, WORD_MARK, LINE_WORDS = WORD_MARK + 2 };

/* The first of them, from below: the principal's line, the environment's number, the pepper; then
 * the count of the principal's line. Where the environment is NOT_KNOWN the lowest bits are the
 * number of the secret, and nothing else is known. */
enum { ENVIRONMENT_SHIFT = 18, ENVIRONMENT_BITS = 6, PEPPER_SHIFT = 24, COUNT_SHIFT = 32 };
enum { NOT_KNOWN = 0 };

_Static_assert(PRINCIPAL_CACHE_LINES == 1 << ENVIRONMENT_SHIFT, "their numbers fit");
_Static_assert(KEY_CACHE_ENVIRONMENTS < 1 << ENVIRONMENT_BITS, "their numbers, from 1, fit");

struct line {
	alignas(32) uint8_t bytes[32]; /* a struct seqlock of LINE_WORDS */
};

_Static_assert(sizeof(struct line) == sizeof(struct seqlock) + LINE_WORDS * sizeof(uint64_t),
	"half a cache line");
_Static_assert(sizeof(struct line) <= KEY_TABLE_LINE, "it fits the table");

struct key_cache {
	struct key_index *index;
	struct key_table lines;
	_Atomic uint64_t floors[FLOORS]; /* by the number: seqlock.h */
	pthread_mutex_t mutex;           /* guards additions to what follows */
	_Atomic uint32_t environment_count;
	struct pol_str environments[KEY_CACHE_ENVIRONMENTS]; /* allocated; none is ever taken out */
};

int key_cache_create(struct key_cache **out)
{
	struct key_cache *cache = calloc(1, sizeof *cache);
	int r;

	if (cache == NULL) {
		return -ENOMEM;
	}
	r = key_index_create(&cache->index);
	if (r < 0) {
		free(cache);
		return r;
	}
	pthread_mutex_init(&cache->mutex, NULL);
	*out = cache;
	return 0;
}

void key_cache_destroy(struct key_cache *cache)
{
	if (cache == NULL) {
		return;
	}
	key_table_finish(&cache->lines);
	for (uint32_t i = 0; i < cache->environment_count; i++) {
		free((void *)(uintptr_t)cache->environments[i].ptr);
	}
	key_index_destroy(cache->index);
	pthread_mutex_destroy(&cache->mutex);
	free(cache);
}

/* --- lines ------------------------------------------------------------------------------------ */

static struct seqlock *find_line(const struct key_cache *cache, uint64_t number)
{
	return key_table_find(&cache->lines, sizeof(struct line), number);
}

static bool has_mark(const struct seqlock_value *value, const uint64_t mark[static 2])
{
	return ((value->words[WORD_MARK] ^ mark[0]) | (value->words[WORD_MARK + 1] ^ mark[1])) == 0;
}

/* A drop that does not see a new segment yet has raised the floor before that, so a put in it sees
 * the floor. */
static void put(
	struct key_cache *cache, uint64_t number, struct seqlock_value *value, uint64_t view)
{
	struct seqlock *line =
		view != 0 ? key_table_make(&cache->lines, sizeof(struct line), number) : NULL;

	if (line != NULL) {
		seqlock_put(line, LINE_WORDS, value, &cache->floors[number % FLOORS], view);
	}
}

static uint32_t environment_of(const struct seqlock_value *value)
{
	return (uint32_t)value->words[WORD_KNOWN] >> ENVIRONMENT_SHIFT &
	       ((1 << ENVIRONMENT_BITS) - 1);
}

/* --- environments ----------------------------------------------------------------------------- */

static uint32_t find_environment(const struct key_cache *cache, struct pol_str name)
{
	uint32_t count = atomic_load_explicit(&cache->environment_count, memory_order_acquire);

	for (uint32_t i = 0; i < count; i++) {
		if (pol_str_equal(cache->environments[i], name)) {
			return i + 1;
		}
	}
	return NOT_KNOWN;
}

/* Its number, or NOT_KNOWN: there is no room for it. */
static uint32_t number_environment(struct key_cache *cache, struct pol_str name)
{
	uint32_t found = find_environment(cache, name), count;
	char *copy;

	if (found != NOT_KNOWN || name.len == 0) {
		return found;
	}
	pthread_mutex_lock(&cache->mutex);
	found = find_environment(cache, name);
	count = atomic_load_explicit(&cache->environment_count, memory_order_relaxed);
	copy = found == NOT_KNOWN && count < KEY_CACHE_ENVIRONMENTS ? malloc(name.len) : NULL;
	if (copy != NULL) {
		memcpy(copy, name.ptr, name.len);
		cache->environments[count] = (struct pol_str){ copy, name.len };
		atomic_store_explicit(&cache->environment_count, count + 1, memory_order_release);
		found = count + 1;
	}
	pthread_mutex_unlock(&cache->mutex);
	return found;
}

/* --- tokens ----------------------------------------------------------------------------------- */

bool key_cache_find(struct key_cache *cache, struct pol_str kid, const uint64_t mark[static 2],
	struct key_known *out)
{
	struct key_index_search search;
	struct seqlock_value value;
	uint32_t number, known;

	key_index_begin(cache->index, kid, &search);
	while (key_index_next(&search, &number)) {
		const struct seqlock *line = find_line(cache, number);

		if (line == NULL || !seqlock_read(line, LINE_WORDS, &value) ||
			!has_mark(&value, mark)) {
			continue;
		}
		known = (uint32_t)value.words[WORD_KNOWN];
		if (environment_of(&value) == NOT_KNOWN) {
			return false;
		}
		*out = (struct key_known){
			.number = number,
			.expires_at = value.head,
			.environment = cache->environments[environment_of(&value) - 1],
			.pepper = (uint8_t)(known >> PEPPER_SHIFT),
			.principal = { known & (PRINCIPAL_CACHE_LINES - 1),
				(uint32_t)(value.words[WORD_KNOWN] >> COUNT_SHIFT) },
		};
		return true;
	}
	return false;
}

unsigned key_cache_recognise(
	struct key_cache *cache, uint64_t number, const uint64_t mark[static 2])
{
	const struct seqlock *line = find_line(cache, number);
	struct seqlock_value value;

	if (line == NULL || !seqlock_read(line, LINE_WORDS, &value) || !has_mark(&value, mark)) {
		return 0;
	}
	return environment_of(&value) == NOT_KNOWN ? (unsigned)value.words[WORD_KNOWN]
						   : KEY_SECRET_CURRENT;
}

void key_cache_put_mark(struct key_cache *cache, uint64_t number, const uint64_t mark[static 2],
	unsigned which, uint64_t view)
{
	struct seqlock_value value = {
		.words = { which, mark[0], mark[1] },
	};

	put(cache, number, &value, view);
}

void key_cache_put(struct key_cache *cache, struct pol_str kid, const uint64_t mark[static 2],
	const struct key_known *known, uint64_t view)
{
	uint32_t environment = number_environment(cache, known->environment);
	struct seqlock_value value = {
		.head = (uint32_t)known->expires_at,
		.words = { known->principal.line | (uint64_t)environment << ENVIRONMENT_SHIFT |
				   (uint64_t)known->pepper << PEPPER_SHIFT |
				   (uint64_t)known->principal.count << COUNT_SHIFT,
			mark[0], mark[1] },
	};

	if (environment == NOT_KNOWN || known->expires_at < 0 || known->expires_at > UINT32_MAX ||
		(known->principal.count & 1) != 0 || view == 0) {
		return;
	}
	put(cache, known->number, &value, view);
	key_index_add(cache->index, kid, (uint32_t)known->number);
}

void key_cache_prefetch(const struct key_cache *cache, struct pol_str kid)
{
	key_index_prefetch(cache->index, kid);
}

/* --- dropping --------------------------------------------------------------------------------- */

void key_cache_drop(struct key_cache *cache, uint64_t version, uint64_t number)
{
	struct seqlock *line;

	seqlock_raise(&cache->floors[number % FLOORS], version);
	line = find_line(cache, number);
	if (line != NULL) {
		seqlock_drop(line, LINE_WORDS, NULL, NULL);
	}
}

void key_cache_drop_all(struct key_cache *cache, uint64_t version)
{
	for (size_t i = 0; i < FLOORS; i++) {
		seqlock_raise(&cache->floors[i], version);
	}
	for (uint64_t i = 0; i < KEY_TABLE_NUMBERS; i++) {
		struct seqlock *line = find_line(cache, i);

		if (line != NULL) {
			seqlock_drop(line, LINE_WORDS, NULL, NULL);
		} else {
			i += key_table_lines(sizeof(struct line)) - 1; /* the whole segment */
		}
	}
}
