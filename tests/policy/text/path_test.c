/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/path.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* The segments joined by '|', or "refused". */
static void describe(struct pol_str raw, char *out, size_t room)
{
	struct pol_path path;
	size_t used = 0;

	if (pol_path_read(raw, &path) != POL_OK) {
		cr_assert_eq(path.count, 0);
		snprintf(out, room, "refused");
		return;
	}
	out[0] = '\0';
	for (uint32_t i = 0; i < path.count; i++) {
		used += (size_t)snprintf(out + used, room - used, "%s%.*s", i > 0 ? "|" : "",
			POL_STR_ARGS(path.segments[i]));
	}
}

struct row {
	const char *raw;
	const char *segments;
};

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char got[8192];

		describe(pol_str_of(rows[i].raw), got, sizeof got);
		cr_expect_str_eq(got, rows[i].segments, "%s: got %s, not %s", rows[i].raw, got,
			rows[i].segments);
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

Test(path, a_plain_path_is_split_at_its_slashes)
{
	static const struct row rows[] = {
		{ "/", "" }, { "/?x=/../y", "" }, { "/loans", "loans" }, { "/loans/", "loans" },
		{ "/loans/123/payments", "loans|123|payments" },
		{ "/loans/123/payments/?page=2;x#y", "loans|123|payments" },
		{ "/a%20b/c", "a b|c" }, { "/a b", "a b" }, { "/%61%62", "ab" },
		{ "/a.b/..c/.d/e..", "a.b|..c|.d|e.." },
		{ "/%C3%A9/\xc3\xa9", "\xc3\xa9|\xc3\xa9" }, { "/100%25", "100%" },
		{ "/100%25zz", "100%zz" }, { "/a%3Bb", "a;b" }, { "/a/..%3B/b", "a|..;|b" },
		{ "/{loan}/*", "{loan}|*" },
		{ "/%2541", "%41" }, /* decoded twice it is another letter, and none of what is
					refused */
	};
	CHECK(rows);
}

Test(path, dot_segments_are_refused_in_any_spelling)
{
	static const struct row rows[] = {
		{ "/.", "refused" },
		{ "/..", "refused" },
		{ "/a/../b", "refused" }, /* CVE-2019-9901: RBAC saw /a/../b, the service /b */
		{ "/a/./b", "refused" },
		{ "/a/..", "refused" },
		{ "/a/../", "refused" },
		{ "/a/..?x", "refused" },
		{ "/a/%2e%2e/b", "refused" },
		{ "/a/%2E./b", "refused" },
		{ "/a/.%2e/b", "refused" },
		{ "/a/%2e/b", "refused" },
		{ "/a/%252e%252e/b", "refused" },
		{ "/a/%252e/b", "refused" },
		{ "/a/%25252e%25252e/b", "refused" },
		{ "/a/%252%65%252e/b", "refused" },
		{ "/a/..;/b", "refused" }, /* path parameters, as Tomcat cuts them */
		{ "/a/.. /b", "refused" },
		{ "/a/..%20/b", "refused" },
		{ "/a/.../b", "refused" },
		{ "/a/%20", "refused" }, /* the end of the path in nginx's $uri */
		{ "/a/ ", "refused" },
		{ "/a/%20%20/b", "refused" },
		{ "/a/%2520", "refused" },
	};
	CHECK(rows);
}

Test(path, slashes_in_disguise_are_refused)
{
	static const struct row rows[] = {
		{ "/a%2Fb", "refused" }, /* CVE-2021-29492: %2F and %5C were not unescaped */
		{ "/a%2fb", "refused" },
		{ "/a%5Cb", "refused" },
		{ "/a%5cb", "refused" },
		{ "/a\\b", "refused" },
		{ "/a%252Fb", "refused" },
		{ "/a%255Cb", "refused" },
		{ "/a%25252fb", "refused" },
		{ "/a%%32Fb", "refused" },
		{ "/a%25%32Fb", "refused" },
		{ "/a%2%46b", "refused" },
		{ "//", "refused" },
		{ "//a", "refused" },
		{ "/a//b", "refused" },
		{ "/a//", "refused" },
		{ "///", "refused" },
		{ "/a/%c0%af", "refused" }, /* an overlong slash */
		{ "/a/%25c0%25af", "refused" },
		{ "/a/%e0%80%af", "refused" },
		{ "/a/%c0%ae%c0%ae/b", "refused" },
	};
	CHECK(rows);
}

