/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/language/parser.h"
#include "policy/language/source.h"
#include "policy/text/host.h"

/* A piece of fewer bytes is parsed before another thread has begun with it; more pieces than that
 * make the work no more even. */
#define PIECE_BYTES ((size_t)40 * 1024)
#define PIECES_MAX  8

/* From where it begins to where the next one does: whole statements, of one or several files. */
struct piece {
	uint32_t file;
	uint32_t offset;
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
	enum pol_status status;
};

struct spreading {
	const struct pol_source *sources;
	size_t source_count;
	size_t limit; /* of each piece's arena */
	size_t least; /* of its blocks */
	size_t count;
	struct piece pieces[PIECES_MAX + 1]; /* the last one is the end */
};

/* Where the first statement begins at `from` or later, as the parser would see it: a line ends in
 * front of it whatever stands there, as nothing goes over a line's end that a keyword in column 1
 * would not end with a complaint. The text's end, if there is none. */
static uint32_t find_statement(struct pol_str text, size_t from)
{
	while (from < text.len) {
		const char *nl = memchr(text.ptr + from, '\n', text.len - from);
		size_t begin, end;

		if (nl == NULL) {
			break;
		}
		begin = (size_t)(nl - text.ptr) + 1;
		end = begin;
		while (end < text.len && text.ptr[end] >= 'a' && text.ptr[end] <= 'z') {
			end++;
		}
		if (end < text.len && text.ptr[end] == ' ' &&
			pol_parse_block_is_top((struct pol_str){ text.ptr + begin, end - begin })) {
			return (uint32_t)begin;
		}
		from = end;
	}
	return (uint32_t)text.len;
}

/* Begins the piece behind as many bytes as come before it when all are as long. */
static void cut(struct spreading *spreading, size_t number, size_t before)
{
	const struct piece *last = &spreading->pieces[number - 1];
	struct piece *piece = &spreading->pieces[number];
	size_t sum = 0;
	uint32_t file = 0;

	while (sum + spreading->sources[file].text.len <= before) {
		sum += spreading->sources[file++].text.len;
	}
	piece->file = file;
	piece->offset = (uint32_t)(before - sum);
	if (file < last->file || (file == last->file && piece->offset <= last->offset)) {
		piece->file = last->file;
		piece->offset = last->offset;
		return;
	}
	piece->offset = find_statement(spreading->sources[file].text, piece->offset);
	if (piece->offset == spreading->sources[file].text.len) {
		piece->file++;
		piece->offset = 0;
	}
}

static void parse_piece(void *argument, size_t number)
{
	struct spreading *spreading = argument;
	struct piece *piece = &spreading->pieces[number];
	const struct piece *next = piece + 1;
	struct pol_parser parser = {
		.arena = &piece->arena, .diags = &piece->diags, .ast = &piece->ast
	};

	pol_arena_init(&piece->arena, spreading->limit);
	piece->arena.min_block = spreading->least;
	pol_arena_init(&parser.scratch, spreading->limit);
	pol_diags_init(&piece->diags, spreading->sources, spreading->source_count);
	for (uint32_t file = piece->file; parser.status == POL_OK && file <= next->file; file++) {
		struct pol_str text = { 0 };

		if (file < spreading->source_count) {
			text = spreading->sources[file].text;
		}
		if (file == next->file) {
			text.len = next->offset;
		}
		if (text.len > 0) {
			pol_parser_part(
				&parser, file, text, file == piece->file ? piece->offset : 0);
		}
	}
	pol_arena_finish(&parser.scratch);
	piece->status = parser.status;
}

/* Where a list of statements is within the AST. */
struct list {
	size_t items, count, capacity;
	size_t size; /* of one statement */
};

static size_t count_of(const struct pol_ast *ast, const struct list *list)
{
	size_t count;

	memcpy(&count, (const char *)ast + list->count, sizeof count);
	return count;
}

/* The pieces' statements of one kind, behind each other. */
static bool join_list(const struct spreading *spreading, const struct list *list,
	struct pol_arena *arena, struct pol_ast *out)
{
	size_t count = 0;
	unsigned char *joined, *to;

