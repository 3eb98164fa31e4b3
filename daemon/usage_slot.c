/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/usage_slot.h"

#include <sched.h>
#include <string.h>

_Static_assert(sizeof(struct usage_slot) == 64, "one cache line");

static uint64_t get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static void set(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

static uint32_t state_of(struct usage_slot *slot)
{
	return atomic_load_explicit(&slot->state, memory_order_acquire);
}

static void set_state(struct usage_slot *slot, uint32_t state)
{
	atomic_store_explicit(&slot->state, state, memory_order_release);
}

/* Held for a handful of stores; two that use one key at the very same moment are rare, and the one
 * who holds it may have been preempted. */
static uint32_t lock(struct usage_slot *slot)
{
	for (unsigned spins = 1;; spins++) {
		uint32_t old = atomic_load_explicit(&slot->lock, memory_order_relaxed);

		if ((old & 1) == 0 &&
			atomic_compare_exchange_weak_explicit(&slot->lock, &old, old + 1,
				memory_order_acquire, memory_order_relaxed)) {
			return old;
		}
		if (spins % 64 == 0) {
			sched_yield();
		}
	}
}

static void unlock(struct usage_slot *slot, uint32_t old)
{
	atomic_store_explicit(&slot->lock, old + 2, memory_order_release);
}

bool usage_slot_has_mark(struct usage_slot *slot, const uint64_t mark[static 2])
{
	uint32_t before = atomic_load_explicit(&slot->lock, memory_order_acquire);
	uint64_t differs = (get(&slot->mark[0]) ^ mark[0]) | (get(&slot->mark[1]) ^ mark[1]);
	uint32_t after = atomic_load_explicit(&slot->lock, memory_order_relaxed);

	return ((before & 1) | (before ^ after)) == 0 && differs == 0;
}

void usage_slot_set_mark(struct usage_slot *slot, const uint64_t mark[static 2])
{
	uint32_t old = lock(slot);

	set(&slot->mark[0], mark[0]);
	set(&slot->mark[1], mark[1]);
	unlock(slot, old);
}

bool usage_slot_is_loaded(struct usage_slot *slot)
{
	return (state_of(slot) & USAGE_LOADED) != 0;
}

static void put_ip(struct usage_slot *slot, const uint8_t ip[static 16])
{
	uint64_t words[2];

	memcpy(words, ip, sizeof words);
	set(&slot->ip[0], words[0]);
	set(&slot->ip[1], words[1]);
}

static uint64_t denials_of(struct usage_slot *slot, uint32_t state)
{
	return (uint64_t)(state >> USAGE_HIGH) << 32 |
	       atomic_load_explicit(&slot->denials, memory_order_acquire);
}

/* Gives the state that holds the rest. */
static uint32_t set_denials(struct usage_slot *slot, uint32_t state, uint64_t denials)
{
	atomic_store_explicit(&slot->denials, (uint32_t)denials, memory_order_release);
	return (state & ((1u << USAGE_HIGH) - 1)) | (uint32_t)(denials >> 32) << USAGE_HIGH;
}

void usage_slot_load(struct usage_slot *slot, const struct store_use *before)
{
	uint32_t old = lock(slot);
	uint32_t state = state_of(slot);

	if ((state & USAGE_LOADED) == 0) {
		set(&slot->at, (uint64_t)before->at);
		set(&slot->uses, before->uses);
		state = set_denials(slot, state, before->denials);
		put_ip(slot, before->ip);
		set_state(slot, state | USAGE_LOADED | (before->has_ip ? USAGE_HAS_IP : 0));
	}
	unlock(slot, old);
}

unsigned usage_slot_count(struct usage_slot *slot, const struct usage_event *event)
{
	uint32_t old = lock(slot);
	uint32_t state = state_of(slot);
	unsigned counted = 0;

	set(&slot->at, (uint64_t)event->now);
	set(&slot->uses, get(&slot->uses) + 1);
	if (event->denied) {
		state = set_denials(slot, state, denials_of(slot, state) + 1);
	}
	if (event->ip->known) {
		put_ip(slot, event->ip->bytes);
	}
	set_state(slot, state | USAGE_DIRTY | (event->ip->known ? USAGE_HAS_IP : 0));
	if (event->permission != 0 && event->permission != atomic_load_explicit(&slot->permission,
								   memory_order_relaxed)) {
		counted |= USAGE_NEW_PERMISSION;
	}
	unlock(slot, old);
	return counted | ((state & USAGE_DIRTY) == 0 ? USAGE_WAS_CLEAN : 0);
}

void usage_slot_set_permission(struct usage_slot *slot, uint32_t permission)
{
	atomic_store_explicit(&slot->permission, permission, memory_order_relaxed);
}

static void copy(struct usage_slot *slot, struct store_use *out)
{
	uint64_t words[2] = { get(&slot->ip[0]), get(&slot->ip[1]) };

	out->at = (int64_t)get(&slot->at);
	out->uses = get(&slot->uses);
	out->denials = denials_of(slot, state_of(slot));
	out->has_ip = (state_of(slot) & USAGE_HAS_IP) != 0;
	memcpy(out->ip, words, sizeof out->ip);
}

void usage_slot_read(struct usage_slot *slot, struct store_use *out)
{
	for (unsigned spins = 1;; spins++) {
		uint32_t before = atomic_load_explicit(&slot->lock, memory_order_acquire);

		copy(slot, out);
		if ((before & 1) == 0 &&
			before == atomic_load_explicit(&slot->lock, memory_order_relaxed)) {
			return;
		}
		if (spins % 64 == 0) {
			sched_yield();
		}
	}
}

void usage_slot_take(struct usage_slot *slot, struct store_use *out)
{
	uint32_t old = lock(slot);

	copy(slot, out);
	set_state(slot, state_of(slot) & ~(uint32_t)USAGE_DIRTY);
	unlock(slot, old);
}
