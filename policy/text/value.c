/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/value.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/cidr.h"
#include "policy/text/str.h"
#include "policy/text/timetext.h"
#include "policy/text/unicode.h"

/* Bytes of a number, a time or a network as text, with its NUL. */
#define VALUE_TEXT (POL_IP_TEXT + sizeof "/128")

static int order(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_sets(const struct pol_strings *a, const struct pol_strings *b)
{
	for (uint32_t i = 0; i < a->count && i < b->count; i++) {
		int by = pol_str_compare(a->items[i], b->items[i]);

		if (by != 0) {
			return by;
		}
	}
	return order(a->count, b->count);
}

static int compare_networks(const struct pol_network *a, const struct pol_network *b)
{
	int by = memcmp(a->bytes, b->bytes, sizeof a->bytes);

	return by != 0 ? by : order(a->bits, b->bits);
}

int pol_value_compare(const struct pol_value *a, const struct pol_value *b)
{
	if (a->type != b->type) {
		return order(a->type, b->type);
	}
	switch (a->type) {
	case POL_TYPE_STRING:
	case POL_TYPE_WORD:
		return pol_str_compare(a->text, b->text);
	case POL_TYPE_STRINGS:
		return compare_sets(&a->strings, &b->strings);
	case POL_TYPE_INT:
	case POL_TYPE_BOOL:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
		return order(a->number, b->number);
	case POL_TYPE_ADDRESS:
		return memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
	case POL_TYPE_NETWORK:
		return compare_networks(&a->network, &b->network);
	case POL_TYPE_ABSENT:
		break;
	}
	return 0;
}

bool pol_value_equal(const struct pol_value *a, const struct pol_value *b)
{
	if (a->type != b->type || a->type == POL_TYPE_ABSENT) {
		return false;
	}
	if (a->type == POL_TYPE_STRING || a->type == POL_TYPE_WORD) {
		return pol_str_equal(a->text, b->text);
	}
	return pol_value_compare(a, b) == 0;
}

bool pol_value_has(const struct pol_strings *set, struct pol_str text)
{
	uint32_t low = 0;
	uint32_t high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int by = pol_str_compare(set->items[middle], text);

		if (by == 0) {
			return true;
		}
		if (by < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return false;
}

/* Moves the item at `from` down to its place in the heap of the first `count` items. */
static void sift(struct pol_str *items, uint32_t from, uint32_t count)
{
	struct pol_str item = items[from];
	size_t at = from;

	for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && pol_str_compare(items[child], items[child + 1]) < 0) {
			child++;
		}
		if (pol_str_compare(item, items[child]) >= 0) {
			break;
		}
		items[at] = items[child];
		at = child;
	}
	items[at] = item;
}

/* Sorted, each once? */
static bool is_sorted(const struct pol_str *items, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		struct pol_str before = items[i - 1], item = items[i];

		/* Most differ in their first byte. */
		if (before.len > 0 && item.len > 0 &&
			(unsigned char)before.ptr[0] < (unsigned char)item.ptr[0]) {
			continue;
		}
		if (pol_str_compare(before, item) >= 0) {
			return false;
		}
	}
	return true;
}

/* Sets often come sorted. The others by a heap: qsort allocates, and for a set that a peer chose
 * its time is not bounded. */
uint32_t pol_value_sort(struct pol_str *items, uint32_t count)
{
	uint32_t kept = 0;

	if (is_sorted(items, count)) {
		return count;
	}
	for (uint32_t i = count / 2; i > 0; i--) {
		sift(items, i - 1, count);
	}
	for (uint32_t end = count; end > 1; end--) {
		struct pol_str last = items[0];

		items[0] = items[end - 1];
		items[end - 1] = last;
		sift(items, 0, end - 1);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (kept == 0 || !pol_str_equal(items[kept - 1], items[i])) {
			items[kept++] = items[i];
		}
	}
	return kept;
}

const char *pol_value_type(enum pol_type type)
{
	static const char *const words[] = {
		[POL_TYPE_ABSENT] = "absent",
		[POL_TYPE_STRING] = "string",
		[POL_TYPE_STRINGS] = "strings",
		[POL_TYPE_INT] = "int",
		[POL_TYPE_BOOL] = "bool",
		[POL_TYPE_TIME] = "time",
		[POL_TYPE_DURATION] = "duration",
		[POL_TYPE_ADDRESS] = "address",
		[POL_TYPE_WORD] = "word",
		[POL_TYPE_NETWORK] = "network",
	};

	assert((size_t)type < sizeof words / sizeof *words);
	return words[type];
}

