/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/usage_slot.h"

#include <sched.h>
#include <string.h>

_Static_assert(sizeof(struct usage_slot) == 16, "four in a cache line");

/* The head's bits: the lock, odd while a thread writes; the state; the uses' upper part. */
enum {
	LOCK_MASK = 0xffff,
	LOADED = 1 << 16, /* the counts hold what was stored before */
	DIRTY = 1 << 17,  /* its bit is set, or about to be */
	HAS_IP = 1 << 18,
	FAR_AT = 1 << 19, /* the time is in usage_rare */
	HIGH_SHIFT = 20,
};

static uint64_t get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static void set(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

/* Gives the head as it was. Held for a handful of stores; two that use one key at the very same
 * moment are rare, and the thread that holds it may have been preempted. */
static uint32_t lock(struct usage_slot *slot)
{
	for (unsigned spins = 1;; spins++) {
		uint32_t old = atomic_load_explicit(&slot->head, memory_order_relaxed);

		if ((old & 1) == 0 &&
			atomic_compare_exchange_weak_explicit(&slot->head, &old, old + 1,
				memory_order_acquire, memory_order_relaxed)) {
			return old;
		}
		if (spins % 64 == 0) {
			sched_yield();
		}
	}
}

/* `head`: what lock returned, with a new state and uses. */
static void unlock(struct usage_slot *slot, uint32_t head)
{
	uint32_t next = (head & ~(uint32_t)LOCK_MASK) | ((head + 2) & LOCK_MASK);

	atomic_store_explicit(&slot->head, next, memory_order_release);
}

bool usage_slot_is_loaded(struct usage_slot *slot)
{
	return (atomic_load_explicit(&slot->head, memory_order_acquire) & LOADED) != 0;
}

/* What the key has of it, or NULL. */
static struct usage_rare *rare_of(const struct usage_at *at)
{
	struct usage_rare *rares = atomic_load_explicit(at->rares, memory_order_acquire);

	return rares != NULL ? &rares[at->index] : NULL;
}

static void put_ip(struct usage_rare *rare, const uint8_t ip[static 16])
{
	uint64_t words[2];

	memcpy(words, ip, sizeof words);
	set(&rare->ip[0], words[0]);
	set(&rare->ip[1], words[1]);
}

static uint64_t uses_of(const struct usage_slot *slot, uint32_t head)
{
	return (uint64_t)(head >> HIGH_SHIFT) << 32 |
	       atomic_load_explicit(&slot->uses, memory_order_acquire);
}

/* Gives the head that holds the rest. */
static uint32_t set_uses(struct usage_slot *slot, uint32_t head, uint64_t uses)
{
	uint64_t kept = uses < USAGE_MAX_USES ? uses : USAGE_MAX_USES;

	atomic_store_explicit(&slot->uses, (uint32_t)kept, memory_order_release);
	return (head & ((UINT32_C(1) << HIGH_SHIFT) - 1)) | (uint32_t)(kept >> 32) << HIGH_SHIFT;
}

/* Returns the head with its state. Without `rare` a time that does not fit becomes the nearest one
 * that does. */
static uint32_t set_at(struct usage_slot *slot, struct usage_rare *rare, uint32_t head, int64_t now)
{
	bool fits = usage_slot_fits(now);
	uint32_t near = fits ? (uint32_t)now : now < 0 ? 0 : UINT32_MAX;

	atomic_store_explicit(&slot->at, near, memory_order_release);
	if (fits || rare == NULL) {
		return head & ~(uint32_t)FAR_AT;
	}
	set(&rare->at, (uint64_t)now);
	return head | FAR_AT;
}

void usage_slot_load(const struct usage_at *at, const struct store_use *before)
{
	struct usage_slot *slot = at->slot;
	struct usage_rare *rare = rare_of(at);
	uint32_t head = lock(slot);

	if ((head & LOADED) == 0) {
		head = set_at(slot, rare, head, before->at);
		head = set_uses(slot, head, before->uses) | LOADED;
		if (rare != NULL) {
			set(&rare->denials, before->denials);
			put_ip(rare, before->ip);
			head |= before->has_ip ? HAS_IP : 0;
		}
	}
	unlock(slot, head);
}

void usage_slot_drop(const struct usage_at *at)
{
	struct usage_slot *slot = at->slot;
	struct usage_rare *rare = rare_of(at);
	uint32_t head = lock(slot);

	if ((head & LOADED) != 0) {
		head &= LOCK_MASK | LOADED;
		head = set_uses(slot, set_at(slot, rare, head, 0), 0);
		atomic_store_explicit(&slot->permission, 0, memory_order_release);
		if (rare != NULL) {
			set(&rare->denials, 0);
		}
	}
	unlock(slot, head);
}

unsigned usage_slot_count(const struct usage_at *at, const struct usage_event *event)
{
	struct usage_slot *slot = at->slot;
	bool has_rare = event->denied || event->ip->known || !usage_slot_fits(event->now);
	struct usage_rare *rare = has_rare ? rare_of(at) : NULL;
	uint32_t head = lock(slot);
	unsigned counted = (head & DIRTY) == 0 ? USAGE_WAS_CLEAN : 0;

	head = set_at(slot, rare, head, event->now);
	head = set_uses(slot, head, uses_of(slot, head) + 1 + event->more) | DIRTY;
	if (event->denied && rare != NULL) {
		set(&rare->denials, get(&rare->denials) + 1 + event->more);
	}
	if (event->ip->known && rare != NULL) {
		put_ip(rare, event->ip->bytes);
		head |= HAS_IP;
	}
	if (event->permission != 0 && event->permission != atomic_load_explicit(&slot->permission,
								   memory_order_relaxed)) {
		counted |= USAGE_NEW_PERMISSION;
	}
	unlock(slot, head);
	return counted;
}

void usage_slot_set_permission(struct usage_slot *slot, uint32_t permission)
{
	atomic_store_explicit(&slot->permission, permission, memory_order_relaxed);
}

static void copy(const struct usage_at *at, uint32_t head, struct store_use *out)
{
	const struct usage_rare *rare = rare_of(at);

	*out = (struct store_use){
		.at = atomic_load_explicit(&at->slot->at, memory_order_acquire),
		.uses = uses_of(at->slot, head),
	};
	if (rare != NULL) {
		uint64_t words[2] = { get(&rare->ip[0]), get(&rare->ip[1]) };

		out->denials = get(&rare->denials);
		out->has_ip = (head & HAS_IP) != 0;
		out->at = (head & FAR_AT) != 0 ? (int64_t)get(&rare->at) : out->at;
		memcpy(out->ip, words, sizeof out->ip);
	}
}

void usage_slot_read(const struct usage_at *at, struct store_use *out)
{
	for (unsigned spins = 1;; spins++) {
		uint32_t before = atomic_load_explicit(&at->slot->head, memory_order_acquire);

		copy(at, before, out);
		if ((before & 1) == 0 &&
			before == atomic_load_explicit(&at->slot->head, memory_order_relaxed)) {
			return;
		}
		if (spins % 64 == 0) {
			sched_yield();
		}
	}
}

void usage_slot_take(const struct usage_at *at, struct store_use *out)
{
	uint32_t head = lock(at->slot);

	copy(at, head, out);
	unlock(at->slot, head & ~(uint32_t)DIRTY);
}
