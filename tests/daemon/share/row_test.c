/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/row.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/secret/token.h"
#include "daemon/share/log.h"
#include "tests/daemon/folder.h"

static struct secrets *secrets;
static uint8_t sealed[512], opened[512], bytes[1024];

static const struct share_content content = { { "0123456789abcdef", sizeof "0123456789abcdef" - 1 },
	{ "what was put and deleted", sizeof "what was put and deleted" - 1 } };
static struct share_head head = {
	.realm = { 1, 2, 3 }, .epoch = 4, .sequence = 41, .tag = { 5, 6, 7 }, .format = SHARE_FORMAT
};

static struct secrets *open_secrets(const char *name)
{
	struct secrets *made = NULL;
	char path[256], why[SECRET_WHY];

	folder_path(path, sizeof path, name);
	cr_assert_eq(secrets_open(path, true, &made, why), 0, "%s", why);
	return made;
}

static void setup(void)
{
	folder_make();
	secrets = open_secrets("pepper");
}

static void teardown(void)
{
	secrets_close(secrets);
	folder_remove();
}

TestSuite(row, .init = setup, .fini = teardown);

static struct share_row make(void)
{
	struct share_row row = { .host = POL_STR("one"), .at = 1234567, .asks = SHARE_ASKS_REPORT };

	cr_assert_leq(share_row_size(&content), sizeof sealed);
	cr_assert_eq(share_row_make(secrets, &head, &content, sealed, &row), 0);
	return row;
}

static int check(const struct share_row *row)
{
	return share_row_check(secrets, &head, row);
}

Test(row, a_row_that_was_made_follows_and_has_the_content)
{
	struct share_row row = make();
	struct share_content found;

	cr_expect_eq(row.sequence, 42);
	cr_expect_eq(row.format, SHARE_FORMAT);
	cr_expect_eq(row.payload.len, share_row_size(&content));
	cr_assert_eq(check(&row), 0);
	cr_assert_eq(share_row_open(secrets, &head, &row, opened, &found), 0);
	cr_expect(pol_str_equal(found.revision, content.revision));
	cr_expect(pol_str_equal(found.changes, content.changes));
}

Test(row, the_payload_is_sealed_and_no_two_rows_are_the_same)
{
	struct share_row row = make();
	uint8_t first[sizeof sealed], nonce[SHARE_NONCE];

	cr_expect_null(memmem(sealed, row.payload.len, content.changes.ptr, content.changes.len));
	memcpy(first, sealed, row.payload.len);
	memcpy(nonce, row.nonce, sizeof nonce);
	row = make();
	cr_expect_neq(memcmp(first, sealed, row.payload.len), 0);
	cr_expect_neq(memcmp(nonce, row.nonce, sizeof nonce), 0);
}

Test(row, a_row_with_one_column_altered_does_not_follow)
{
	const struct share_row right = make();
	struct share_row row = right;

	row.sequence++;
	cr_expect_eq(check(&row), -EBADMSG);
	row = right;
	row.host = POL_STR("two");
	cr_expect_eq(check(&row), -EBADMSG);
	row.host = POL_STR("");
	cr_expect_eq(check(&row), -EBADMSG);
	row = right;
	row.nonce[SHARE_NONCE - 1] ^= 1;
	cr_expect_eq(check(&row), -EBADMSG);
	row = right;
	row.at++;
	cr_expect_eq(check(&row), -EBADMSG);
	row = right;
	row.format = 0;
	cr_expect_eq(check(&row), -EBADMSG);
	row = right;
	row.asks = 0;
	cr_expect_eq(check(&row), -EBADMSG);
	row = right;
	row.payload.len--;
	cr_expect_eq(check(&row), -EBADMSG);
	row = right;
	row.tag[0] ^= 1;
	cr_expect_eq(check(&row), -EBADMSG);
	cr_expect_eq(check(&right), 0);
}

