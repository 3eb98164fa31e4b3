/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "policy/snapshot/condition.h"
#include "policy/snapshot/given.h"

#define SPACE "principal."

/* Bytes of an attribute's name; a longer one is no fact. */
#define MAX_NAME 128

uint32_t pol_given_attribute(const struct pol_snapshot *snapshot, struct pol_str name)
{
	char full[sizeof SPACE + MAX_NAME] = SPACE;
	const size_t begin = sizeof SPACE - 1;

	if (name.len > MAX_NAME) {
		return POL_NONE;
	}
	if (name.len > 0) {
		memcpy(full + begin, name.ptr, name.len);
	}
	return pol_condition_fact(snapshot, (struct pol_str){ full, begin + name.len });
}

/* An optional `-` and decimal digits. False: it is anything else, or has no place in 64 bits. */
static bool read_int(struct pol_str text, int64_t *out)
{
	bool negative = text.len > 0 && text.ptr[0] == '-';
	size_t i = negative;
	int64_t value = 0;

	if (i == text.len) {
		return false;
	}
	for (; i < text.len; i++) {
		int digit = text.ptr[i] - '0';

		/* Counted below zero, where the smallest one is. */
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, digit, &value)) {
			return false;
		}
	}
	if (!negative && __builtin_sub_overflow(0, value, &value)) {
		return false;
	}
	*out = value;
	return true;
}

/* Cuts the text at its commas. False: there are too many members. */
static bool cut(struct pol_str text, struct pol_str *items, uint32_t *out_count)
{
	size_t begin = 0;

	*out_count = 0;
	for (size_t i = 0; text.len > 0 && i <= text.len; i++) {
		if (i < text.len && text.ptr[i] != ',') {
			continue;
		}
		if (*out_count == POL_GIVEN_MEMBERS) {
			return false;
		}
		items[(*out_count)++] = (struct pol_str){ text.ptr + begin, i - begin };
		begin = i + 1;
	}
	return true;
}

/* A space beside a comma would be part of the member, which no comparison then finds. */
static bool is_spaced(const struct pol_str *items, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct pol_str *item = &items[i];

		if (item->len > 0 && (item->ptr[0] == ' ' || item->ptr[item->len - 1] == ' ')) {
			return true;
		}
	}
	return false;
}

enum pol_status pol_given_read_text(const struct pol_snapshot *snapshot, struct pol_str text,
	struct pol_str *room, struct pol_given_fact *item, char why[POL_GIVEN_WHY])
{
	const struct pol_declared_fact *declared = pol_condition_declared(snapshot, item->fact);
	struct pol_raw raw = { .kind = POL_RAW_STRING, .text = text };

	switch (declared != NULL ? declared->type : POL_TYPE_ABSENT) {
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
		raw.kind = read_int(text, &raw.number) ? POL_RAW_INT : POL_RAW_STRING;
		break;
	case POL_TYPE_BOOL:
		raw.number = pol_str_equal(text, POL_STR("true"));
		raw.kind = raw.number != 0 || pol_str_equal(text, POL_STR("false"))
				   ? POL_RAW_BOOL
				   : POL_RAW_STRING;
		break;
	case POL_TYPE_STRINGS:
		if (!cut(text, room, &raw.count)) {
			snprintf(why, POL_GIVEN_WHY, "'%.*s' has more than %d members",
				POL_STR_ARGS(declared->name), POL_GIVEN_MEMBERS);
			return POL_ELIMIT;
		}
		if (is_spaced(room, raw.count)) {
			snprintf(why, POL_GIVEN_WHY,
				"'%.*s' has a space at an end of a member: write commas alone",
				POL_STR_ARGS(declared->name));
			return POL_EINVALID;
		}
		raw.kind = POL_RAW_STRINGS;
		raw.items = room;
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_STRING:
	case POL_TYPE_ADDRESS:
	case POL_TYPE_WORD:
	case POL_TYPE_NETWORK:
		break;
	}
	return pol_given_read(snapshot, &raw, room, item, why);
}
