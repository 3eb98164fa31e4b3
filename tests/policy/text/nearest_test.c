/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/nearest.h"

#include <criterion/criterion.h>
#include <string.h>

Test(nearest, near_words_are_suggested_and_far_ones_are_not)
{
	static const struct {
		const char *word;
		const char *candidates[4];
		const char *best; /* "": none */
	} rows[] = {
		{ "GTE", { "GET", "PUT", "POST" }, "GET" },      /* neighbours swapped */
		{ "viewr", { "editor", "viewer" }, "viewer" },   /* a letter left out */
		{ "vieweer", { "editor", "viewer" }, "viewer" }, /* one too many */
		{ "viewor", { "editor", "viewer" }, "viewer" },  /* another one */
		{ "get", { "GET", "PUT" }, "GET" },              /* case alone */
		{ "Viewre", { "viewer", "views" }, "viewer" },   /* case and a swap */
		{ "cat", { "dog", "carts" }, "" },               /* too far */
		{ "ky", { "role", "key" }, "key" },              /* two letters */
		{ "a", { "ab", "b" }, "" },                      /* too short to guess */
		{ "role", { "role" }, "" },                      /* the word itself is no hint */
		{ "", { "a" }, "" },                             /* nothing */
		{ "loans:raed", { "loans:write", "loans:read" }, "loans:read" },
		{ "bat", { "cat", "bar", "hat" }, "bar" }, /* as near: byte order */
		{ "bat", { "hat", "cat", "bar" }, "bar" }, /* whatever the order */
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pol_nearest nearest = pol_nearest_to(pol_str_of(rows[i].word));

		for (size_t j = 0; j < 4 && rows[i].candidates[j] != NULL; j++) {
			pol_nearest_offer(&nearest, pol_str_of(rows[i].candidates[j]));
		}
		cr_expect(pol_str_equal(nearest.best, pol_str_of(rows[i].best)), "%s: '%.*s'",
			rows[i].word, POL_STR_ARGS(nearest.best));
	}
}

Test(nearest, long_words_get_no_suggestion)
{
	char word[POL_NEAREST_MAX + 2];
	struct pol_str long_word = { word, POL_NEAREST_MAX + 1 };
	struct pol_str shorter = { word, POL_NEAREST_MAX };
	struct pol_str shortest = { word, POL_NEAREST_MAX - 1 };
	struct pol_nearest nearest;

	memset(word, 'a', sizeof word);
	nearest = pol_nearest_to(long_word);
	pol_nearest_offer(&nearest, shorter);
	cr_expect_eq(nearest.best.len, 0);
	nearest = pol_nearest_to(shorter);
	pol_nearest_offer(&nearest, long_word);
	cr_expect_eq(nearest.best.len, 0);
	pol_nearest_offer(&nearest, shortest);
	cr_expect_eq(nearest.best.len, POL_NEAREST_MAX - 1);
}
