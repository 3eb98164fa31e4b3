/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/principal_cache.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/memory.h"
#include "daemon/keys/seqlock.h"

/* A principal may be in any of the lines of its two sets, so that nearly all lines are used before
 * two sets are full (Azar et al., Balanced Allocations). */
enum {
	CHOICES = 2,
	WAYS = 4,
	PLACES = CHOICES * WAYS,
	FIRST_SETS = 128,
	FLOOR_BITS = 10,
	COUNT_SHIFT = 8,
	ROLE_SHIFT = 16
};

/* Words of a line: the roles but the first, which is in the head; then those of the key. */
enum { WORD_ROLES, WORD_SERIAL, WORD_ID, LINE_WORDS = 7, ID_WORDS = LINE_WORDS - WORD_ID };

struct line {
	alignas(64) uint8_t bytes[64]; /* a struct seqlock of LINE_WORDS */
};

_Static_assert(sizeof(struct line) == sizeof(struct seqlock) + LINE_WORDS * sizeof(uint64_t),
	"one cache line");
_Static_assert(PRINCIPAL_CACHE_ROLES == 1 + sizeof(uint64_t) / sizeof(uint16_t), "one in the head");
_Static_assert(PRINCIPAL_CACHE_ID + 1 == ID_WORDS * sizeof(uint64_t), "its length first");
#define TABLE_BYTES (PRINCIPAL_CACHE_LINES * sizeof(struct line))

struct principal_cache {
	_Atomic uint32_t mask;  /* of the sets in use; grows */
	_Atomic int32_t filled; /* lines in use, about */
	struct line *lines; /* PRINCIPAL_CACHE_LINES; a page costs nothing until it is touched */
	_Atomic uint64_t floors[1 << FLOOR_BITS]; /* by the hash: seqlock.h */
};

int principal_cache_create(struct principal_cache **out)
{
	struct principal_cache *cache = calloc(1, sizeof *cache);

	if (cache == NULL) {
		return -ENOMEM;
	}
	cache->lines = memory_reserve(TABLE_BYTES);
	if (cache->lines == NULL) {
		free(cache);
		return -ENOMEM;
	}
	atomic_init(&cache->mask, FIRST_SETS - 1);
	*out = cache;
	return 0;
}

void principal_cache_destroy(struct principal_cache *cache)
{
	if (cache == NULL) {
		return;
	}
	memory_release(cache->lines, TABLE_BYTES);
	free(cache);
}

/* --- whose ------------------------------------------------------------------------------------ */

/* Any mix spreads them. (The constant is that of Steele's SplitMix64.) */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

bool principal_cache_key_make(
	uint64_t serial, uint32_t tenant, struct pol_str id, struct principal_cache_key *out)
{
	uint8_t bytes[PRINCIPAL_CACHE_ID + 1] = { (uint8_t)id.len };

	if (id.len > PRINCIPAL_CACHE_ID || serial > UINT32_MAX) {
		return false;
	}
	memcpy(bytes + 1, id.ptr, id.len);
	out->words[0] = serial << 32 | tenant;
	memcpy(&out->words[1], bytes, sizeof bytes);
	out->hash = tenant;
	for (size_t i = 1; i <= ID_WORDS; i++) {
		out->hash = mix(out->hash, out->words[i]);
	}
	return true;
}

static _Atomic uint64_t *floor_of(
	struct principal_cache *cache, const struct principal_cache_key *key)
{
	return &cache->floors[key->hash >> (64 - FLOOR_BITS)];
}

static struct seqlock *line_at(struct principal_cache *cache, uint32_t number)
{
	return (struct seqlock *)&cache->lines[number];
}

/* The number of one of the lines that it may be in, of PLACES. */
static uint32_t place_of(const struct principal_cache_key *key, uint32_t mask, uint32_t place)
{
	uint32_t half = (uint32_t)(place < WAYS ? key->hash : key->hash >> 32);

	return (half & mask) * WAYS + place % WAYS;
}

static bool is_same_id(const struct seqlock_value *value, const void *context)
{
	const struct principal_cache_key *key = context;

	return (uint32_t)value->words[WORD_SERIAL] == (uint32_t)key->words[0] &&
	       memcmp(&value->words[WORD_ID], &key->words[1], ID_WORDS * sizeof(uint64_t)) == 0;
}

