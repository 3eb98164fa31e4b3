/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>

#include "daemon/host/redact.h"

#define KID    "1kT9aQ2mZx7B"
#define SECRET "0123456789abcdefghijklmnopqrstuvwxyz01"
#define TOKEN  "a_live_" KID "_" SECRET

/* KID and SECRET with some characters percent-encoded, and SECRET with all of them. */
#define CODED_KID    "%31kT9%61Q2m%5ax7%42"
#define CODED_SECRET "%30123456789abcde%66ghijklmnopqrstuvwxyz0%31"
#define ALL_CODED                                                                                  \
	"%30%31%32%33%34%35%36%37%38%39%61%62%63%64%65%66%67%68%69%6a%6B%6c%6D%6e%6F%70%71%72%73"  \
	"%74%75%76%77%78%79%7a%30%31"

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

Test(redact, a_kid_that_is_a_secret_hides_nothing)
{
	cr_expect_str_eq(redacted(KID "_" KID "_" SECRET), KID "_..._...");
	cr_expect_str_eq(redacted(KID "_" KID "_" KID "_" SECRET "!"), KID "_..._..._...!");
	cr_expect_str_eq(redacted(KID "_" CODED_KID "%5F" SECRET), KID "_...%5F...");
}

Test(redact, percent_encoding_hides_nothing)
{
	cr_expect_str_eq(redacted("/x/" KID "%5F" SECRET "/y"), "/x/" KID "%5F.../y");
	cr_expect_str_eq(redacted(KID "%5f" SECRET), KID "%5f...");
	cr_expect_str_eq(redacted(KID "_" CODED_SECRET "/y"), KID "_.../y");
	cr_expect_str_eq(redacted(KID "_" ALL_CODED "%2Fy"), KID "_...%2Fy");
	cr_expect_str_eq(redacted("/" CODED_KID "_" SECRET), "/" CODED_KID "_...");
	cr_expect_str_eq(redacted(CODED_KID "%5F" CODED_SECRET "%20"), CODED_KID "%5F...%20");
	/* With the kid's first digit it would be an A. */
	cr_expect_str_eq(redacted("%4" KID "_" SECRET), "%4" KID "_...");
	cr_expect_str_eq(redacted("%2F" KID "%5F" SECRET "%2f" KID "_" SECRET),
		"%2F" KID "%5F...%2f" KID "_...");
}

Test(redact, a_token_that_is_encoded_twice_is_found)
{
	cr_expect_str_eq(redacted("/x/" KID "%255f" SECRET "/y"), "/x/" KID "%255f.../y");
	cr_expect_str_eq(redacted(KID "%25255F" SECRET), KID "%25255F...");
	cr_expect_str_eq(redacted("%251kT9aQ2m5x7%2542%255F%2530%252531%2532" SECRET "%252fy"),
		"%251kT9aQ2m5x7%2542%255F...%252fy");
	cr_expect_str_eq(redacted("%25" KID "_" SECRET "%25"), "%25" KID "_...%25");
	cr_expect_str_eq(redacted("%2525" KID "_" SECRET "%2525"), "%2525" KID "_...%2525");
	cr_expect_str_eq(redacted(KID "%255" SECRET), KID "%255" SECRET);
	cr_expect_str_eq(redacted(KID "%25_%255"), KID "%25_%255");
}

Test(redact, what_is_encoded_counts_as_one_character)
{
	cr_expect_str_eq(redacted(KID "_%301234%356789%61%62"), KID "_...");
	cr_expect_str_eq(redacted(KID "_%301234%356789%61"), KID "_%301234%356789%61");
	cr_expect_str_eq(redacted("1kT9aQ2%6d_" SECRET), "1kT9aQ2%6d_" SECRET);
	cr_expect_str_eq(redacted(KID "%5F0123456789a%2"), KID "%5F0123456789a%2");
	cr_expect_str_eq(redacted(KID "%5F"), KID "%5F");
	cr_expect_str_eq(redacted(KID "%5"), KID "%5");
	cr_expect_str_eq(redacted(KID "%5G" SECRET), KID "%5G" SECRET);
}
