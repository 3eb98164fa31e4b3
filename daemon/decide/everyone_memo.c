/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/everyone_memo.h"

#include <string.h>

/* Both lines of a tenant lie beside each other, and those of tenants that were made one after the
 * other do not meet. */
static struct everyone_memo_line *line_of(
	struct everyone_memo *memo, const struct everyone_memo_key *key)
{
	uint32_t number = key->tenant * STORE_EVERYONE_KINDS + key->kind;

	return &memo->lines[number % EVERYONE_MEMO_LINES];
}

const struct everyone_memo_line *everyone_memo_find(
	struct everyone_memo *memo, const struct everyone_memo_key *key)
{
	struct everyone_memo_line *line = line_of(memo, key);

	if (line->tenant != key->tenant || line->kind != key->kind || line->serial != key->serial ||
		line->view < key->changed || key->view < key->changed) {
		return NULL;
	}
	line->used = key->view;
	return line;
}

struct everyone_memo_line *everyone_memo_begin(
	struct everyone_memo *memo, const struct everyone_memo_key *key)
{
	struct everyone_memo_line *line = line_of(memo, key);

	if (line->used == key->view || key->view < key->changed) {
		return NULL;
	}
	line->tenant = key->tenant;
	line->kind = key->kind;
	line->serial = key->serial;
	line->view = key->view;
	line->used = key->view;
	line->held_count = 0;
	line->place_count = 0;
	line->text_used = 0;
	return line;
}

bool everyone_memo_add(
	struct everyone_memo_line *line, uint32_t role, int64_t until, struct store_list places)
{
	struct pol_held *held = &line->held[line->held_count];
	struct pol_str place;

	if (line->held_count == EVERYONE_MEMO_HELD) {
		line->tenant = 0;
		return false;
	}
	*held = (struct pol_held){
		.role = role, .until = until, .places = &line->places[line->place_count]
	};
	while (store_list_next(&places, &place)) {
		char *text = line->text + line->text_used;

		if (line->place_count == EVERYONE_MEMO_PLACES ||
			place.len > sizeof line->text - line->text_used) {
			line->tenant = 0;
			return false;
		}
		memcpy(text, place.ptr, place.len);
		line->text_used += (uint32_t)place.len;
		line->places[line->place_count++] = (struct pol_str){ text, place.len };
		held->place_count++;
	}
	line->held_count++;
	return true;
}