Test(path, characters_where_other_programs_cut_are_refused)
{
	static const struct row rows[] = {
		{ "/a#b", "refused" }, /* CVE-2021-32779: "#fragment" was part of the path */
		{ "/a#", "refused" },
		{ "/a%23b", "refused" },
		{ "/a%23", "refused" },
		{ "/a%3fb", "refused" }, /* raw again in nginx's $uri, where it begins a query */
		{ "/%3F", "refused" },
		{ "/a%3F/b", "refused" },
		{ "/a;b", "refused" },
		{ "/a;x=y/b", "refused" },
		{ "/a%00", "refused" },
		{ "/a%00.json", "refused" },
		{ "/a%2500", "refused" },
		{ "/a%0a", "refused" },
		{ "/a%7f", "refused" },
		{ "/a\tb", "refused" },
		{ "/a\x7f", "refused" },
		{ "/a%c2%85", "refused" },
		{ "/a%250d%250a", "refused" },
		{ "/a%253b", "refused" },
		{ "/a%253f", "refused" },
		{ "/a%2523", "refused" },
	};
	CHECK(rows);
}

Test(path, broken_bytes_are_refused)
{
	static const struct row rows[] = {
		{ "", "refused" }, { "a", "refused" }, { "loans/1", "refused" }, { "?", "refused" },
		{ "http://host/a", "refused" }, { "*", "refused" }, { "/%", "refused" },
		{ "/%2", "refused" }, { "/%zz", "refused" }, { "/%u002f", "refused" },
		{ "/a%", "refused" }, { "/%4/1", "refused" }, { "/\xff", "refused" },
		{ "/%ff", "refused" }, { "/\xed\xa0\x80", "refused" }, { "/\xc3", "refused" },
		{ "/%c3/%a9", "refused" },
		{ "/%25c%2541%25af/", "refused" }, /* decoded twice no UTF-8, thrice again */
	};
	CHECK(rows);
}

Test(path, a_slash_at_the_end_and_a_second_encoding_are_noted)
{
	struct pol_path path;

	cr_assert_eq(pol_path_read(POL_STR("/a/%62/"), &path), POL_OK);
	cr_expect(path.slash);
	cr_expect_eq(path.encoded, 2);
	cr_expect_eq(path.percent, 0);
	cr_assert_eq(pol_path_read(POL_STR("/a/b%25/%2541?x=/"), &path), POL_OK);
	cr_expect_not(path.slash);
	cr_expect_eq(path.percent, 6);
	cr_assert_eq(pol_path_read(POL_STR("/"), &path), POL_OK);
	cr_expect_not(path.slash);
}

Test(path, a_nul_byte_is_refused)
{
	struct pol_path path;

	cr_assert_eq(pol_path_read(POL_STR("/a\0b"), &path), POL_EINVALID);
	cr_assert_eq(pol_path_read((struct pol_str){ 0 }, &path), POL_EINVALID);
}

Test(path, no_more_than_4096_bytes_are_a_path)
{
	static char raw[2 * POL_PATH_BYTES];
	struct pol_path path;

	memset(raw, 'a', sizeof raw);
	raw[0] = '/';
	cr_expect_eq(pol_path_read((struct pol_str){ raw, POL_PATH_BYTES }, &path), POL_OK);
	cr_expect_eq(
		pol_path_read((struct pol_str){ raw, POL_PATH_BYTES + 1 }, &path), POL_EINVALID);
	raw[POL_PATH_BYTES] = '?'; /* what follows is the query's */
	cr_expect_eq(pol_path_read((struct pol_str){ raw, sizeof raw }, &path), POL_OK);
	for (size_t i = 1; i + 3 <= POL_PATH_BYTES; i += 3) {
		memcpy(raw + i, "%41", 3);
	}
	cr_expect_eq(pol_path_read((struct pol_str){ raw, POL_PATH_BYTES }, &path), POL_OK);
	cr_expect_eq(path.segments[0].len, POL_PATH_BYTES / 3);
	for (size_t i = 2; i + 2 <= POL_PATH_BYTES; i += 2) {
		memcpy(raw + i, "25", 2);
	}
	/* Thousands of encodings upon one another: refused, and at no more cost than a few. */
	cr_expect_eq(pol_path_read((struct pol_str){ raw, POL_PATH_BYTES }, &path), POL_EINVALID);
}

