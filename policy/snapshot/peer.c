/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/snapshot/compiled.h"

/* Bytes of a user's name; longer ones are not found (login names have at most 32). */
#define NAME_MAX_PEER 256

/* The principal of a uid or a gid, or POL_NONE. */
static uint32_t find(const struct pol_snapshot *snapshot, bool group, uint32_t id)
{
	uint32_t low = 0;
	uint32_t high = snapshot->peer_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct pol_peer *peer = &snapshot->peers[middle];
		bool before = peer->group != group ? !peer->group : peer->id < id;

		if (peer->group == group && peer->id == id) {
			return peer->principal;
		}
		if (before) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return POL_NONE;
}

bool pol_peer_any(const struct pol_snapshot *snapshot)
{
	return snapshot->peer_count > 0;
}

bool pol_peer_declared(const struct pol_snapshot *snapshot)
{
	const struct pol_names *names = &snapshot->peer_names;

	for (uint32_t i = 0; names->slots != NULL && i <= names->mask; i++) {
		if (names->slots[i].text.ptr != NULL) {
			return true;
		}
	}
	return false;
}

uint32_t pol_peer_find(
	const struct pol_snapshot *snapshot, uint32_t user, const uint32_t *groups, size_t count)
{
	uint32_t found;

	if (snapshot->peer_count == 0) {
		return POL_NONE;
	}
	found = find(snapshot, false, user);
	if (found != POL_NONE) {
		return found;
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t other = find(snapshot, true, groups[i]);

		if (other == POL_NONE || other == found) {
			continue;
		}
		if (found != POL_NONE) {
			return POL_NONE;
		}
		found = other;
	}
	return found;
}

uint32_t pol_peer_user(const struct pol_snapshot *snapshot, struct pol_str name)
{
	char text[5 + NAME_MAX_PEER];
	struct pol_str key = { text, 5 + name.len };
	uint32_t line;

	if (name.len > sizeof text - 5) {
		return POL_NONE;
	}
	memcpy(text, "user ", 5);
	memcpy(text + 5, name.ptr, name.len);
	line = pol_names_find(&snapshot->peer_names, key);
	return line != POL_NONE ? snapshot->peer_principals[line] : POL_NONE;
}
