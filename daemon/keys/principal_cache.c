/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/principal_cache.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/memory.h"
#include "daemon/store/env.h"

enum { FIRST_LINES = 512, WAYS = 2, COUNT_SHIFT = 8, ROLE_SHIFT = 16 };

struct slot {
	_Atomic uint32_t lock;
	_Atomic uint32_t head;  /* flags, how many roles, the first of them */
	_Atomic uint64_t roles; /* the other four */
	_Atomic uint64_t mark[2];
};

struct line {
	alignas(64) struct slot slots[WAYS];
};

_Static_assert(sizeof(struct line) == 64, "one cache line");
_Static_assert(PRINCIPAL_CACHE_ROLES == 1 + sizeof(uint64_t) / sizeof(uint16_t), "one in the head");
#define TABLE_BYTES (PRINCIPAL_CACHE_LINES * sizeof(struct line))

struct principal_cache {
	_Atomic uint32_t mask;   /* of the lines in use; grows */
	_Atomic uint32_t filled; /* slots below it that were ever written */
	struct line *lines; /* PRINCIPAL_CACHE_LINES; a page costs nothing until it is touched */
};

static uint64_t get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static void set(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

int principal_cache_create(struct principal_cache **out)
{
	struct principal_cache *standings = calloc(1, sizeof *standings);

	if (standings == NULL) {
		return -ENOMEM;
	}
	standings->lines = memory_reserve(TABLE_BYTES);
	if (standings->lines == NULL) {
		free(standings);
		return -ENOMEM;
	}
	atomic_init(&standings->mask, FIRST_LINES - 1);
	*out = standings;
	return 0;
}

void principal_cache_destroy(struct principal_cache *standings)
{
	if (standings == NULL) {
		return;
	}
	memory_release(standings->lines, TABLE_BYTES);
	free(standings);
}

bool principal_cache_key_make(const struct secrets *secrets, uint32_t tenant, struct pol_str id,
	struct principal_cache_key *out)
{
	struct hashed {
		uint64_t generation, serial;
		uint32_t tenant;
		char id[STORE_MAX_NAME];
	} hashed;
	uint8_t tag[SECRET_TAG];

	if (id.len > STORE_MAX_NAME) {
		return false;
	}
	hashed.generation = out->generation;
	hashed.serial = out->serial;
	hashed.tenant = tenant;
	memcpy(hashed.id, id.ptr, id.len);
	secret_tag(secrets, SECRET_VERIFIED, &hashed, offsetof(struct hashed, id) + id.len, tag);
	memcpy(out->mark, tag, sizeof out->mark);
	return true;
}

static struct line *line_of(
	struct principal_cache *standings, const struct principal_cache_key *key)
{
	uint32_t mask = atomic_load_explicit(&standings->mask, memory_order_relaxed);

	return &standings->lines[key->mark[0] & mask];
}

static bool is_of(const struct slot *slot, const struct principal_cache_key *key)
{
	return ((get(&slot->mark[0]) ^ key->mark[0]) | (get(&slot->mark[1]) ^ key->mark[1])) == 0;
}

static uint32_t unpack(uint16_t role)
{
	return role > PRINCIPAL_CACHE_MAX_ROLE ? UINT32_MAX : role;
}

static bool find_in(
	const struct slot *slot, const struct principal_cache_key *key, struct principal_state *out)
{
	uint32_t before = atomic_load_explicit(&slot->lock, memory_order_acquire);
	uint32_t head;
	uint64_t roles;

	if ((before & 1) != 0 || !is_of(slot, key)) {
		return false;
	}
	head = atomic_load_explicit(&slot->head, memory_order_acquire);
	roles = get(&slot->roles);
	out->flags = (uint8_t)head;
	out->role_count = (uint8_t)(head >> COUNT_SHIFT);
	out->roles[0] = unpack((uint16_t)(head >> ROLE_SHIFT));
	for (size_t i = 1; i < PRINCIPAL_CACHE_ROLES; i++) {
		out->roles[i] = unpack((uint16_t)roles);
		roles >>= ROLE_SHIFT;
	}
	return atomic_load_explicit(&slot->lock, memory_order_relaxed) == before;
}

bool principal_cache_find(struct principal_cache *standings, const struct principal_cache_key *key,
	struct principal_state *out)
{
	const struct line *line = line_of(standings, key);

	return key->generation != 0 &&
	       (find_in(&line->slots[0], key, out) || find_in(&line->slots[1], key, out));
}

/* Half full: more lines are taken into use, and who has moved thereby is looked up once more. */
static void grow(struct principal_cache *standings)
{
	uint32_t filled =
		atomic_fetch_add_explicit(&standings->filled, 1, memory_order_relaxed) + 1;
	uint32_t mask = atomic_load_explicit(&standings->mask, memory_order_relaxed);

	if (filled > mask && mask < PRINCIPAL_CACHE_LINES - 1) {
		size_t bytes = 2 * (mask + (size_t)1) * sizeof(struct line);

		if (bytes >= MEMORY_HUGE) {
			memory_make_huge(standings->lines, bytes);
		}
		atomic_compare_exchange_strong_explicit(&standings->mask, &mask, 2 * mask + 1,
			memory_order_relaxed, memory_order_relaxed);
	}
}

/* false: it does not fit. */
static bool pack(const struct principal_state *standing, uint32_t *out_head, uint64_t *out_roles)
{
	uint16_t roles[PRINCIPAL_CACHE_ROLES] = { 0 };

	if (standing->role_count > PRINCIPAL_CACHE_ROLES || standing->flags > UINT8_MAX) {
		return false;
	}
	for (uint32_t i = 0; i < standing->role_count; i++) {
		if (standing->roles[i] > PRINCIPAL_CACHE_MAX_ROLE &&
			standing->roles[i] != UINT32_MAX) {
			return false;
		}
		roles[i] = (uint16_t)standing->roles[i];
	}
	*out_head = standing->flags | standing->role_count << COUNT_SHIFT |
		    (uint32_t)roles[0] << ROLE_SHIFT;
	*out_roles = 0;
	for (size_t i = PRINCIPAL_CACHE_ROLES - 1; i > 0; i--) {
		*out_roles = *out_roles << ROLE_SHIFT | roles[i];
	}
	return true;
}

/* Where it is already, else where nobody was, else by turns. */
static struct slot *choose(struct line *line, const struct principal_cache_key *key)
{
	uint32_t first = atomic_load_explicit(&line->slots[0].lock, memory_order_relaxed);
	uint32_t second = atomic_load_explicit(&line->slots[1].lock, memory_order_relaxed);

	if (first == 0 || is_of(&line->slots[0], key)) {
		return &line->slots[0];
	}
	if (second == 0 || is_of(&line->slots[1], key)) {
		return &line->slots[1];
	}
	return &line->slots[(first ^ second) >> 1 & 1];
}

void principal_cache_put(struct principal_cache *standings, const struct principal_cache_key *key,
	const struct principal_state *standing)
{
	struct slot *slot = choose(line_of(standings, key), key);
	uint32_t old = atomic_load_explicit(&slot->lock, memory_order_relaxed);
	uint32_t head;
	uint64_t roles;

	if (key->generation == 0 || !pack(standing, &head, &roles) || (old & 1) != 0 ||
		!atomic_compare_exchange_strong_explicit(
			&slot->lock, &old, old + 1, memory_order_acquire, memory_order_relaxed)) {
		return;
	}
	atomic_store_explicit(&slot->head, head, memory_order_release);
	set(&slot->roles, roles);
	set(&slot->mark[0], key->mark[0]);
	set(&slot->mark[1], key->mark[1]);
	atomic_store_explicit(&slot->lock, old + 2, memory_order_release);
	if (old == 0) {
		grow(standings);
	}
}