Test(path, no_more_than_64_segments_are_a_path)
{
	char raw[2 * POL_PATH_SEGMENTS + 3];
	struct pol_path path;

	for (size_t i = 0; i < sizeof raw; i++) {
		raw[i] = i % 2 == 0 ? '/' : 'a';
	}
	cr_expect_eq(pol_path_read((struct pol_str){ raw, 2 * POL_PATH_SEGMENTS }, &path), POL_OK);
	cr_expect_eq(path.count, POL_PATH_SEGMENTS);
	cr_expect_eq(
		pol_path_read((struct pol_str){ raw, 2 * POL_PATH_SEGMENTS + 1 }, &path), POL_OK);
	cr_expect_eq(pol_path_read((struct pol_str){ raw, 2 * POL_PATH_SEGMENTS + 2 }, &path),
		POL_EINVALID);
}

Test(path, a_fault_is_named_exactly_when_there_is_one)
{
	cr_expect_null(pol_path_fault(POL_STR("/a/b")));
	cr_expect_str_eq(pol_path_fault(POL_STR("/a//b")), "an empty segment");
}

Test(path, a_resource_is_split_at_its_first_colon)
{
	struct pol_str tree;
	struct pol_str path;

	cr_assert(pol_path_split(POL_STR("api:/a:/b"), &tree, &path));
	cr_expect(pol_str_equal(tree, POL_STR("api")));
	cr_expect(pol_str_equal(path, POL_STR("/a:/b")));
	cr_expect_not(pol_path_split(POL_STR("api"), &tree, &path));
	cr_expect_not(pol_path_split(POL_STR("api:"), &tree, &path));
	cr_expect_not(pol_path_split(POL_STR("api:a"), &tree, &path));
	cr_expect_not(pol_path_split(POL_STR(":/a"), &tree, &path));
	cr_expect_not(pol_path_split((struct pol_str){ 0 }, &tree, &path));
}

/* As everything that keeps a place does: in canonical spelling, or not at all. */
static enum pol_path_place_match match(const char *place, const char *tree, const char *raw)
{
	struct pol_path path;
	struct pol_str kept = { 0 };
	char room[64];

	cr_assert_eq(pol_path_read(pol_str_of(raw), &path), POL_OK);
	if (pol_path_place_normalise(pol_str_of(place), room, &kept) != POL_OK) {
		kept = (struct pol_str){ 0 };
	}
	return pol_path_place_match(kept, pol_str_of(tree), &path);
}

Test(path, a_place_covers_itself_and_what_is_below)
{
	cr_expect_eq(match("api:/loans/7", "api", "/loans/7"), POL_PLACE_INSIDE);
	cr_expect_eq(match("api:/loans/7/", "api", "/loans/7/x"), POL_PLACE_INSIDE);
	cr_expect_eq(match("api:/loans/%37", "api", "/loans/7/x"), POL_PLACE_INSIDE);
	cr_expect_eq(match("api:/", "api", "/"), POL_PLACE_INSIDE);
	cr_expect_eq(match("api:/", "api", "/loans"), POL_PLACE_INSIDE);
	cr_expect_eq(match("api:/loans/7", "api", "/loans/77"), POL_PLACE_OUTSIDE);
	cr_expect_eq(match("api:/loans/77", "api", "/loans/7"), POL_PLACE_OUTSIDE);
	cr_expect_eq(match("api:/loans/7", "api", "/loans"), POL_PLACE_OUTSIDE);
	cr_expect_eq(match("api:/loans/7", "api", "/"), POL_PLACE_OUTSIDE);
	cr_expect_eq(match("api:/loans/A", "api", "/loans/a"), POL_PLACE_OUTSIDE);
	cr_expect_eq(match("api:/a/b", "api", "/b/a"), POL_PLACE_OUTSIDE);
	cr_expect_eq(match("ui:/loans/7", "api", "/loans/7"), POL_PLACE_ELSEWHERE);
	cr_expect_eq(match("api:/loans/../7", "api", "/loans/7"), POL_PLACE_ELSEWHERE);
	cr_expect_eq(match("loans", "api", "/loans/7"), POL_PLACE_ELSEWHERE);
}