/* --- entries ---------------------------------------------------------------------------------- */

static uint32_t unpack_role(uint16_t role)
{
	return role > PRINCIPAL_CACHE_MAX_ROLE ? UINT32_MAX : role;
}

static void unpack(const struct seqlock_value *value, struct principal_state *out)
{
	uint64_t roles = value->words[WORD_ROLES];

	out->flags = (uint8_t)value->head;
	out->role_count = (uint8_t)(value->head >> COUNT_SHIFT);
	out->roles[0] = unpack_role((uint16_t)(value->head >> ROLE_SHIFT));
	for (size_t i = 1; i < PRINCIPAL_CACHE_ROLES; i++) {
		out->roles[i] = unpack_role((uint16_t)roles);
		roles >>= ROLE_SHIFT;
	}
}

/* false: it does not fit. */
static bool pack(const struct principal_state *state, struct seqlock_value *out)
{
	uint16_t roles[PRINCIPAL_CACHE_ROLES] = { 0 };

	if (state->role_count > PRINCIPAL_CACHE_ROLES || state->flags > UINT8_MAX) {
		return false;
	}
	for (uint32_t i = 0; i < state->role_count; i++) {
		if (state->roles[i] > PRINCIPAL_CACHE_MAX_ROLE && state->roles[i] != UINT32_MAX) {
			return false;
		}
		roles[i] = (uint16_t)state->roles[i];
	}
	out->head =
		state->flags | state->role_count << COUNT_SHIFT | (uint32_t)roles[0] << ROLE_SHIFT;
	out->words[WORD_ROLES] = 0;
	for (size_t i = PRINCIPAL_CACHE_ROLES - 1; i > 0; i--) {
		out->words[WORD_ROLES] = out->words[WORD_ROLES] << ROLE_SHIFT | roles[i];
	}
	return true;
}

bool principal_cache_find(struct principal_cache *cache, const struct principal_cache_key *key,
	struct principal_state *out, struct principal_ref *out_ref)
{
	uint32_t mask = atomic_load_explicit(&cache->mask, memory_order_relaxed);

	for (uint32_t place = 0; place < PLACES; place++) {
		uint32_t number = place_of(key, mask, place);
		const struct seqlock *line = line_at(cache, number);
		struct seqlock_value value;

		/* Most of the others differ in the id's first bytes. */
		if (SEQLOCK_LOAD(&line->words[WORD_ID]) != key->words[1] ||
			!seqlock_read(line, LINE_WORDS, &value) ||
			value.words[WORD_SERIAL] != key->words[0] || !is_same_id(&value, key)) {
			continue;
		}
		unpack(&value, out);
		*out_ref = (struct principal_ref){ number, value.count };
		return true;
	}
	return false;
}

bool principal_cache_recall(struct principal_cache *cache, struct principal_ref ref,
	uint64_t serial, struct principal_state *out, struct principal_name *out_name)
{
	struct seqlock_value value;
	uint8_t len;

	if (!seqlock_read(line_at(cache, ref.line), LINE_WORDS, &value) ||
		value.count != ref.count || value.words[WORD_SERIAL] >> 32 != serial) {
		return false;
	}
	unpack(&value, out);
	memcpy(&len, &value.words[WORD_ID], sizeof len);
	out_name->tenant = (uint32_t)value.words[WORD_SERIAL];
	out_name->len = len;
	memcpy(out_name->id, (const uint8_t *)&value.words[WORD_ID] + 1, PRINCIPAL_CACHE_ID);
	return true;
}

static bool is_used(const struct seqlock_value *value, const void *context)
{
	(void)context;
	return value->words[WORD_SERIAL] != 0;
}

static void clear(struct principal_cache *cache, uint32_t lines)
{
	for (uint32_t i = 0; i < lines; i++) {
		seqlock_drop(line_at(cache, i), LINE_WORDS, is_used, NULL);
	}
	atomic_store_explicit(&cache->filled, 0, memory_order_relaxed);
}

