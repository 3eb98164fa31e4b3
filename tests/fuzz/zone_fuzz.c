/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_fuzz: any bytes as a time zone's file, and as the rule in its footer. A zone that is
 * accepted has an offset of at most a week at any time, and always the same one.
 */
#include "policy/decide/zone.h"
#include "tests/fuzz/fuzz.h"

#define WEEK (7 * 24 * 3600)

static void check_offsets(const struct pol_zone *zone)
{
	static const int64_t times[] = { INT64_MIN, INT64_MIN + 1, -62167219200, -1, 0, 1,
		951782400, 1711846799, 1711846800, 2147483647, 2147483648, 4102444800, 253402300799,
		INT64_MAX - 1, INT64_MAX };

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		int32_t offset = pol_zone_offset(zone, times[i]);

		fuzz_require(offset <= WEEK && offset >= -WEEK);
		fuzz_require(pol_zone_offset(zone, times[i]) == offset);
	}
}

static void read_zone(const char *bytes, size_t size)
{
	const struct pol_zone *zone = NULL;
	struct pol_arena arena;

	pol_arena_init(&arena, (size_t)1 << 20);
	if (pol_zone_read((struct pol_str){ bytes, size }, &arena, &zone) == POL_OK) {
		check_offsets(zone);
	}
	pol_arena_finish(&arena);
}

/* A file without transitions, so that the rule alone counts: RFC 8536, version 2. */
static size_t write_rule(char *out, const uint8_t *rule, size_t size)
{
	static const char head[44] = "TZif2";
	char one[44];
	size_t len = 0;

	memcpy(one, head, sizeof one);
	one[39] = 1; /* a type of local time */
	one[43] = 4; /* bytes of abbreviations */
	for (int part = 0; part < 2; part++) {
		memcpy(out + len, one, sizeof one);
		len += sizeof one;
		memcpy(out + len, "\0\0\0\0\0\0UTC\0", 10);
		len += 10;
	}
	out[len++] = '\n';
	memcpy(out + len, rule, size);
	len += size;
	out[len++] = '\n';
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	char *rule = malloc(size + 128);

	fuzz_require(rule != NULL);
	read_zone(copy, size);
	read_zone(rule, write_rule(rule, data, size));
	free(rule);
	free(copy);
	return 0;
}
