/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/secret/token.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/folder.h"

static char pepper[256];

static void setup(void)
{
	folder_make();
	folder_path(pepper, sizeof pepper, "pepper");
}

static struct secrets *open_new(void)
{
	struct secrets *secrets = NULL;
	char why[SECRET_WHY];

	cr_assert_eq(secrets_open(pepper, true, &secrets, why), 0, "%s", why);
	return secrets;
}

static bool parse(struct pol_str text, struct secret_token *out)
{
	return secret_token_split(text, out) && secret_token_is_sound(out);
}

TestSuite(secret, .init = setup, .fini = folder_remove);

Test(secret, a_token_made_is_a_token_parsed)
{
	char text[SECRET_MAX_TOKEN];
	struct secret_token made, parsed;
	struct secrets *secrets = open_new();

	for (int i = 0; i < 100; i++) {
		secret_token_make(POL_STR("liq_live_"), text, &made);
		cr_assert_eq(made.whole.len, 9 + 12 + 1 + 32 + 6);
		cr_assert(parse(made.whole, &parsed));
		cr_assert(pol_str_equal(parsed.prefix, POL_STR("liq_live_")));
		cr_assert(pol_str_equal(parsed.kid, made.kid));
		cr_assert_eq(parsed.kid.ptr[0], '1');
	}
	secrets_close(secrets);
}

/* This token's crc was computed by zlib's crc32, not by our code. */
Test(secret, a_known_token_parses)
{
	const char *known = "liq_live_1aaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb23PYyn";
	struct secret_token parsed;

	cr_assert(parse(pol_str_of(known), &parsed));
	cr_assert(pol_str_equal(parsed.kid, POL_STR("1aaaaaaaaaaa")));
}

Test(secret, bearer_is_cut_in_any_case)
{
	char text[SECRET_MAX_TOKEN], with[SECRET_MAX_TOKEN + 8];
	struct secret_token made, parsed;
	struct secrets *secrets = open_new();
	const char *leads[] = { "Bearer ", "bearer ", "BEARER " };

	secret_token_make(POL_STR("ak_live_"), text, &made);
	for (size_t i = 0; i < 3; i++) {
		size_t len = (size_t)snprintf(
			with, sizeof with, "%s%.*s", leads[i], POL_STR_ARGS(made.whole));

		cr_assert(parse((struct pol_str){ with, len }, &parsed));
		cr_assert(pol_str_equal(parsed.whole, made.whole));
	}
	secrets_close(secrets);
}

Test(secret, one_wrong_character_anywhere_is_malformed_or_another_token)
{
	char text[SECRET_MAX_TOKEN], changed[SECRET_MAX_TOKEN];
	struct secret_token made, parsed;
	struct secrets *secrets = open_new();

	secret_token_make(POL_STR("ak_live_"), text, &made);
	for (size_t i = 0; i < made.whole.len; i++) {
		memcpy(changed, text, made.whole.len);
		changed[i] = changed[i] == 'x' ? 'y' : 'x';
		cr_assert_not(
			parse((struct pol_str){ changed, made.whole.len }, &parsed), "at %zu", i);
	}
	for (size_t len = 0; len < made.whole.len; len++) {
		cr_assert_not(parse((struct pol_str){ text, len }, &parsed));
	}
	secrets_close(secrets);
}

Test(secret, what_is_not_a_token_is_malformed)
{
	static const char *const texts[] = {
		"", "x", "Bearer ", "ak_live_", "Basic dXNlcjpwYXNz",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"
	};
	struct secret_token parsed;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		cr_assert_not(parse(pol_str_of(texts[i]), &parsed), "%s", texts[i]);
	}
}

static bool is_hash_of(
	const struct secrets *secrets, const struct secret_token *token, const uint8_t *hash)
{
	uint8_t computed[SECRET_HASH];

	secret_token_hash(secrets, token, false, computed);
	return secret_equal(computed, hash, SECRET_HASH);
}

Test(secret, the_hash_holds_for_its_token_alone)
{
	char text[SECRET_MAX_TOKEN], other_text[SECRET_MAX_TOKEN];
	struct secret_token token, other;
	struct secrets *secrets = open_new();
	uint8_t hash[SECRET_HASH];

	secret_token_make(POL_STR("ak_live_"), text, &token);
	secret_token_make(POL_STR("ak_live_"), other_text, &other);
	secret_token_hash(secrets, &token, false, hash);
	cr_assert(is_hash_of(secrets, &token, hash));
	cr_assert_not(is_hash_of(secrets, &other, hash));
	/* The same kid and secret with another prefix are another token. */
	memcpy(other_text, "ak_test_", 8);
	memcpy(other_text + 8, text + 8, token.whole.len - 8);
	other = token;
	other.signed_part.ptr = other_text;
	cr_assert_not(is_hash_of(secrets, &other, hash));
	secrets_close(secrets);
}

