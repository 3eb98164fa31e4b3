/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/host/redact.h"
#include "policy/snapshot/stored.h"
#include "policy/text/cidr.h"
#include "policy/text/path.h"
#include "policy/text/unicode.h"

/* Control characters, and those that change the direction of the text after them. */
static bool is_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* The next code point; the text is valid UTF-8. */
static uint32_t next_point(struct wire_str text, size_t *at)
{
	unsigned char lead = (unsigned char)text.ptr[(*at)++];
	unsigned more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
	uint32_t point = more == 0 ? lead : lead & (0x3fu >> more);

	while (more-- > 0 && *at < text.len) {
		point = point << 6 | ((unsigned char)text.ptr[(*at)++] & 0x3f);
	}
	return point;
}

static bool has_hidden(struct wire_str text)
{
	for (size_t at = 0; at < text.len;) {
		if (is_hidden(next_point(text, &at))) {
			return true;
		}
	}
	return false;
}

static int check_length(struct call *call, const char *param, struct wire_str text, int most)
{
	if (text.len > (size_t)most) {
		return call_invalid(call, param, "is longer than %d bytes", most);
	}
	if (has_hidden(text)) {
		return call_invalid(call, param,
			"holds a control character, or one that changes the direction of text");
	}
	return 0;
}

int check_text(struct call *call, const char *param, struct wire_str text)
{
	return check_length(call, param, text, STORE_MAX_TEXT);
}

int check_attribute(struct call *call, const char *param, struct wire_str text)
{
	return check_length(call, param, text, CHECK_ATTRIBUTE);
}

static bool has_invisible(struct wire_str text)
{
	for (size_t at = 0; at < text.len;) {
		if (pol_unicode_is_invisible(next_point(text, &at))) {
			return true;
		}
	}
	return false;
}

/* An id is shown to others and named in logs. */
static bool holds_token(struct wire_str id)
{
	char text[STORE_MAX_NAME];

	memcpy(text, id.ptr, id.len);
	return redact_tokens(text, id.len, "...") != id.len;
}

int check_id(struct call *call, const char *param, struct wire_str id)
{
	if (id.len == 0 || id.len > STORE_MAX_NAME) {
		return call_invalid(
			call, param, "is empty or longer than %d bytes", STORE_MAX_NAME);
	}
	if (has_hidden(id) || has_invisible(id) || memchr(id.ptr, '/', id.len) != NULL ||
		wire_str_equal(id, WIRE_STR(".")) || wire_str_equal(id, WIRE_STR("..")) ||
		wire_str_equal(id, WIRE_STR("*"))) {
		return call_invalid(call, param,
			"may not hold a space, a slash, a control character or an invisible "
			"character, and may not be '.', '..' or '*'");
	}
	if (holds_token(id)) {
		return call_invalid(
			call, param, "holds a token, and ids are shown to others and logged");
	}
	return 0;
}

static bool is_all(const struct wire_value *value)
{
	return value->given && wire_str_equal(value->text, WIRE_STR("*"));
}

int check_tenants(struct call *call, const struct wire_value *value, uint32_t *out)
{
	if (!is_all(value)) {
		return check_tenant(call, value, out);
	}
	if (call->actor != NULL) {
		return call_error(
			call, "forbidden", "a token sees its own tenant, not all of them");
	}
	*out = 0;
	return 0;
}

int check_tenant(struct call *call, const struct wire_value *value, uint32_t *out)
{
	uint32_t tenant = call->actor != NULL ? call->actor->tenant : STORE_TENANT_DEFAULT;

	if (is_all(value)) {
		return call_invalid(call, "tenant",
			"'*', all tenants, is only for finding keys and reading the trail: name "
			"one");
	}
	if (value->given) {
		tenant = subject_tenant(call, subject_str(value->text));
	}
	if (tenant == 0 || !actor_sees(call, tenant)) {
		return call_error(call, "not_found", "there is no such tenant");
	}
	*out = tenant;
	return 0;
}

static int check_count(struct call *call, const char *param, const struct wire_value *value)
{
	if (value->count == 0) {
		return call_invalid(call, param, "is an empty list: leave it out instead");
	}
	if (value->count > STORE_MAX_LIST) {
		return call_invalid(call, param, "holds more than %d entries", STORE_MAX_LIST);
	}
	return 0;
}

static int compare_texts(const void *a, const void *b)
{
	const struct pol_str *left = (const struct pol_str *)a;
	const struct pol_str *right = (const struct pol_str *)b;

	return pol_str_compare(*left, *right);
}

int check_places(
	struct call *call, const struct wire_value *value, bool known, struct store_pack *out)
{
	struct pol_str places[STORE_MAX_LIST];
	char room[CHECK_PLACES_SIZE], scratch[STORE_MAX_PLACE];
	struct wire_cursor items = value->items;
	struct wire_str text;
	size_t count = 0, used = 0;
	int r = check_count(call, "at", value);

