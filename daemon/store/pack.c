/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

enum {
	ASSIGNMENT_UNTIL = 0,
	ASSIGNMENT_CREATED = 8,
	ASSIGNMENT_ROLE_LEN = 16,
	ASSIGNMENT_CREATED_BY_LEN,
	ASSIGNMENT_PLACES,
	ASSIGNMENT_TEXT,
};

/* --- places ----------------------------------------------------------------------------------- */

static void place_bytes(struct store_place *place, const void *bytes, size_t len)
{
	if (len > sizeof place->bytes - place->len) {
		place->full = true;
		return;
	}
	if (len > 0) {
		memcpy(place->bytes + place->len, bytes, len);
	}
	place->len += len;
}

void store_place_u32(struct store_place *place, uint32_t value)
{
	uint8_t big[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value };

	place_bytes(place, big, sizeof big);
}

void store_place_u64(struct store_place *place, uint64_t value)
{
	store_place_u32(place, (uint32_t)(value >> 32));
	store_place_u32(place, (uint32_t)value);
}

void store_place_sized(struct store_place *place, struct pol_str text)
{
	uint8_t len = (uint8_t)text.len;

	place->full = place->full || text.len > UINT8_MAX;
	place_bytes(place, &len, 1);
	place_bytes(place, text.ptr, text.len);
}

void store_place_text(struct store_place *place, struct pol_str text)
{
	place_bytes(place, text.ptr, text.len);
}

/* --- lists ------------------------------------------------------------------------------------ */

bool store_list_next(struct store_list *list, struct pol_str *out)
{
	uint32_t len;

	if (list->count == 0 || list->size < 2) {
		return false;
	}
	len = store_get16(list->ptr);
	if (len > list->size - 2) {
		list->count = 0;
		return false;
	}
	*out = (struct pol_str){ (const char *)list->ptr + 2, len };
	list->ptr += 2 + len;
	list->size -= 2 + len;
	list->count--;
	return true;
}

bool store_pack_add(struct store_pack *pack, struct pol_str text)
{
	if (text.len > UINT16_MAX || text.len + 2 > pack->cap - pack->size) {
		return false;
	}
	store_put16(pack->bytes + pack->size, text.len);
	if (text.len > 0) {
		memcpy(pack->bytes + pack->size + 2, text.ptr, text.len);
	}
	pack->size += 2 + (uint32_t)text.len;
	pack->count++;
	return true;
}

struct store_list store_pack_list(const struct store_pack *pack)
{
	return (struct store_list){ pack->bytes, pack->size, pack->count };
}

struct pol_str store_role_split(struct pol_str item, uint64_t *out_number)
{
	*out_number = 0;
	if (item.len <= STORE_ROLE_EXTRA || item.ptr[item.len - STORE_ROLE_EXTRA] != '\0') {
		return item;
	}
	item.len -= STORE_ROLE_EXTRA;
	*out_number = store_get64((const uint8_t *)item.ptr + item.len + 1);
	return item;
}

/* A name has no NUL, so the name of a role of the files cannot look like such an item. */
static size_t put_role(uint8_t *at, struct pol_str name, uint64_t number)
{
	memcpy(at, name.ptr, name.len);
	if (number == 0) {
		return name.len;
	}
	at[name.len] = '\0';
	store_put64(at + name.len + 1, number);
	return name.len + STORE_ROLE_EXTRA;
}

bool store_role_add(struct store_pack *pack, struct pol_str name, uint64_t number)
{
	uint8_t item[STORE_MAX_NAME + STORE_ROLE_EXTRA];

	return name.len <= STORE_MAX_NAME &&
	       store_pack_add(
		       pack, (struct pol_str){ (const char *)item, put_role(item, name, number) });
}

bool store_assignment_add(struct store_pack *pack, const struct store_assignment *assignment)
{
	size_t role = assignment->role.len + (assignment->stored != 0 ? STORE_ROLE_EXTRA : 0);
	size_t len = ASSIGNMENT_TEXT + role + assignment->created_by.len + assignment->places.size;
	uint8_t *at = pack->bytes + pack->size + 2;

	if (len > UINT16_MAX || len + 2 > pack->cap - pack->size || role > UINT8_MAX ||
		assignment->created_by.len > UINT8_MAX || assignment->places.count > UINT8_MAX) {
		return false;
	}
	store_put16(at - 2, len);
	store_put64(at + ASSIGNMENT_UNTIL, (uint64_t)assignment->until);
	store_put64(at + ASSIGNMENT_CREATED, (uint64_t)assignment->created_at);
	at[ASSIGNMENT_ROLE_LEN] = (uint8_t)role;
	at[ASSIGNMENT_CREATED_BY_LEN] = (uint8_t)assignment->created_by.len;
	at[ASSIGNMENT_PLACES] = (uint8_t)assignment->places.count;
	at += ASSIGNMENT_TEXT;
	at += put_role(at, assignment->role, assignment->stored);
	if (assignment->created_by.len > 0) {
		memcpy(at, assignment->created_by.ptr, assignment->created_by.len);
	}
	at += assignment->created_by.len;
	if (assignment->places.size > 0) {
		memcpy(at, assignment->places.ptr, assignment->places.size);
	}
	pack->size += 2 + (uint32_t)len;
	pack->count++;
	return true;
}

bool store_assignment_next(struct store_list *assignments, struct store_assignment *out)
{
	struct pol_str item;
	const uint8_t *at;
	size_t role, by, left;

	if (!store_list_next(assignments, &item) || item.len < ASSIGNMENT_TEXT) {
		return false;
	}
	at = (const uint8_t *)item.ptr;
	role = at[ASSIGNMENT_ROLE_LEN];
	by = at[ASSIGNMENT_CREATED_BY_LEN];
	left = item.len - ASSIGNMENT_TEXT;
	if (role + by > left) {
		return false;
	}
	out->until = store_get_time(at + ASSIGNMENT_UNTIL);
	out->created_at = store_get_time(at + ASSIGNMENT_CREATED);
	out->role = store_role_split(
		(struct pol_str){ item.ptr + ASSIGNMENT_TEXT, role }, &out->stored);
	out->created_by = (struct pol_str){ item.ptr + ASSIGNMENT_TEXT + role, by };
	out->places = (struct store_list){ at + ASSIGNMENT_TEXT + role + by,
		(uint32_t)(left - role - by), at[ASSIGNMENT_PLACES] };
	return true;
}