Test(row, a_row_with_any_bit_flipped_is_no_row_or_does_not_follow)
{
	struct share_row row = make(), found;
	size_t len = share_row_encode(&row, bytes);

	cr_assert_eq(len, SHARE_ROW_FIXED + row.payload.len);
	for (size_t i = 0; i < len * 8; i++) {
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		cr_expect(!share_row_decode((struct pol_str){ (char *)bytes, len }, &found) ||
				  check(&found) == -EBADMSG,
			"bit %zu", i);
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	cr_assert(share_row_decode((struct pol_str){ (char *)bytes, len }, &found));
	cr_expect_eq(check(&found), 0);
}

Test(row, a_row_follows_one_place_of_one_realm_and_epoch)
{
	struct share_row row = make();
	struct share_head other = head;

	other.realm[SHARE_REALM - 1] ^= 1;
	cr_expect_eq(share_row_check(secrets, &other, &row), -EBADMSG);
	other = head;
	other.epoch++;
	cr_expect_eq(share_row_check(secrets, &other, &row), -EBADMSG);
	other = head;
	other.tag[SHARE_TAG - 1] ^= 1;
	cr_expect_eq(share_row_check(secrets, &other, &row), -EBADMSG);
	other = head;
	other.sequence--;
	cr_expect_eq(share_row_check(secrets, &other, &row), -EBADMSG);
}

Test(row, rows_in_another_order_do_not_follow)
{
	struct share_row first = make(), second = { .host = POL_STR("two") };
	struct share_head after = head;
	uint8_t more[512];

	after.sequence = first.sequence;
	memcpy(after.tag, first.tag, SHARE_TAG);
	cr_assert_eq(share_row_make(secrets, &after, &content, more, &second), 0);
	cr_expect_eq(share_row_check(secrets, &after, &second), 0);
	cr_expect_eq(check(&second), -EBADMSG);
	second.sequence = first.sequence;
	cr_expect_eq(check(&second), -EBADMSG);
}

Test(row, other_secrets_neither_check_nor_open_it)
{
	struct share_row row = make();
	struct secrets *others = open_secrets("others");
	struct share_content found;

	cr_expect_eq(share_row_check(others, &head, &row), -EBADMSG);
	cr_expect_eq(share_row_open(others, &head, &row, opened, &found), -EBADMSG);
	secrets_close(others);
}

Test(row, another_realm_does_not_open_it)
{
	struct share_row row = make();
	struct share_head other = head;
	struct share_content found;

	other.realm[0] ^= 1;
	cr_expect_eq(share_row_open(secrets, &other, &row, opened, &found), -EBADMSG);
}

Test(row, a_new_pepper_changes_nothing)
{
	struct share_row row = make();
	struct share_content found;
	char why[SECRET_WHY];

	cr_assert_eq(secrets_rotate(secrets, why), 0, "%s", why);
	cr_expect_eq(check(&row), 0);
	cr_expect_eq(share_row_open(secrets, &head, &row, opened, &found), 0);
}

Test(row, a_row_of_a_later_format_is_refused_as_such)
{
	struct share_row row;

	head.format = SHARE_FORMAT + 1;
	row = make();
	cr_expect_eq(check(&row), -EPROTONOSUPPORT);
	row.asks = 0;
	cr_expect_eq(check(&row), -EBADMSG);
}

Test(row, a_batch_that_is_too_large_is_refused)
{
	size_t most =
		SHARE_MAX_PAYLOAD - share_row_size(&(struct share_content){ .revision.len = 0 });
	char *changes = calloc(1, most + 1);
	uint8_t *out = malloc(SHARE_MAX_PAYLOAD);
	struct share_content large = { .changes = { changes, most + 1 } };
	struct share_row row = { .host = POL_STR("one") };

	cr_assert(changes != NULL && out != NULL);
	cr_expect_eq(share_row_make(secrets, &head, &large, out, &row), -E2BIG);
	large.changes.len--;
	cr_expect_eq(share_row_make(secrets, &head, &large, out, &row), 0);
	cr_expect_eq(check(&row), 0);
	row.payload.len++;
	cr_expect_eq(check(&row), -EBADMSG);
	free(out);
	free(changes);
}

Test(row, bytes_that_are_cut_or_longer_are_no_row)
{
	struct share_row row = make(), found;
	size_t len = share_row_encode(&row, bytes);

	for (size_t i = 0; i < len; i++) {
		cr_expect_not(share_row_decode((struct pol_str){ (char *)bytes, i }, &found));
	}
	cr_expect_not(share_row_decode((struct pol_str){ (char *)bytes, len + 1 }, &found));
}

Test(row, a_place_is_read_as_it_is_written)
{
	static const char *const wrong[] = { "", "-", "1", "1-", "-0102030405060708",
		"01-0102030405060708", "1-010203040506070", "1-01020304050607089",
		"1-010203040506070G", "1-010203040506070A", "1_0102030405060708",
		"18446744073709551616-0102030405060708", "+1-0102030405060708" };
	const uint64_t sequences[] = { 0, 1, 41, UINT64_MAX };
	uint8_t tag[SHARE_TAG] = { 0xff, 1, 2, 3, 4, 5, 6, 0xa0, 8 }, found[8];
	char text[SHARE_PLACE_TEXT];
	uint64_t sequence;

	for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
		share_place_format(sequences[i], tag, text);
		cr_assert(
			share_place_parse((struct pol_str){ text, strlen(text) }, &sequence, found),
			"%s", text);
		cr_expect_eq(sequence, sequences[i]);
		cr_expect_arr_eq(found, tag, sizeof found);
	}
	share_place_format(7, tag, text);
	cr_expect_str_eq(text, "7-ff010203040506a0");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		cr_expect_not(share_place_parse((struct pol_str){ wrong[i], strlen(wrong[i]) },
				      &sequence, found),
			"%s", wrong[i]);
	}
}
