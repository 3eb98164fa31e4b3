/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/given.h"

#include <stdio.h>
#include <string.h>

#include "policy/snapshot/compiled.h"
#include "policy/text/cidr.h"
#include "policy/text/str.h"
#include "policy/text/timetext.h"

/* Bytes of a fact's name that a message shows. */
#define SHOWN 100

/* Messages and sets apart, so that reading other values saves no registers for them. */
__attribute__((noinline)) static enum pol_status fail(
	const struct pol_declared_fact *fact, char *why, enum pol_status status, const char *what)
{
	struct pol_str name = fact->name;

	name.len = name.len < SHOWN ? name.len : SHOWN;
	snprintf(why, POL_GIVEN_WHY, "'%.*s' %s", POL_STR_ARGS(name), what);
	return status;
}

/* Room for the words of a type in a message; of more words it shows the first ones. */
#define WORDS_SHOWN 80

/* "is one of draft, active". */
static enum pol_status fail_word(const struct pol_declared_fact *fact, char *why)
{
	char what[WORDS_SHOWN + sizeof "is one of , …"] = "is one of";
	size_t len = strlen(what);

	for (uint32_t i = 0; i < fact->word_count; i++) {
		struct pol_str word = fact->words[i];

		if (len + word.len > WORDS_SHOWN) {
			snprintf(what + len, sizeof what - len, "%s …", i > 0 ? "," : "");
			break;
		}
		len += (size_t)snprintf(what + len, sizeof what - len, "%s %.*s", i > 0 ? "," : "",
			POL_STR_ARGS(word));
	}
	return fail(fact, why, POL_EINVALID, what);
}

__attribute__((noinline)) static enum pol_status fail_type(
	const struct pol_declared_fact *fact, char *why)
{
	static const char *const whats[] = {
		[POL_TYPE_ABSENT] = "has no type",
		[POL_TYPE_STRING] = "is a string",
		[POL_TYPE_STRINGS] = "is a set of strings",
		[POL_TYPE_INT] = "is an int",
		[POL_TYPE_BOOL] = "is a bool",
		[POL_TYPE_TIME] = "is a time: Unix seconds, or RFC 3339",
		[POL_TYPE_DURATION] = "is a duration: seconds, or a number with s, m, h or d",
		[POL_TYPE_ADDRESS] = "is an IP address",
		[POL_TYPE_WORD] = "is a word", /* fail_word says more */
		[POL_TYPE_NETWORK] = "has no type",
	};

	return fact->type == POL_TYPE_WORD ? fail_word(fact, why)
					   : fail(fact, why, POL_EINVALID, whats[fact->type]);
}

/* The rest of check_text. */
__attribute__((noinline)) static enum pol_status check_long_text(
	const struct pol_declared_fact *fact, struct pol_str text, char *why)
{
	if (text.len > POL_GIVEN_STRING) {
		return fail(fact, why, POL_ELIMIT, "has a string of more than 1,024 bytes");
	}
	return pol_str_is_utf8(text) ? POL_OK : fail(fact, why, POL_EINVALID, "is not UTF-8");
}

static inline enum pol_status check_text(
	const struct pol_declared_fact *fact, struct pol_str text, char *why)
{
	return pol_str_is_short_ascii(text) ? POL_OK : check_long_text(fact, text, why);
}

enum pol_status pol_given_read_set(const struct pol_declared_fact *fact, struct pol_str *items,
	uint32_t count, struct pol_value *out, char why[POL_GIVEN_WHY])
{
	if (fact->type != POL_TYPE_STRINGS) {
		return fail_type(fact, why);
	}
	if (count > POL_GIVEN_MEMBERS) {
		return fail(fact, why, POL_ELIMIT, "has more than 256 members");
	}
	for (uint32_t i = 0; i < count; i++) {
		enum pol_status status = check_text(fact, items[i], why);

		if (status != POL_OK) {
			return status;
		}
	}
	out->type = POL_TYPE_STRINGS;
	out->strings = (struct pol_strings){ items, pol_value_sort(items, count) };
	return POL_OK;
}

/* The word as declared: that view lives as long as the snapshot. */
static bool read_word(
	const struct pol_declared_fact *fact, struct pol_str text, struct pol_str *out)
{
	for (uint32_t i = 0; i < fact->word_count; i++) {
		if (pol_str_equal_short(fact->words[i], text)) {
			*out = fact->words[i];
			return true;
		}
	}
	return false;
}

static bool read_duration(struct pol_str text, int64_t *out)
{
	uint64_t seconds;

	if (pol_timetext_parse_duration(text, &seconds) != POL_OK) {
		return false;
	}
	*out = (int64_t)seconds;
	return true;
}