/* Nearly full: the table is emptied and has more lines, because most entries would have moved. */
static void grow(struct principal_cache *cache)
{
	int32_t filled = atomic_fetch_add_explicit(&cache->filled, 1, memory_order_relaxed) + 1;
	uint32_t mask = atomic_load_explicit(&cache->mask, memory_order_relaxed);
	uint32_t lines = (mask + 1) * WAYS;

	if (filled > (int32_t)(lines / 8 * 7) && lines < PRINCIPAL_CACHE_LINES &&
		atomic_compare_exchange_strong_explicit(&cache->mask, &mask, 2 * mask + 1,
			memory_order_seq_cst, memory_order_relaxed)) {
		size_t bytes = 2 * lines * sizeof(struct line);

		if (bytes >= MEMORY_HUGE) {
			memory_make_huge(cache->lines, bytes);
		}
		clear(cache, lines);
	}
}

/* Where it is already, else in the emptier of its sets, else by turns. */
static uint32_t choose(struct principal_cache *cache, const struct principal_cache_key *key)
{
	uint32_t mask = atomic_load_explicit(&cache->mask, memory_order_seq_cst);
	uint32_t free_places[CHOICES] = { 0 }, free_counts[CHOICES] = { 0 }, counts = 0;

	for (uint32_t place = 0; place < PLACES; place++) {
		uint32_t number = place_of(key, mask, place);
		const struct seqlock *line = line_at(cache, number);
		struct seqlock_value value;

		if (SEQLOCK_LOAD(&line->words[WORD_ID]) == key->words[1] &&
			seqlock_read(line, LINE_WORDS, &value) && is_same_id(&value, key)) {
			return number;
		}
		/* No tenant is 0. */
		if (SEQLOCK_LOAD(&line->words[WORD_SERIAL]) == 0) {
			free_places[place / WAYS] = number;
			free_counts[place / WAYS]++;
		}
		counts += SEQLOCK_LOAD(&line->count) / 2;
	}
	if (free_counts[0] + free_counts[1] == 0) {
		return place_of(key, mask, counts % PLACES);
	}
	return free_places[free_counts[1] > free_counts[0]];
}

struct principal_ref principal_cache_put(struct principal_cache *cache,
	const struct principal_cache_key *key, const struct principal_state *state, uint64_t view)
{
	struct seqlock_value value;
	struct seqlock *line;
	uint32_t number;
	bool was_empty;

	if (view == 0 || !pack(state, &value)) {
		return PRINCIPAL_REF_NONE;
	}
	memcpy(&value.words[WORD_SERIAL], key->words, sizeof key->words);
	number = choose(cache, key);
	line = line_at(cache, number);
	was_empty = SEQLOCK_LOAD(&line->words[WORD_SERIAL]) == 0;
	if (!seqlock_put(line, LINE_WORDS, &value, floor_of(cache, key), view)) {
		return PRINCIPAL_REF_NONE;
	}
	if (was_empty) {
		grow(cache);
	}
	return (struct principal_ref){ number, value.count };
}

/* --- dropping --------------------------------------------------------------------------------- */

/* A reader that does not see yet that the table grew may have put the entry at its earlier place,
 * so the places of every size are cleared. A mask that is not seen here yet was stored after the
 * floor was raised, so a put that uses it sees the floor. */
void principal_cache_drop(
	struct principal_cache *cache, uint64_t version, uint32_t tenant, struct pol_str id)
{
	struct principal_cache_key key;
	uint32_t last;

	if (!principal_cache_key_make(0, tenant, id, &key)) {
		return;
	}
	seqlock_raise(floor_of(cache, &key), version);
	last = atomic_load_explicit(&cache->mask, memory_order_seq_cst);
	for (uint32_t mask = FIRST_SETS - 1; mask <= last; mask = 2 * mask + 1) {
		for (uint32_t place = 0; place < PLACES; place++) {
			struct seqlock *line = line_at(cache, place_of(&key, mask, place));

			if (seqlock_drop(line, LINE_WORDS, is_same_id, &key)) {
				atomic_fetch_sub_explicit(&cache->filled, 1, memory_order_relaxed);
			}
		}
	}
}

void principal_cache_drop_all(struct principal_cache *cache, uint64_t version)
{
	for (size_t i = 0; i < sizeof cache->floors / sizeof cache->floors[0]; i++) {
		seqlock_raise(&cache->floors[i], version);
	}
	clear(cache, (atomic_load_explicit(&cache->mask, memory_order_seq_cst) + 1) * WAYS);
}