Test(secret, the_file_is_the_same_the_next_time)
{
	struct secrets *first = open_new(), *second = NULL;
	char text[SECRET_MAX_TOKEN], why[SECRET_WHY];
	struct secret_token token;
	uint8_t hash[SECRET_HASH], a[SECRET_TAG], b[SECRET_TAG];
	struct stat st;

	cr_assert_eq(stat(pepper, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert_eq(secrets_open(pepper, false, &second, why), 0);
	secret_token_make(POL_STR("ak_live_"), text, &token);
	secret_token_hash(first, &token, false, hash);
	cr_assert(is_hash_of(second, &token, hash));
	secret_tag(first, SECRET_RECORDS, "x", 1, a);
	secret_tag(second, SECRET_RECORDS, "x", 1, b);
	cr_assert_arr_eq(a, b, SECRET_TAG);
	secret_tag(second, SECRET_CURSORS, "x", 1, b);
	cr_assert_arr_neq(a, b, SECRET_TAG);
	secret_tag(first, SECRET_VERIFIED, "x", 1, a);
	secret_tag(second, SECRET_VERIFIED, "x", 1, b);
	cr_assert_arr_neq(a, b, SECRET_TAG);
	secrets_close(first);
	secrets_close(second);
}

Test(secret, a_missing_file_is_made_only_with_create)
{
	struct secrets *secrets = NULL;
	char why[SECRET_WHY];

	cr_assert_eq(secrets_open(pepper, false, &secrets, why), -ENOENT);
	cr_assert_eq(access(pepper, F_OK), -1);
	cr_assert_null(secrets);
}

Test(secret, a_file_that_others_may_read_is_refused)
{
	struct secrets *secrets = NULL;
	char why[SECRET_WHY];

	secrets_close(open_new());
	cr_assert_eq(chmod(pepper, 0640), 0);
	cr_assert_eq(secrets_open(pepper, true, &secrets, why), -EPERM);
	cr_assert_not_null(strstr(why, "chmod 600"));
}

Test(secret, a_damaged_file_is_refused_and_kept)
{
	struct secrets *secrets = NULL;
	char why[SECRET_WHY];
	struct stat st;

	secrets_close(open_new());
	cr_assert_eq(truncate(pepper, 40), 0);
	cr_assert_eq(secrets_open(pepper, true, &secrets, why), -EINVAL);
	cr_assert_eq(stat(pepper, &st), 0);
	cr_assert_eq(st.st_size, 40);
}

/* Each of 62 characters is expected 3,200 / 62 = 51.6 times in 100 secrets. Fewer than 16 or more
 * than 109 times have a chance of about one in ten million. */
Test(secret, every_character_is_drawn)
{
	unsigned seen[256] = { 0 };
	char text[SECRET_MAX_TOKEN];
	struct secret_token token;

	secrets_close(open_new());
	for (int i = 0; i < 100; i++) {
		secret_token_make(POL_STR("a_"), text, &token);
		for (size_t k = 2 + 12 + 1; k < 2 + 12 + 1 + 32; k++) {
			seen[(unsigned char)text[k]]++;
		}
	}
	for (int c = 0; c < 256; c++) {
		bool base62 =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		cr_assert(base62 ? seen[c] > 15 && seen[c] < 110 : seen[c] == 0, "%d: %u", c,
			seen[c]);
	}
}

Test(secret, the_fingerprint_is_that_of_the_master_and_stays_with_a_new_pepper)
{
	uint8_t before[SECRET_FINGERPRINT], after[SECRET_FINGERPRINT], other[SECRET_FINGERPRINT];
	char why[SECRET_WHY];
	struct secrets *secrets = open_new();
	struct secrets *others;

	secrets_fingerprint(secrets, before);
	cr_assert_eq(secrets_rotate(secrets, why), 0, "%s", why);
	secrets_fingerprint(secrets, after);
	cr_expect_arr_eq(after, before, sizeof before);
	secrets_close(secrets);
	secrets = open_new();
	secrets_fingerprint(secrets, after);
	cr_expect_arr_eq(after, before, sizeof before);
	cr_assert_eq(unlink(pepper), 0);
	others = open_new();
	secrets_fingerprint(others, other);
	cr_expect_arr_neq(other, before, sizeof before);
	secrets_close(others);
	secrets_close(secrets);
}