Test(path, a_place_is_compared_by_what_its_segments_mean)
{
	static const struct {
		const char *place;
		const char *path;
		bool inside;
	} rows[] = {
		{ "api:/a?b", "/a/x", true },
		{ "api:/a%3Bb", "/a%3bb/x", true },
		{ "api:/a%3Bb%3b", "/a%3bb%3B", true },
		{ "api:/a%3Bb%3b", "/a%3bb", false },
		{ "api:/a%3Bb", "/a%3bb%3B", false },
		{ "api:/a/", "/a", true },
		{ "api:/a/b", "/b/a", false },
		{ "api:/\xc3\xa9", "/%C3%A9", true },
		{ "api:/100%25/x", "/100%25/x", true },
		{ "api:/100%25", "/100%2525", false },
		{ "api:/100%2525", "/100%25", false },
		{ "api:/100%2525", "/100%2525/y", true },
		{ "api:/%2541", "/A", false },
		{ "api:/A", "/%2541", false },
		{ "api:/%2541", "/%2541", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cr_expect_eq(match(rows[i].place, "api", rows[i].path),
			rows[i].inside ? POL_PLACE_INSIDE : POL_PLACE_OUTSIDE, "%s at %s",
			rows[i].path, rows[i].place);
	}
}

Test(path, a_place_has_one_spelling)
{
	static const struct {
		const char *place;
		const char *normal; /* NULL: it is not a path */
	} rows[] = {
		{ "api:/loans/7", "api:/loans/7" },
		{ "api:/loans/7/", "api:/loans/7" },
		{ "api:/loans/%37", "api:/loans/7" },
		{ "api:/loans/7?x=1", "api:/loans/7" },
		{ "api:/", "api:/" },
		{ "api:/?", "api:/" },
		{ "api:/a%20b/c d", "api:/a b/c d" },
		{ "api:/%c3%a9", "api:/\xc3\xa9" },
		{ "api:/100%25/x", "api:/100%25/x" },
		{ "api:/100%25zz", "api:/100%25zz" },
		{ "api:/%2541", "api:/%2541" },
		{ "api:/a%3bb", "api:/a%3Bb" },
		{ "api:/a%3fb", NULL },
		{ "api:/a%23b", NULL },
		{ "api:/..%3B", "api:/..%3B" },
		{ "api:/a:%62", "api:/a:b" },
		{ "api:/{loan}/*", "api:/{loan}/*" },
		{ "api:/loans/../7", NULL },
		{ "api:/loans//7", NULL },
		{ "api:loans", NULL },
		{ "loans", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pol_str place = pol_str_of(rows[i].place);
		char room[64], again[64];
		struct pol_str got, twice;
		enum pol_status status = pol_path_place_normalise(place, room, &got);

		if (rows[i].normal == NULL) {
			cr_expect_eq(status, POL_EINVALID, "%s", rows[i].place);
			continue;
		}
		cr_assert_eq(status, POL_OK, "%s", rows[i].place);
		cr_expect_leq(got.len, place.len);
		cr_expect(pol_str_equal(got, pol_str_of(rows[i].normal)), "%s: got %.*s",
			rows[i].place, POL_STR_ARGS(got));
		cr_assert_eq(pol_path_place_normalise(got, again, &twice), POL_OK);
		cr_expect(pol_str_equal(got, twice), "%s twice: %.*s", rows[i].place,
			POL_STR_ARGS(twice));
	}
}

Test(path, a_memo_reads_a_path_once)
{
	struct pol_path_memo memo;

	pol_path_memo_begin(&memo);
	cr_assert_eq(pol_path_recall(POL_STR("/a/%62"), &memo), POL_OK);
	cr_expect_eq(memo.path.count, 2);
	memo.path.count = 7;
	cr_assert_eq(pol_path_recall(POL_STR("/a/%62"), &memo), POL_OK);
	cr_expect_eq(memo.path.count, 7);
	pol_path_memo_begin(&memo);
	cr_assert_eq(pol_path_recall(POL_STR("/a//b"), &memo), POL_EINVALID);
	cr_assert_eq(pol_path_recall(POL_STR("/a//b"), &memo), POL_EINVALID);
}