/* Text that stands for a value of another type than STRING. */
static enum pol_status read_spelled(
	const struct pol_declared_fact *fact, struct pol_str text, struct pol_value *out, char *why)
{
	struct pol_value value = { .type = fact->type };
	bool good = false;

	switch (value.type) {
	case POL_TYPE_WORD:
		good = read_word(fact, text, &value.text);
		break;
	case POL_TYPE_TIME:
		good = pol_timetext_parse(text, &value.number) == POL_OK;
		break;
	case POL_TYPE_DURATION:
		good = read_duration(text, &value.number);
		break;
	case POL_TYPE_ADDRESS:
		good = pol_cidr_parse_ip(text, &value.address) == POL_OK;
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_STRING:
	case POL_TYPE_STRINGS:
	case POL_TYPE_INT:
	case POL_TYPE_BOOL:
	case POL_TYPE_NETWORK:
		break;
	}
	if (!good) {
		return fail_type(fact, why);
	}
	*out = value;
	return POL_OK;
}

/* The rest of pol_given_read_string. */
__attribute__((noinline)) static enum pol_status read_any_text(
	const struct pol_declared_fact *fact, struct pol_str text, struct pol_value *out, char *why)
{
	enum pol_status status = check_text(fact, text, why);

	if (status != POL_OK) {
		return status;
	}
	if (fact->type != POL_TYPE_STRING) {
		return read_spelled(fact, text, out, why);
	}
	out->type = POL_TYPE_STRING;
	out->text = text;
	return POL_OK;
}

enum pol_status pol_given_read_string(const struct pol_declared_fact *fact, struct pol_str text,
	struct pol_value *out, char why[POL_GIVEN_WHY])
{
	if (fact->type != POL_TYPE_STRING || !pol_str_is_short_ascii(text)) {
		return read_any_text(fact, text, out, why);
	}
	out->type = POL_TYPE_STRING;
	out->text = text;
	return POL_OK;
}

enum pol_status pol_given_read_number(const struct pol_declared_fact *fact, int64_t number,
	struct pol_value *out, char why[POL_GIVEN_WHY])
{
	if (fact->type != POL_TYPE_INT && fact->type != POL_TYPE_TIME &&
		fact->type != POL_TYPE_DURATION) {
		return fail_type(fact, why);
	}
	out->type = fact->type;
	out->number = number;
	return POL_OK;
}

enum pol_status pol_given_read_bool(const struct pol_declared_fact *fact, bool truth,
	struct pol_value *out, char why[POL_GIVEN_WHY])
{
	if (fact->type != POL_TYPE_BOOL) {
		return fail_type(fact, why);
	}
	out->type = POL_TYPE_BOOL;
	out->number = truth;
	return POL_OK;
}

/* Copies the members of a set to `room`, unless they are there. */
static enum pol_status read_set(const struct pol_declared_fact *fact, const struct pol_raw *raw,
	struct pol_str *room, struct pol_value *out, char *why)
{
	uint32_t count = raw->count <= POL_GIVEN_MEMBERS ? raw->count : 0;

	for (uint32_t i = 0; i < count; i++) {
		room[i] = raw->items[i];
	}
	return pol_given_read_set(fact, room, raw->count, out, why);
}

enum pol_status pol_given_read(const struct pol_snapshot *snapshot, const struct pol_raw *raw,
	struct pol_str *room, struct pol_given_fact *item, char why[POL_GIVEN_WHY])
{
	const struct pol_declared_fact *fact;

	if (item->fact >= snapshot->fact_count) {
		snprintf(why, POL_GIVEN_WHY, "no such fact is declared");
		return POL_EINVALID;
	}
	fact = &snapshot->facts[item->fact];
	switch (raw->kind) {
	case POL_RAW_NIL:
		item->value = (struct pol_value){ 0 };
		return POL_OK;
	case POL_RAW_STRING:
		return pol_given_read_string(fact, raw->text, &item->value, why);
	case POL_RAW_INT:
		return pol_given_read_number(fact, raw->number, &item->value, why);
	case POL_RAW_BOOL:
		return pol_given_read_bool(fact, raw->number != 0, &item->value, why);
	case POL_RAW_STRINGS:
		return read_set(fact, raw, room, &item->value, why);
	}
	return POL_EINVALID;
}

/* By insertion: there are few, and they often come sorted. */
bool pol_given_sort(struct pol_given_fact *items, uint32_t count, uint32_t *out_twice)
{
	for (uint32_t i = 1; i < count; i++) {
		struct pol_given_fact item = items[i];
		uint32_t at = i;

		while (at > 0 && items[at - 1].fact > item.fact) {
			items[at] = items[at - 1];
			at--;
		}
		items[at] = item;
		if (at > 0 && items[at - 1].fact == item.fact) {
			*out_twice = item.fact;
			return false;
		}
	}
	return true;
}

const struct pol_given_fact *pol_given_find(const struct pol_given *given, uint32_t fact)
{
	uint32_t low = 0;
	uint32_t high = given->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (given->items[middle].fact < fact) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < given->count && given->items[low].fact == fact ? &given->items[low] : NULL;
}
