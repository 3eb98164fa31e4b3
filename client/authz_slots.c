/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authz_slots: the table of started requests. The slot of an id is id % AUTHZ_SLOTS, and a new
 * request skips ids whose slot is in use. A request that was given up after some of its bytes were
 * sent keeps its slot, so that its answer, when it comes, is known and dropped.
 */

#include <stdlib.h>

#include "client/authz_handle.h"

static struct authz_slot *slot_of(const struct authz *authz, uint64_t id)
{
	return &authz->slots[id % AUTHZ_SLOTS];
}

int authz_slots_create(struct authz *authz)
{
	if (authz->slots == NULL) {
		authz->slots = calloc(AUTHZ_SLOTS, sizeof *authz->slots);
	}
	return authz->slots != NULL ? AUTHZ_OK : AUTHZ_ENOMEM;
}

uint64_t authz_slots_id(struct authz *authz)
{
	while (slot_of(authz, authz->next_id)->state != AUTHZ_SLOT_FREE) {
		authz_channel_id(authz);
	}
	if (authz->outstanding == 0) {
		authz->oldest = authz->next_id;
	}
	return authz_channel_id(authz);
}

void authz_slots_enter(struct authz *authz, struct authz_slot slot, size_t mark)
{
	slot.state = AUTHZ_SLOT_WAITING;
	slot.begin = authz->sent + mark;
	slot.end = authz->sent + authz->out.len;
	*slot_of(authz, slot.id) = slot;
	if (authz->outstanding == 0 || slot.deadline < authz->earliest) {
		authz->earliest = slot.deadline;
	}
	authz->outstanding++;
	authz->started = slot.id;
}

struct authz_slot *authz_slots_find(const struct authz *authz, uint32_t id)
{
	struct authz_slot *slot;

	if (authz->slots == NULL) {
		return NULL;
	}
	slot = slot_of(authz, id);
	if ((slot->state != AUTHZ_SLOT_WAITING && slot->state != AUTHZ_SLOT_GIVEN_UP) ||
		(uint32_t)slot->id != id) {
		return NULL;
	}
	return slot;
}

/* One request fewer is outstanding: the one of this slot, which has its new state. */
static void leave(struct authz *authz, const struct authz_slot *slot)
{
	authz->outstanding--;
	if (authz->outstanding == 0) {
		authz->oldest = authz->next_id;
		authz->earliest_unknown = false;
		return;
	}
	authz->earliest_unknown |= slot->deadline == authz->earliest;
	if (slot->id != authz->oldest) {
		return;
	}
	do {
		authz->oldest++;
		slot = slot_of(authz, authz->oldest);
	} while (slot->state != AUTHZ_SLOT_WAITING || slot->id != authz->oldest);
}

void authz_slots_answered(struct authz *authz, struct authz_slot *slot)
{
	bool waiting = slot->state == AUTHZ_SLOT_WAITING;

	slot->state = AUTHZ_SLOT_FREE;
	if (waiting) {
		leave(authz, slot);
	} else {
		authz->given_up--;
	}
}

/* Takes the bytes of a request of which none was sent out of authz->out. */
static void withdraw(struct authz *authz, const struct authz_slot *slot)
{
	uint64_t len = slot->end - slot->begin;

	wire_buf_cut(&authz->out, (size_t)(slot->begin - authz->sent), (size_t)len);
	for (size_t i = 0; i < AUTHZ_SLOTS; i++) {
		struct authz_slot *later = &authz->slots[i];

		if (later->state != AUTHZ_SLOT_FREE && later->begin > slot->begin) {
			later->begin -= len;
			later->end -= len;
		}
	}
}

void authz_slots_give_up(struct authz *authz, struct authz_slot *slot)
{
	if (slot->begin >= authz->sent) {
		withdraw(authz, slot);
		slot->state = AUTHZ_SLOT_FREE;
	} else {
		slot->state = AUTHZ_SLOT_GIVEN_UP;
		authz->given_up++;
	}
	leave(authz, slot);
}

void authz_slots_fail(struct authz *authz)
{
	for (size_t i = 0; authz->outstanding > 0 && i < AUTHZ_SLOTS; i++) {
		if (authz->slots[i].state == AUTHZ_SLOT_WAITING) {
			authz->slots[i].state = AUTHZ_SLOT_FAILING;
			authz->outstanding--;
			authz->failing++;
		}
	}
	authz->earliest_unknown = false;
	authz_slots_forget(authz);
}

void authz_slots_forget(struct authz *authz)
{
	for (size_t i = 0; authz->given_up > 0 && i < AUTHZ_SLOTS; i++) {
		if (authz->slots[i].state == AUTHZ_SLOT_GIVEN_UP) {
			authz->slots[i].state = AUTHZ_SLOT_FREE;
			authz->given_up--;
		}
	}
}

struct authz_slots_walk authz_slots_walk(const struct authz *authz)
{
	return (struct authz_slots_walk){ .base = authz->oldest };
}

struct authz_slot *authz_slots_next_failing(
	const struct authz *authz, struct authz_slots_walk *walk)
{
	while (authz->failing > 0 && walk->place < AUTHZ_SLOTS) {
		struct authz_slot *slot = slot_of(authz, walk->base + walk->place++);

		if (slot->state == AUTHZ_SLOT_FAILING) {
			return slot;
		}
	}
	return NULL;
}

struct authz_slot *authz_slots_next_expired(
	const struct authz *authz, int64_t now, struct authz_slots_walk *walk)
{
	while (authz->outstanding > 0 && walk->place < AUTHZ_SLOTS) {
		struct authz_slot *slot = slot_of(authz, walk->base + walk->place++);

		if (slot->state == AUTHZ_SLOT_WAITING && slot->deadline <= now) {
			return slot;
		}
	}
	return NULL;
}

int64_t authz_slots_earliest(const struct authz *authz)
{
	int64_t earliest = INT64_MAX;
	uint64_t span = authz->next_id - authz->oldest;

	if (authz->outstanding == 0 || !authz->earliest_unknown) {
		return authz->outstanding == 0 ? INT64_MAX : authz->earliest;
	}
	for (uint64_t i = 0; i < span && i < AUTHZ_SLOTS; i++) {
		const struct authz_slot *slot = slot_of(authz, authz->oldest + i);

		if (slot->state == AUTHZ_SLOT_WAITING && slot->deadline < earliest) {
			earliest = slot->deadline;
		}
	}
	return earliest;
}

void authz_slots_settle(struct authz *authz)
{
	authz->earliest = authz_slots_earliest(authz);
	authz->earliest_unknown = false;
}
