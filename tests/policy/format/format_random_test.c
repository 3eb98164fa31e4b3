/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds of every file, however it is written: real policies and those of the model, with their
 * spaces, line ends, empty lines and comments changed at random.
 *
 * AUTHZ_TEST_FORMATS: how often each file is changed, by default 12; AUTHZ_TEST_SEED: the seed.
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formatted.h"
#include "policy/language/lex.h"
#include "random_conditions.h"
#include "tests/policy/model/model.h"

enum { ROUNDS = 12, MODELS = 40, CONDITIONS = 60, ROOM = 1 << 20 };

static unsigned number(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* A text that is being written with random spaces. */
struct scribe {
	struct dice dice;
	FILE *out;
	bool lines; /* lines are parted and comments added, too */
	unsigned depth, notes;
	const struct condition_spans *conditions;
	size_t next;     /* the condition that does not end before the token */
	unsigned parens; /* that are open in it */
	bool operator;   /* the token before is one that needs no spaces */
	bool joint;      /* a line may end after it */
};

static void put_blanks(struct scribe *scribe, unsigned least)
{
	for (unsigned i = least + roll(&scribe->dice, 3); i > 0; i--) {
		fputc(chance(&scribe->dice, 25) ? '\t' : ' ', scribe->out);
	}
}

static void put_line_end(struct scribe *scribe)
{
	put_blanks(scribe, 0);
	fputs(chance(&scribe->dice, 20) ? "\r\n" : "\n", scribe->out);
}

static void put_note(struct scribe *scribe)
{
	put_blanks(scribe, 1);
	fprintf(scribe->out, "# note %u, \"{, }\"", scribe->notes++);
}

/* Ends a line, and may put comments and empty lines after it. */
static void put_lines(struct scribe *scribe)
{
	if (scribe->lines && chance(&scribe->dice, 10)) {
		put_note(scribe);
	}
	put_line_end(scribe);
	while (scribe->lines && chance(&scribe->dice, 15)) {
		if (chance(&scribe->dice, 50)) {
			put_note(scribe);
		}
		put_line_end(scribe);
	}
	put_blanks(scribe, 1); /* a keyword in column 1 would end a block */
}

static bool is_one_of(const struct pol_token *token, const char *const *words)
{
	while (*words != NULL && !pol_str_equal(token->raw, pol_str_of(*words))) {
		words++;
	}
	return *words != NULL;
}

/* Is it the `when` before the condition? */
static bool is_before(const struct pol_token *token, const struct pol_span *condition)
{
	const char *after = token->raw.ptr + token->raw.len;

	return pol_str_equal(token->raw, POL_STR("when")) &&
	       token->at.offset + token->at.length + strspn(after, " \t\r\n") == condition->offset;
}

/* Where a condition begins or is, more may be done before the token. Returns whether it is in one.
 */
static bool put_before(struct scribe *scribe, const struct pol_token *token, bool *out_blank)
{
	static const char *const operators[] = { "(", ")", "<", "<=", ">", ">=", NULL };
	static const char *const conjunctions[] = { "and", "or", NULL };
	static const char *const joints[] = { "and", "or", "not", NULL };
	const struct condition_spans *all = scribe->conditions;
	const struct pol_span *one;
	bool inside, operator= is_one_of(token, operators), may_end;

	while (scribe->next < all->count &&
		all->items[scribe->next].offset + all->items[scribe->next].length <=
			token->at.offset) {
		scribe->next++;
		scribe->parens = 0;
	}
	one = &all->items[scribe->next];
	inside = scribe->next < all->count && token->at.offset >= one->offset;
	may_end = (inside && (token->at.offset == one->offset || scribe->parens > 0 ||
				     scribe->joint || is_one_of(token, conjunctions))) ||
		  (!inside && scribe->next < all->count && is_before(token, one));
	if (may_end && scribe->lines && chance(&scribe->dice, 15)) {
		put_lines(scribe);
	}
	*out_blank = !inside || !(operator|| scribe->operator);
	scribe->operator= inside && operator;
	scribe->joint = inside && is_one_of(token, joints);
	if (inside && pol_str_equal(token->raw, POL_STR("("))) {
		scribe->parens++;
	} else if (inside && pol_str_equal(token->raw, POL_STR(")"))) {
		scribe->parens--;
	}
	return inside;
}

/* What the scribe may do beside a token. */
static void put_token(struct scribe *scribe, const struct pol_token *token, bool first)
{
	bool close = token->kind == POL_TOKEN_CLOSE;
	bool blank = true;
	bool inside = put_before(scribe, token, &blank);

	if (close && !inside && scribe->lines && chance(&scribe->dice, 10)) {
		put_lines(scribe);
	}
	put_blanks(scribe, !first && token->kind != POL_TOKEN_COMMA && blank);
	fprintf(scribe->out, "%.*s", POL_STR_ARGS(token->raw));
	if (((token->kind == POL_TOKEN_OPEN && !inside) || token->kind == POL_TOKEN_COMMA) &&
		scribe->lines && chance(&scribe->dice, 10)) {
		put_lines(scribe);
	}
}

/* Writes the comment in what the lexer skipped. False: there is none. */
static bool put_gap(struct scribe *scribe, struct pol_str gap)
{
	const char *hash = memchr(gap.ptr, '#', gap.len);

	if (hash != NULL) {
		put_blanks(scribe, 1);
		fprintf(scribe->out, "%.*s", (int)(gap.ptr + gap.len - hash), hash);
	}
	return hash != NULL;
}

/* Writes the file otherwise. The caller frees the result. */
static char *scribble(struct scribe *scribe, struct pol_str file)
{
	struct pol_source source = { POL_STR_INIT("a.policy"), file };
	struct pol_lexer lexer;
	struct pol_diags diags;
	struct pol_token token;
	char *text = NULL;
	size_t size;

	scribe->out = open_memstream(&text, &size);
	cr_assert_not_null(scribe->out);
	pol_diags_init(&diags, &source, 1);
	pol_lexer_init(&lexer, &diags, 0, file);
	for (;;) {
		uint32_t from = lexer.pos;
		bool comment;

		pol_lex(&lexer, &token);
		comment = put_gap(
			scribe, (struct pol_str){ file.ptr + from, token.at.offset - from });
		if (token.kind == POL_TOKEN_END) {
			break;
		}
		if (token.kind != POL_TOKEN_NL) {
			put_token(scribe, &token, token.first);
		} else if (scribe->lines) {
			put_lines(scribe);
		} else {
			/* an empty line may become several */
			for (unsigned i = token.first && !comment ? roll(&scribe->dice, 3) : 0;
				i > 0; i--) {
				put_line_end(scribe);
			}
			put_line_end(scribe);
			put_blanks(scribe, 1);
		}
	}
	cr_assert_eq(diags.errors, 0);
	pol_diags_finish(&diags);
	fclose(scribe->out);
	return text;
}

/* Spaces, the kind of line ends and the number of empty lines do not matter; lines and comments
 * stay as they are written. */
static void examine(const char *name, struct pol_str file, uint64_t seed)
{
	char *canonical = formatted_well(name, file);
	struct condition_spans conditions;

	find_conditions(file, &conditions);

	for (unsigned i = number("AUTHZ_TEST_FORMATS", ROUNDS); i > 0; i--) {
		struct scribe scribe = {
			.dice = { seed + i }, .lines = i % 2 == 0, .conditions = &conditions
		};
		char *text = scribble(&scribe, file);
		char *got = formatted_well(name, pol_str_of(text));

		if (!scribe.lines) {
			cr_assert_str_eq(got, canonical, "%s, seed %llu:\n%s", name,
				(unsigned long long)seed, text);
		}
		free(text);
		free(got);
	}
	free(conditions.items);
	free(canonical);
}

Test(format_random, real_policies_keep_their_meaning_and_comments)
{
	static const char *const patterns[] = { "policy/examples/*/*.policy",
		"tools/examples/*/*.policy", "tests/corpus/accept/*.policy",
		"tests/corpus/accept/*/*.policy" };
	static char text[ROOM];
	unsigned count = 0;

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		glob_t found;

		cr_assert_eq(glob(patterns[i], 0, NULL, &found), 0, "%s", patterns[i]);
		for (size_t k = 0; k < found.gl_pathc; k++, count++) {
			FILE *file = fopen(found.gl_pathv[k], "r");
			size_t len;

			cr_assert_not_null(file);
			len = fread(text, 1, sizeof text, file);
			fclose(file);
			examine(found.gl_pathv[k], (struct pol_str){ text, len },
				number("AUTHZ_TEST_SEED", 1));
		}
		globfree(&found);
	}
	cr_expect_gt(count, 30);
}

Test(format_random, random_policies_keep_their_meaning_and_comments)
{
	unsigned seed = number("AUTHZ_TEST_SEED", 1);

	for (unsigned i = 0; i < MODELS; i++) {
		static struct policy policy;
		struct dice dice = { seed + i };
		char *files[FILES];
		unsigned count;

		make_policy(&dice, &policy);
		count = print_policy(&dice, &policy, false, files);
		for (unsigned k = 0; k < count; k++) {
			examine("a random policy", pol_str_of(files[k]), seed + i);
			free(files[k]);
		}
	}
}

Test(format_random, random_conditions_keep_their_meaning_and_comments)
{
	unsigned seed = number("AUTHZ_TEST_SEED", 1);

	for (unsigned i = 0; i < CONDITIONS; i++) {
		struct dice dice = { seed + i };
		char *file = make_conditions(&dice);

		examine("random conditions", pol_str_of(file), seed + i);
		free(file);
	}
}