	if (r != 0) {
		return r;
	}
	while (wire_next_text(&items, &text)) {
		struct pol_str place = subject_str(text);

		if (text.len > STORE_MAX_PLACE || memchr(text.ptr, '?', text.len) != NULL ||
			pol_path_place_normalise(place, scratch, &place) != POL_OK ||
			(known && pol_snapshot_check_place(call->snapshot, place) != POL_OK)) {
			return call_invalid(call, "at",
				"entry %zu is not a place of this policy: write TREE:/path, "
				"leading "
				"to or through a declared node, without parameters and wildcards",
				count);
		}
		if (place.len > sizeof room - used) {
			return call_invalid(
				call, "at", "is too long altogether: give fewer or shorter ones");
		}
		memcpy(room + used, scratch, place.len);
		places[count++] = (struct pol_str){ room + used, place.len };
		used += place.len;
	}
	qsort(places, count, sizeof places[0], compare_texts);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && pol_str_equal(places[i], places[i - 1])) {
			continue;
		}
		if (!store_pack_add(out, places[i])) {
			return call_invalid(
				call, "at", "is too long altogether: give fewer or shorter ones");
		}
	}
	return 0;
}

int check_scopes(struct call *call, const struct wire_value *value, struct store_pack *out)
{
	struct wire_cursor items = value->items;
	struct wire_str text;
	int r = check_count(call, "scopes", value);

	while (r == 0 && wire_next_text(&items, &text)) {
		if (text.len > STORE_MAX_NAME ||
			pol_snapshot_scope(call->snapshot, subject_str(text)) == POL_NONE) {
			return call_invalid(call, "scopes",
				"entry %u is not a scope of this policy", (unsigned)out->count);
		}
		if (!store_pack_add(out, subject_str(text))) {
			return call_invalid(call, "scopes",
				"is too long altogether: give fewer or shorter ones");
		}
	}
	return r;
}

int check_role(struct call *call, const char *param, uint32_t tenant, struct pol_str role,
	uint32_t *out_number)
{
	uint32_t number =
		role.len > STORE_MAX_NAME ? POL_NONE : pol_snapshot_role(call->snapshot, role);
	uint64_t stored;

	if (number == POL_NONE) {
		number = pol_stored_named(call->snapshot, tenant, role, &stored);
	}
	if (number == POL_NONE) {
		return call_invalid(
			call, param, "names no role of this policy, nor one of the store");
	}
	if (pol_stored_is_shadowed(call->snapshot, number)) {
		return call_invalid(call, param,
			"names a role that allows nothing: the policy's files have its name in "
			"another case, so create it under another name");
	}
	if (pol_snapshot_role_is_anyone(call->snapshot, number)) {
		return call_invalid(
			call, param, "`anyone` is held by every caller and is never given");
	}
	*out_number = number;
	return 0;
}

int check_exclusive(struct call *call, uint32_t a, uint32_t b)
{
	struct pol_str names[2] = { pol_snapshot_role_name(call->snapshot, a),
		pol_snapshot_role_name(call->snapshot, b) };
	uint32_t members[2];

	if (a == b) {
		if (!pol_stored_breaches(call->snapshot, a, members)) {
			return 0;
		}
		return call_error(call, "conflict",
			"role %.*s inherits %.*s and %.*s, which the policy makes exclusive: "
			"nobody may hold both",
			POL_STR_ARGS(names[0]),
			POL_STR_ARGS(pol_snapshot_role_name(call->snapshot, members[0])),
			POL_STR_ARGS(pol_snapshot_role_name(call->snapshot, members[1])));
	}
	if (pol_snapshot_exclusive(call->snapshot, a, b) == POL_NONE) {
		return 0;
	}
	return call_error(call, "conflict",
		"the policy makes roles %.*s and %.*s exclusive: nobody may hold both",
		POL_STR_ARGS(names[0]), POL_STR_ARGS(names[1]));
}

int check_roles(
	struct call *call, const struct wire_value *value, uint32_t tenant, struct store_pack *out)
{
	uint32_t numbers[STORE_MAX_LIST] = { 0 };
	struct wire_cursor items = value->items;
	struct wire_str text;
	uint32_t count = 0;
	int r = check_count(call, "roles", value);

	while (r == 0 && wire_next_text(&items, &text)) {
		struct pol_str name = subject_str(text);

		r = check_role(call, "roles", tenant, name, &numbers[count]);
		for (uint32_t i = 0; r == 0 && i < count; i++) {
			r = numbers[i] == numbers[count]
				    ? call_invalid(
					      call, "roles", "names %.*s twice", POL_STR_ARGS(name))
				    : check_exclusive(call, numbers[i], numbers[count]);
		}
		if (r == 0) {
			r = check_exclusive(call, numbers[count], numbers[count]);
		}
		if (r == 0 && !store_role_add(out, name,
				      pol_stored_number(call->snapshot, numbers[count]))) {
			r = call_invalid(call, "roles",
				"is too long altogether: give fewer or shorter ones");
		}
		count++;
	}
	return r;
}

int check_networks(struct call *call, const struct wire_value *value,
	uint8_t out[static STORE_MAX_LIST * STORE_NETWORK], uint32_t *out_count)
{
	struct wire_cursor items = value->items;
	struct wire_str text;
	uint32_t count = 0;
	int r = check_count(call, "networks", value);

	while (r == 0 && wire_next_text(&items, &text)) {
		struct pol_network network;
		enum pol_status status = pol_cidr_parse(subject_str(text), &network);

		if (status != POL_OK) {
			return call_invalid(call, "networks",
				status == POL_ELIMIT ? "entry %u has bits set after its prefix"
						     : "entry %u is not a network: write "
						       "10.0.0.0/8, 2001:db8::/32 "
						       "or an address",
				(unsigned)count);
		}
		memcpy(out + (size_t)count * STORE_NETWORK, network.bytes, 16);
		out[(size_t)count * STORE_NETWORK + 16] = network.bits;
		count++;
	}
	if (r == 0) {
		*out_count = count;
	}
	return r;
}
