/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>

#include "daemon/host/redact.h"

#define KID    "1kT9aQ2mZx7B"
#define SECRET "0123456789abcdefghijklmnopqrstuvwxyz01"
#define TOKEN  "a_live_" KID "_" SECRET

/* The text after redaction; the bytes after its end must be wiped. */
static const char *redacted(const char *text)
{
	static char out[512];
	size_t len = strlen(text), left;

	cr_assert_lt(len, sizeof out);
	memset(out, 0, sizeof out);
	memcpy(out, text, len);
	left = redact_tokens(out, len, "...");
	cr_assert_leq(left, len);
	cr_expect_eq(strlen(out), left, "nothing is left after the end of %s", out);
	return out;
}

Test(redact, the_secret_of_a_token_is_replaced_wherever_it_is)
{
	cr_expect_str_eq(redacted(TOKEN), "a_live_" KID "_...");
	cr_expect_str_eq(redacted("path=/" TOKEN "/x y"), "path=/a_live_" KID "_.../x y");
	cr_expect_str_eq(redacted("word" KID "_" SECRET "more!"), "word" KID "_...!");
	cr_expect_str_eq(redacted(TOKEN "\n" TOKEN "," TOKEN),
		"a_live_" KID "_...\na_live_" KID "_...,a_live_" KID "_...");
	cr_expect_str_eq(redacted(TOKEN "_" SECRET), "a_live_" KID "_..._" SECRET,
		"what follows is no token: its kid is missing");
}

Test(redact, a_token_that_was_cut_is_redacted_while_enough_is_left)
{
	cr_expect_str_eq(redacted(KID "_0123456789ab"), KID "_...");
	cr_expect_str_eq(redacted(KID "_0123456789a"), KID "_0123456789a");
	cr_expect_str_eq(redacted(KID "_"), KID "_");
}

Test(redact, other_text_is_left_as_it_is)
{
	static const char *const texts[] = { "", "_", "__________________________________",
		"/loans/1kT9aQ2mZx7B/payments", "2kT9aQ2mZx7B_" SECRET, "1kT9aQ2mZx7_" SECRET,
		"1kT9aQ2mZ-7B_" SECRET, KID "-" SECRET, SECRET };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		cr_expect_str_eq(redacted(texts[i]), texts[i]);
	}
}

Test(redact, a_kid_within_a_secret_hides_nothing)
{
	/* The first secret ends like a kid, so that the text after it is a second token's. */
	cr_expect_str_eq(redacted(KID "_" SECRET KID "_" SECRET), KID "_..._...");
}