	for (size_t i = 0; i < spreading->count; i++) {
		count += count_of(&spreading->pieces[i].ast, list);
	}
	joined = pol_arena_alloc(arena, count, list->size);
	if (joined == NULL) {
		return false;
	}
	to = joined;
	for (size_t i = 0; i < spreading->count; i++) {
		const struct pol_ast *ast = &spreading->pieces[i].ast;
		size_t bytes = count_of(ast, list) * list->size;
		const void *items;

		memcpy(&items, (const char *)ast + list->items, sizeof items);
		if (bytes > 0) {
			memcpy(to, items, bytes);
		}
		to += bytes;
	}
	memcpy((char *)out + list->items, &joined, sizeof joined);
	memcpy((char *)out + list->count, &count, sizeof count);
	memcpy((char *)out + list->capacity, &count, sizeof count);
	return true;
}

/* False: together they take too much. */
static bool join(struct spreading *spreading, struct pol_arena *arena, struct pol_ast *out)
{
#define LIST(type, field)                                                                          \
	{ offsetof(struct pol_ast, field), offsetof(struct pol_ast, field##_count),                \
		offsetof(struct pol_ast, field##_capacity), sizeof(type) },
	static const struct list lists[] = { POL_AST_LISTS(LIST) };
#undef LIST
	struct pol_ast ast = { 0 };
	size_t used = 0;

	for (size_t i = 0; i < spreading->count; i++) {
		used += spreading->pieces[i].arena.used;
	}
	if (used > arena->limit - arena->used) {
		return false;
	}
	for (size_t i = 0; i < spreading->count; i++) {
		if (pol_arena_adopt(arena, &spreading->pieces[i].arena) != POL_OK) {
			return false;
		}
	}
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		if (!join_list(spreading, &lists[i], arena, &ast)) {
			return false;
		}
	}
	*out = ast;
	return true;
}

static bool all_is_well(const struct spreading *spreading)
{
	for (size_t i = 0; i < spreading->count; i++) {
		const struct piece *piece = &spreading->pieces[i];

		if (piece->status != POL_OK || piece->diags.errors + piece->diags.warnings > 0) {
			return false;
		}
	}
	return true;
}

/* How many pieces, or 0: not worth it, or larger than a folder may be. */
static size_t count_pieces(const struct pol_host *host, const struct pol_source *sources,
	size_t count, size_t *out_sum)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		if (sources[i].text.len > POL_FILE_MAX) {
			return 0;
		}
		sum += sources[i].text.len;
	}
	*out_sum = sum;
	if (host == NULL || host->parallel == NULL || sum > POL_FOLDER_MAX ||
		sum < 2 * PIECE_BYTES) {
		return 0;
	}
	return sum / PIECE_BYTES < PIECES_MAX ? sum / PIECE_BYTES : PIECES_MAX;
}

enum pol_status pol_parse_spread(const struct pol_host *host, struct pol_arena *arena,
	struct pol_diags *diags, struct pol_ast *out)
{
	struct spreading spreading = { .sources = diags->sources,
		.source_count = diags->source_count };
	size_t sum = 0;
	bool done = false;

	spreading.count = count_pieces(host, diags->sources, diags->source_count, &sum);
	if (spreading.count == 0) {
		return pol_parse(diags->sources, diags->source_count, arena, diags, out);
	}
	spreading.limit = arena->limit / spreading.count;
	spreading.least = sum / spreading.count * POL_PARSE_GROWTH;
	for (size_t i = 1; i < spreading.count; i++) {
		cut(&spreading, i, sum / spreading.count * i);
	}
	spreading.pieces[spreading.count].file = (uint32_t)spreading.source_count;
	host->parallel(host->context, spreading.count, parse_piece, &spreading);
	done = all_is_well(&spreading) && join(&spreading, arena, out);
	for (size_t i = 0; i < spreading.count; i++) {
		pol_diags_finish(&spreading.pieces[i].diags);
		pol_arena_finish(&spreading.pieces[i].arena);
	}
	if (done) {
		return POL_OK;
	}
	return pol_parse(diags->sources, diags->source_count, arena, diags, out);
}
