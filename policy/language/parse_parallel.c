/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/language/parser.h"
#include "policy/text/host.h"

/* The least bytes of a piece: a smaller one is parsed faster than another thread can start. The
 * most pieces: more would not balance the load better. */
#define PIECE_BYTES ((size_t)40 * 1024)
#define PIECES_MAX  8

/* A piece of the sources, from its position to that of the next piece: whole statements of one or
 * more files. */
struct piece {
	uint32_t file;
	uint32_t offset;
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
	enum pol_status status;
};

struct split {
	const struct pol_source *sources;
	size_t source_count;
	size_t limit;              /* of each piece's arena */
	size_t min_block;          /* the same */
	struct pol_budget *budget; /* of all of them */
	size_t count;
	struct piece pieces[PIECES_MAX + 1]; /* one more, for the end */
};

/* The offset of the first statement after `from`: a line that begins with a statement's keyword and
 * a space. The parser begins a statement there too, unless it reports a mistake: a statement that
 * is not finished at the end of a line ends with an error at a keyword in column 1. The length of
 * the text if there is none. */
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

/* Sets the beginning of a piece: the first statement after `before` bytes of all sources. */
static void cut(struct split *split, size_t number, size_t before)
{
	const struct piece *last = &split->pieces[number - 1];
	struct piece *piece = &split->pieces[number];
	size_t sum = 0;
	uint32_t file = 0;

	while (sum + split->sources[file].text.len <= before) {
		sum += split->sources[file++].text.len;
	}
	piece->file = file;
	piece->offset = (uint32_t)(before - sum);
	if (file < last->file || (file == last->file && piece->offset <= last->offset)) {
		piece->file = last->file;
		piece->offset = last->offset;
		return;
	}
	piece->offset = find_statement(split->sources[file].text, piece->offset);
	if (piece->offset == split->sources[file].text.len) {
		piece->file++;
		piece->offset = 0;
	}
}

static void parse_piece(void *argument, size_t number)
{
	struct split *split = argument;
	struct piece *piece = &split->pieces[number];
	const struct piece *next = piece + 1;
	struct pol_parser parser = {
		.arena = &piece->arena, .diags = &piece->diags, .ast = &piece->ast
	};

	pol_arena_init_shared(&piece->arena, split->limit, split->budget);
	piece->arena.min_block = split->min_block;
	pol_arena_init_shared(&parser.scratch, split->limit, split->budget);
	pol_diags_init(&piece->diags, split->sources, split->source_count);
	piece->diags.arena.limit /= split->count;
	for (uint32_t file = piece->file; parser.status == POL_OK && file <= next->file; file++) {
		struct pol_str text = { 0 };

		if (file < split->source_count) {
			text = split->sources[file].text;
		}
		if (file == next->file) {
			text.len = next->offset;
		}
		if (text.len > 0) {
			pol_parse_part(
				&parser, file, text, file == piece->file ? piece->offset : 0);
		}
	}
	pol_arena_finish(&parser.scratch);
	piece->status = parser.status;
}

/* The offsets of a list's fields in struct pol_ast. */
struct list {
	size_t items, count, capacity;
	size_t size; /* bytes of one statement */
};

static size_t count_of(const struct pol_ast *ast, const struct list *list)
{
	size_t count;

	memcpy(&count, (const char *)ast + list->count, sizeof count);
	return count;
}

/* Joins the pieces' statements of one kind. False: no memory. */
static bool join_list(const struct split *split, const struct list *list, struct pol_arena *arena,
	struct pol_ast *out)
{
	size_t count = 0;
	unsigned char *joined, *to;

	for (size_t i = 0; i < split->count; i++) {
		count += count_of(&split->pieces[i].ast, list);
	}
	joined = pol_arena_alloc(arena, count, list->size);
	if (joined == NULL) {
		return false;
	}
	to = joined;
	for (size_t i = 0; i < split->count; i++) {
		const struct pol_ast *ast = &split->pieces[i].ast;
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

/* Joins the pieces' ASTs. False: the arena's limit is reached. */
static bool join(struct split *split, struct pol_arena *arena, struct pol_ast *out)
{
#define LIST(type, field)                                                                          \
	{ offsetof(struct pol_ast, field), offsetof(struct pol_ast, field##_count),                \
		offsetof(struct pol_ast, field##_capacity), sizeof(type) },
	static const struct list lists[] = { POL_AST_LISTS(LIST) };
#undef LIST
	struct pol_ast ast = { 0 };
	size_t used = 0;

	for (size_t i = 0; i < split->count; i++) {
		used += split->pieces[i].arena.used;
	}
	if (used > arena->limit - arena->used) {
		return false;
	}
	for (size_t i = 0; i < split->count; i++) {
		if (pol_arena_adopt(arena, &split->pieces[i].arena) != POL_OK) {
			return false;
		}
	}
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		if (!join_list(split, &lists[i], arena, &ast)) {
			return false;
		}
	}
	*out = ast;
	return true;
}

/* Were all pieces parsed without a diagnostic? */
static bool succeeded(const struct split *split)
{
	for (size_t i = 0; i < split->count; i++) {
		const struct piece *piece = &split->pieces[i];

		if (piece->status != POL_OK || piece->diags.errors + piece->diags.warnings > 0) {
			return false;
		}
	}
	return true;
}

/* The number of pieces. 0: the sources are too small for pieces, or larger than allowed, which
 * pol_parse reports. */
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

enum pol_status pol_parse_parallel(const struct pol_host *host, struct pol_arena *arena,
	struct pol_diags *diags, struct pol_ast *out)
{
	struct split split = { .sources = diags->sources, .source_count = diags->source_count };
	size_t sum = 0;
	bool done = false;

	split.count = count_pieces(host, diags->sources, diags->source_count, &sum);
	if (split.count == 0) {
		return pol_parse(diags->sources, diags->source_count, arena, diags, out);
	}
	split.limit = arena->limit / split.count;
	split.budget = arena->budget;
	split.min_block = sum / split.count * POL_PARSE_GROWTH;
	for (size_t i = 1; i < split.count; i++) {
		cut(&split, i, sum / split.count * i);
	}
	split.pieces[split.count].file = (uint32_t)split.source_count;
	host->parallel(host->context, split.count, parse_piece, &split);
	done = succeeded(&split) && join(&split, arena, out);
	for (size_t i = 0; i < split.count; i++) {
		pol_diags_finish(&split.pieces[i].diags);
		pol_arena_finish(&split.pieces[i].arena);
	}
	if (done) {
		return POL_OK;
	}
	return pol_parse(diags->sources, diags->source_count, arena, diags, out);
}
