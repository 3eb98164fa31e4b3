/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keywords: prints what the parser compares words with, and where it found each keyword.
 *
 *     keywords FILE...
 *
 * Each file is parsed by itself. Prints `asked WORD` once for each word that the parser compared
 * something with, and `FILE OFFSET LENGTH` for each place where they were equal, a place as often
 * as it was asked about. Exit status 1 when a file has a mistake.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/language/parse.h"
#include "policy/text/word.h"
#include "tests/editors/record.h"

#undef pol_str_equal

#define WORDS_MAX  256
#define PLACES_MAX (1u << 20)
#define LIMIT      ((size_t)64 << 20) /* bytes of a file's tree */

struct place {
	size_t offset, length;
};

static struct {
	struct pol_str text; /* of the file that is parsed */
	struct pol_str words[WORDS_MAX];
	size_t word_count;
	struct place places[PLACES_MAX];
	size_t place_count;
} record;

static void remember(struct pol_str keyword)
{
	for (size_t i = 0; i < record.word_count; i++) {
		if (pol_str_equal(record.words[i], keyword)) {
			return;
		}
	}
	if (record.word_count == WORDS_MAX) {
		fputs("keywords: more words than WORDS_MAX\n", stderr);
		exit(1);
	}
	record.words[record.word_count++] = keyword;
}

static bool is_in_file(struct pol_str word)
{
	return word.ptr >= record.text.ptr && word.ptr < record.text.ptr + record.text.len;
}

/* A word that is compared with one of the file is no keyword. */
bool recorded_equal(struct pol_str word, struct pol_str keyword)
{
	bool equal = pol_str_equal(word, keyword);

	if (is_in_file(keyword)) {
		return equal;
	}
	remember(keyword);
	if (equal && is_in_file(word) && record.place_count < PLACES_MAX) {
		record.places[record.place_count++] =
			(struct place){ (size_t)(word.ptr - record.text.ptr), word.len };
	}
	return equal;
}

/* The bytes of a file, which the caller frees. Ends the program if it cannot be read. */
static char *read_file(const char *name, size_t *out_len)
{
	FILE *file = fopen(name, "rb");
	char *text = malloc(POL_FILE_MAX);

	if (file == NULL || text == NULL) {
		perror(name);
		exit(1);
	}
	*out_len = fread(text, 1, POL_FILE_MAX, file);
	fclose(file);
	return text;
}

/* Prints the places of a file. Returns false when it has a mistake. */
static bool parse_file(const char *name)
{
	size_t len = 0;
	char *text = read_file(name, &len);
	struct pol_source source = { .name = pol_str_of(name), .text = { text, len } };
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
	bool ok;

	record.text = source.text;
	record.place_count = 0;
	pol_arena_init(&arena, LIMIT);
	pol_diags_init(&diags, &source, 1);
	ok = pol_parse(&source, 1, &arena, &diags, &ast) == POL_OK;
	for (size_t i = 0; ok && i < record.place_count; i++) {
		printf("%s %zu %zu\n", name, record.places[i].offset, record.places[i].length);
	}
	for (const struct pol_diag *one = diags.first; !ok && one != NULL; one = one->next) {
		fprintf(stderr, "%s:%u:%u: %.*s\n", name, (unsigned)one->line,
			(unsigned)one->column, POL_STR_ARGS(one->message));
	}
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
	free(text);
	return ok;
}

int main(int argc, char **argv)
{
	bool ok = true;

	for (int i = 1; i < argc; i++) {
		ok = parse_file(argv[i]) && ok;
	}
	for (size_t i = 0; i < record.word_count; i++) {
		printf("asked %.*s\n", (int)record.words[i].len, record.words[i].ptr);
	}
	return ok ? 0 : 1;
}