/* --- text ------------------------------------------------------------------------------------- */

/* Text that is cut at the end of its buffer, and counted whole. */
struct text {
	char *out;
	size_t size;
	size_t len;
};

static void put(struct text *text, const char *bytes, size_t len)
{
	size_t room = text->size > text->len ? text->size - text->len - 1 : 0;

	if (len > 0 && room > 0) {
		memcpy(text->out + text->len, bytes, len < room ? len : room);
	}
	text->len += len;
}

/* Ends the text, cut to whole characters. */
static size_t end(struct text *text)
{
	size_t at = text->len < text->size ? text->len : text->size - 1;
	size_t last = at;
	uint32_t character;

	if (text->size == 0) {
		return text->len;
	}
	while (last > 0 && ((unsigned char)text->out[last - 1] & 0xc0) == 0x80) {
		last--;
	}
	last -= last > 0;
	if (at < text->len && pol_unicode_decode((struct pol_str){ text->out + last, at - last },
				      &character) == 0) {
		at = last;
	}
	text->out[at] = '\0';
	return text->len;
}

/* A string as the language quotes it. */
static void put_quoted(struct text *text, struct pol_str string)
{
	size_t done = 0;

	put(text, "\"", 1);
	for (size_t i = 0; i < string.len; i++) {
		char c = string.ptr[i];

		if (c == '"' || c == '\\' || c == '\n') {
			char escape[2] = { '\\', c == '\n' ? 'n' : c };

			put(text, string.ptr + done, i - done);
			put(text, escape, sizeof escape);
			done = i + 1;
		}
	}
	if (done < string.len) {
		put(text, string.ptr + done, string.len - done);
	}
	put(text, "\"", 1);
}

static void put_set(struct text *text, const struct pol_strings *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		put(text, ", ", i > 0 ? 2 : 0);
		put_quoted(text, set->items[i]);
	}
	if (set->count == 0) {
		put(text, "empty", 5);
	}
}

static void format_network(const struct pol_network *network, char out[VALUE_TEXT])
{
	static const unsigned char mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	struct pol_ip ip = { .known = true };
	unsigned bits = network->bits;
	char address[POL_IP_TEXT + 1];

	memcpy(ip.bytes, network->bytes, sizeof ip.bytes);
	pol_cidr_format_ip(&ip, address);
	if (bits >= sizeof mapped * 8 && memcmp(ip.bytes, mapped, sizeof mapped) == 0) {
		bits -= sizeof mapped * 8;
	}
	snprintf(out, VALUE_TEXT, "%s/%u", address, bits);
}

/* The text of a value that has no text itself. */
static void format_plain(const struct pol_value *value, char out[VALUE_TEXT])
{
	switch (value->type) {
	case POL_TYPE_BOOL:
		snprintf(out, VALUE_TEXT, "%s", value->number != 0 ? "true" : "false");
		return;
	case POL_TYPE_TIME:
		/* What RFC 3339 has no text for stays a number. */
		if (pol_timetext_format(value->number, out) == POL_OK) {
			return;
		}
		break;
	case POL_TYPE_DURATION:
		snprintf(out, VALUE_TEXT, "%" PRId64 "s", value->number);
		return;
	case POL_TYPE_ADDRESS:
		pol_cidr_format_ip(&value->address, out);
		return;
	case POL_TYPE_NETWORK:
		format_network(&value->network, out);
		return;
	case POL_TYPE_ABSENT:
		snprintf(out, VALUE_TEXT, "absent");
		return;
	case POL_TYPE_INT:
	case POL_TYPE_STRING:
	case POL_TYPE_STRINGS:
	case POL_TYPE_WORD:
		break;
	}
	snprintf(out, VALUE_TEXT, "%" PRId64, value->number);
}

size_t pol_value_format(const struct pol_value *value, char *out, size_t size)
{
	struct text text = { out, size, 0 };
	char plain[VALUE_TEXT];

	if (value->type == POL_TYPE_STRING) {
		put_quoted(&text, value->text);
	} else if (value->type == POL_TYPE_WORD) {
		put(&text, value->text.ptr, value->text.len);
	} else if (value->type == POL_TYPE_STRINGS) {
		put_set(&text, &value->strings);
	} else {
		format_plain(value, plain);
		put(&text, plain, strlen(plain));
	}
	return end(&text);
}
