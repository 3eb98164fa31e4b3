/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attributes_fuzz: any names and texts as the attributes of a principal, `NAME=TEXT` with a NUL
 * byte after each. Those that may be written have no unknown value when they are read; others are
 * unknown or are refused with a message.
 */
#include "daemon/load/attributes.h"
#include "daemon/store/record.h"
#include "tests/fuzz/facts.h"

enum { MOST = 64 };

/* Packs those with different names; the store has each once. */
static void pack(const char *text, size_t size, struct store_pack *out)
{
	struct pol_str names[MOST];
	size_t at = 0;

	while (at < size && out->count < (uint32_t)2 * MOST) {
		const char *stop = memchr(text + at, '\0', size - at);
		size_t len = stop != NULL ? (size_t)(stop - text) - at : size - at;
		const char *is = memchr(text + at, '=', len);
		struct pol_str name = { text + at, is != NULL ? (size_t)(is - text) - at : len };
		struct pol_str value = { is != NULL ? is + 1 : "",
			is != NULL ? len - name.len - 1 : 0 };
		bool known = name.len == 0 || name.len > STORE_MAX_NAME || value.len > 4096;

		for (uint32_t i = 0; i < out->count / 2; i++) {
			known = known || pol_str_equal(names[i], name);
		}
		if (!known) {
			names[out->count / 2] = name;
			if (!store_pack_add(out, name) || !store_pack_add(out, value)) {
				break;
			}
		}
		at += len + 1;
	}
}

static void count(void *context, struct pol_str name)
{
	(void)name;
	++*(uint32_t *)context;
}

static void check(const struct pol_snapshot *snapshot, struct store_list list)
{
	static struct attributes attributes;
	char why[POL_GIVEN_WHY] = "";
	bool may = attributes_check(snapshot, list, (struct store_list){ NULL, 0, 0 }, why);
	uint32_t unknown = 0, absent = 0;

	fuzz_require(may || why[0] != '\0');
	attributes_read(snapshot, list, &attributes);
	facts_check(snapshot, &attributes.given);
	for (uint32_t i = 0; i < attributes.given.count; i++) {
		absent += attributes.given.items[i].value.type == POL_TYPE_ABSENT;
	}
	attributes_find_unknown(snapshot, list, count, &unknown);
	fuzz_require(!may || (absent == 0 && unknown == 0));
	fuzz_require(attributes.given.count == 0 || attributes_are_facts(snapshot, list));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pol_snapshot *snapshot;
	static uint8_t bytes[STORE_MAX_RECORD];
	struct store_pack packed = { .bytes = bytes, .cap = sizeof bytes };
	char *copy = fuzz_copy(data, size);

	snapshot = snapshot != NULL ? snapshot : facts_compile();
	pack(copy, size, &packed);
	check(snapshot, store_pack_list(&packed));
	free(copy);
	return 0;
}
