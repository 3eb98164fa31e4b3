/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/decide/zone.h"
#include "policy/decide/zone_rule.h"
#include "policy/text/calendar.h"
#include "policy/text/timetext.h"

/* Files are made here byte by byte; those of the machine are tests/e2e's, against another reader.
 */

Test(zone, names_are_plain)
{
	static const char *const good[] = { "UTC", "Europe/Berlin", "Etc/GMT+12", "EST5EDT",
		"America/Port-au-Prince", "America/Argentina/ComodRivadavia", "GMT-0" };
	static const char *const bad[] = { "", "/", "/UTC", "UTC/", "Europe//Berlin", "..",
		"../passwd", "Europe/../../etc/passwd", "Europe/.hidden", "zone.tab", "a b", "a\nb",
		"-x", "Etc/-1", "5", "Europe/Z\xc3\xbcrich",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		cr_expect(pol_zone_is_name(pol_str_of(good[i])), "%s", good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_expect(!pol_zone_is_name(pol_str_of(bad[i])), "%s", bad[i]);
	}
	cr_expect(!pol_zone_is_name((struct pol_str){ "UTC\0x", 5 }));
}

static int64_t at(const char *text)
{
	int64_t time;

	cr_assert_eq(pol_timetext_parse(pol_str_of(text), &time), POL_OK, "%s", text);
	return time;
}

/* What a TZ string says shortly before and at a change. */
static const struct {
	const char *rule;
	const char *time;
	int32_t offset;
} rules[] = {
	{ "UTC0", "2026-01-01", 0 },
	{ "<+0545>-5:45", "2026-07-01", 20700 },
	{ "<-03>3", "2026-07-01", -10800 },
	{ "LMT0:01:15", "2026-07-01", -75 },
	/* Denver: north, changes at 02:00 by the clock before */
	{ "MST7MDT,M3.2.0,M11.1.0", "2026-03-08T08:59:59Z", -25200 },
	{ "MST7MDT,M3.2.0,M11.1.0", "2026-03-08T09:00:00Z", -21600 },
	{ "MST7MDT,M3.2.0,M11.1.0", "2026-11-01T07:59:59Z", -21600 },
	{ "MST7MDT,M3.2.0,M11.1.0", "2026-11-01T08:00:00Z", -25200 },
	{ "MST7MDT,M3.2.0,M11.1.0", "2400-03-12T09:00:00Z", -21600 },
	/* Berlin: the last Sunday */
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600 },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200 },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 3600 },
	/* Lord Howe: south, half an hour */
	{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-01", 39600 },
	{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-04-04T14:59:59Z", 39600 },
	{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-04-04T15:00:00Z", 37800 },
	{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-10-03T15:29:59Z", 37800 },
	{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-10-03T15:30:00Z", 39600 },
	/* Dublin: summer is the standard, winter goes back */
	{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01", 0 },
	{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-03-29T00:59:59Z", 0 },
	{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-03-29T01:00:00Z", 3600 },
	{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-10-25T01:00:00Z", 0 },
	/* Nuuk: the change is on the day before its day */
	{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200 },
	{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600 },
	/* Gaza once: some days after the named day */
	{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27T23:59:59Z", 7200 },
	{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28T00:00:00Z", 10800 },
	/* days of the year, 29 February counted and not */
	{ "AAA0BBB,J60/0,J61/0", "2024-02-29T12:00:00Z", 0 },
	{ "AAA0BBB,J60/0,J61/0", "2024-03-01T00:00:00Z", 3600 },
	{ "AAA0BBB,59/0,60/0", "2024-02-29T00:00:00Z", 3600 },
	{ "AAA0BBB,59/0,60/0", "2023-03-01T00:00:00Z", 3600 },
	/* a change before the year that it is counted in */
	{ "AAA0BBB,0/-1,J100/0", "2025-12-31T22:59:59Z", 0 },
	{ "AAA0BBB,0/-1,J100/0", "2025-12-31T23:00:00Z", 3600 },
	/* summer all year */
	{ "EST5EDT,0/0,J365/25", "2025-12-31T23:59:59Z", -14400 },
	{ "EST5EDT,0/0,J365/25", "2026-01-01T04:59:59Z", -14400 },
	{ "EST5EDT,0/0,J365/25", "2026-01-01T05:00:00Z", -14400 },
	{ "EST5EDT,0/0,J365/25", "2024-12-31T12:00:00Z", -14400 },
};

Test(zone, a_rule_holds_in_both_halves_of_the_world_and_at_its_edges)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct pol_zone_rule rule;
		int32_t offset;

		cr_assert(
			pol_zone_rule_read(pol_str_of(rules[i].rule), &rule), "%s", rules[i].rule);
		offset = pol_zone_rule_offset(&rule, at(rules[i].time));
		cr_expect_eq(offset, rules[i].offset, "%s at %s: %d", rules[i].rule, rules[i].time,
			offset);
	}
}

/* The calendar repeats every 400 years, and the rules with it, up to the ends of int64_t. */
Test(zone, a_rule_holds_at_any_time)
{
	static const int64_t times[] = { INT64_MIN, INT64_MIN + 1, INT64_MIN / 2, INT64_MAX / 2,
		INT64_MAX - 1, INT64_MAX, INT64_C(1) << 56, -(INT64_C(1) << 56) };
	const int64_t cycle = POL_CALENDAR_CYCLE * POL_DAY;

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct pol_zone_rule rule;
		int64_t time = at(rules[i].time);

		cr_assert(
			pol_zone_rule_read(pol_str_of(rules[i].rule), &rule), "%s", rules[i].rule);
		cr_expect_eq(pol_zone_rule_offset(&rule, time + 100000 * cycle), rules[i].offset,
			"%s", rules[i].rule);
		cr_expect_eq(pol_zone_rule_offset(&rule, time - 100000 * cycle), rules[i].offset,
			"%s", rules[i].rule);
		for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
			/* The same moment of the cycle, of the years 1970 to 2369. */
			int64_t same = (times[k] % cycle + cycle) % cycle;

			cr_expect_eq(pol_zone_rule_offset(&rule, times[k]),
				pol_zone_rule_offset(&rule, same), "%s, time %zu", rules[i].rule,
				k);
		}
	}
}

Test(zone, what_is_not_a_rule_is_refused)
{
	static const char *const bad[] = { "", "U", "UT0", "UTC", "UTC0 ", "UTC25", "UTC0:60",
		"<+1>0", "<abc0", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0",
		"CET-1CEST,M3.5.0,", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J365",
		"CET-1CEST,J1,J366", "CET-1CEST,0,366", "CET-1CEST,0/168,1", "CET-1CEST,0,1x",
		"CET-1CEST,0,99999999999", ":Europe/Berlin" };
	struct pol_zone_rule rule;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_expect(!pol_zone_rule_read(pol_str_of(bad[i]), &rule), "%s", bad[i]);
	}
}

/* --- files ------------------------------------------------------------------------------------ */

struct file {
	unsigned char bytes[1024];
	size_t len;
};

static void put(struct file *file, int64_t value, size_t size)
{
	for (size_t i = size; i > 0; i--) {
		uint64_t shifted = i <= sizeof value ? (uint64_t)value >> (8 * (i - 1)) : 0;

		file->bytes[file->len++] = (unsigned char)shifted;
	}
}

struct shape {
	unsigned char version;
	uint32_t leaps;
	uint32_t times;
	int64_t at[4];
	unsigned char type[4];
	uint32_t types;
	int32_t offsets[4];
	const char *footer;
};

static void put_block(struct file *file, const struct shape *shape, size_t size)
{
	memcpy(file->bytes + file->len, "TZif", 4);
	file->len += 4;
	put(file, shape->version, 1);
	memset(file->bytes + file->len, 0, 15);
	file->len += 15;
	put(file, 0, 4);
	put(file, 0, 4);
	put(file, shape->leaps, 4);
	put(file, shape->times, 4);
	put(file, shape->types, 4);
	put(file, 4, 4);
	for (uint32_t i = 0; i < shape->times; i++) {
		put(file, shape->at[i], size);
	}
	for (uint32_t i = 0; i < shape->times; i++) {
		put(file, shape->type[i], 1);
	}
	for (uint32_t i = 0; i < shape->types; i++) {
		put(file, shape->offsets[i], 4);
		put(file, 0, 2);
	}
	put(file, 0x41424300, 4);
	for (uint32_t i = 0; i < shape->leaps; i++) {
		put(file, 0, size + 4);
	}
}

static struct file make(const struct shape *shape)
{
	struct file file = { .len = 0 };

	put_block(&file, shape, 4);
	if (shape->version != 0) {
		put_block(&file, shape, 8);
		memcpy(file.bytes + file.len, shape->footer, strlen(shape->footer));
		file.len += strlen(shape->footer);
	}
	return file;
}

static enum pol_status read_file(
	const struct file *file, struct pol_arena *arena, const struct pol_zone **out)
{
	pol_arena_init(arena, 1 << 20);
	return pol_zone_read((struct pol_str){ (const char *)file->bytes, file->len }, arena, out);
}

static const struct shape denver = {
	.version = '2',
	.times = 3,
	.at = { -2717640000, 1173603600, 1194163200 },
	.type = { 1, 2, 1 },
	.types = 3,
	.offsets = { -25196, -25200, -21600 },
	.footer = "\nMST7MDT,M3.2.0,M11.1.0\n",
};

Test(zone, a_table_holds_until_its_end_and_the_footer_from_then_on)
{
	static const struct {
		int64_t time;
		int32_t offset;
	} rows[] = {
		{ -2717640001, -25196 },
		{ -2717640000, -25200 },
		{ 1173603599, -25200 },
		{ 1173603600, -21600 },
		{ 1194163199, -21600 },
		{ 1194163200, -25200 },
		{ 1205053200 - 3600, -25200 }, /* 2008-03-09 08:00Z */
		{ 1205053200, -21600 },        /* 2008-03-09 09:00Z */
		{ INT64_C(253402300799), -25200 },
	};
	struct file file = make(&denver);
	const struct pol_zone *zone;
	struct pol_arena arena;

	cr_assert_eq(read_file(&file, &arena, &zone), POL_OK);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cr_expect_eq(pol_zone_offset(zone, rows[i].time), rows[i].offset, "row %zu: %d", i,
			pol_zone_offset(zone, rows[i].time));
	}
	pol_arena_finish(&arena);
}

Test(zone, files_of_the_first_version_and_without_a_rule_end_with_their_table)
{
	struct shape shape = denver;
	const struct pol_zone *zone;
	struct pol_arena arena;
	struct file file;

	shape.footer = "\n\n";
	file = make(&shape);
	cr_assert_eq(read_file(&file, &arena, &zone), POL_OK);
	cr_expect_eq(pol_zone_offset(zone, 2000000000), -25200);
	pol_arena_finish(&arena);
	shape.version = 0;
	shape.at[0] = -2000000000;
	file = make(&shape);
	cr_assert_eq(read_file(&file, &arena, &zone), POL_OK);
	cr_expect_eq(pol_zone_offset(zone, -2000000001), -25196);
	cr_expect_eq(pol_zone_offset(zone, 1173603600), -21600);
	pol_arena_finish(&arena);
	shape.times = 0;
	file = make(&shape);
	cr_assert_eq(read_file(&file, &arena, &zone), POL_OK);
	cr_expect_eq(pol_zone_offset(zone, 0), -25196);
	pol_arena_finish(&arena);
}

Test(zone, a_file_cut_anywhere_is_refused)
{
	struct file whole = make(&denver);

	for (size_t len = 0; len < whole.len; len++) {
		struct file file = whole;
		const struct pol_zone *zone;
		struct pol_arena arena;

		file.len = len;
		cr_expect_eq(read_file(&file, &arena, &zone), POL_EINVALID, "%zu bytes", len);
		pol_arena_finish(&arena);
	}
}

Test(zone, damaged_files_and_leap_seconds_are_refused)
{
	struct shape shapes[8];
	const struct pol_zone *zone;
	struct pol_arena arena;

	for (size_t i = 0; i < 8; i++) {
		shapes[i] = denver;
	}
	shapes[0].type[1] = 3;             /* no such type */
	shapes[1].at[2] = shapes[1].at[1]; /* not ascending */
	shapes[2].offsets[2] = 26 * 3600;  /* of no place */
	shapes[3].offsets[0] = -25 * 3600; /* the same */
	shapes[4].types = 0;
	shapes[5].leaps = 1;
	shapes[6].footer = "\nnonsense\n";
	shapes[7].footer = "MST7\n";
	for (size_t i = 0; i < 8; i++) {
		struct file file = make(&shapes[i]);

		cr_expect_eq(read_file(&file, &arena, &zone), POL_EINVALID, "shape %zu", i);
		pol_arena_finish(&arena);
	}
}
