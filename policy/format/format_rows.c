/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns. A run is a part of a block without empty lines and without blocks of several lines; in
 * it, rows of the same shape have their columns in common, and all comments begin in one column.
 */
#include "policy/format/format_internal.h"

#include <string.h>

/* Spaces of a level of indentation, and before a comment. */
#define INDENT      4
#define BEFORE_HASH 2

/* Characters of a cell, and of a row with a comment. A longer one does not widen the column: one
 * long list would move all its neighbours to the right. */
#define CELL_MAX 40
#define ROW_MAX  64

#define CELLS 4

/* Spaces after each cell but the last one. */
static const unsigned char gaps[POL_FORMAT_SHAPES][CELLS] = {
	[POL_FORMAT_ENVIRONMENT] = { 1, 1 },
	[POL_FORMAT_GRANTEE] = { 1 },
	[POL_FORMAT_ACTION] = { 2, 1 },
	[POL_FORMAT_NODE] = { 1 },
	[POL_FORMAT_GRANT] = { 1, 1 },
	[POL_FORMAT_LIMIT] = { 2 },
	[POL_FORMAT_LINE] = { 2, 2, 2 },
	[POL_FORMAT_EXPECT] = { 1, 1, 2 },
	[POL_FORMAT_FACT] = { 2, 1 },
};

/* Where the cells of a row begin and the last one ends. A cell may be empty. */
struct cells {
	uint32_t at[CELLS + 1];
	unsigned count;
};

static void cell(struct cells *cells, uint32_t end)
{
	cells->at[++cells->count] = end;
}

/* The first token from `i` to before `end` of either kind, or `end`. */
static uint32_t find(const struct pol_format_rows *rows, uint32_t i, uint32_t end,
	enum pol_token_kind a, enum pol_token_kind b)
{
	while (i < end && rows->tokens[i].kind != a && rows->tokens[i].kind != b) {
		i++;
	}
	return i;
}

/* The end of a list that begins at i. */
static uint32_t list_end(const struct pol_format_rows *rows, uint32_t i, uint32_t end)
{
	i++;
	while (i + 1 < end && rows->tokens[i].kind == POL_TOKEN_COMMA) {
		i += 2;
	}
	return i;
}

static bool is_word(const struct pol_format_rows *rows, uint32_t i, const char *word)
{
	return pol_format_is_word(rows->text, &rows->tokens[i], pol_str_of(word));
}

/* `allow` or `deny`, its actions, and what follows. */
static void cut_grant(
	const struct pol_format_rows *rows, const struct pol_format_row *row, struct cells *cells)
{
	uint32_t end = list_end(rows, row->begin + 1, row->end);

	if (end < row->end && rows->tokens[end].kind != POL_TOKEN_COMMA &&
		(row->shape == POL_FORMAT_EXPECT || is_word(rows, end, "on"))) {
		cell(cells, row->begin + 1);
		cell(cells, end);
	}
	if (cells->count > 0 && row->shape == POL_FORMAT_EXPECT) {
		end = list_end(rows, end, row->end);
		if (end < row->end && is_word(rows, end, "because")) {
			cell(cells, end);
		}
	}
}

/* Cuts a row to cells. One whose first line ends early, or that has several entries, is one cell.
 */
static struct cells cut(const struct pol_format_rows *rows, const struct pol_format_row *row)
{
	struct cells cells = { .at = { row->begin } };
	uint32_t i;

	switch ((enum pol_format_shape)row->shape) {
	case POL_FORMAT_ENVIRONMENT:
		cell(&cells, row->begin + 2);
		i = row->begin + 2;
		cell(&cells, i + (rows->tokens[i].kind == POL_TOKEN_STRING));
		break;
	case POL_FORMAT_ACTION:
		if (find(rows, row->begin, row->end, POL_TOKEN_COMMA, POL_TOKEN_OPEN) == row->end) {
			cell(&cells, row->begin + 1);
			cell(&cells, find(rows, row->begin, row->end, POL_TOKEN_STRING,
					     POL_TOKEN_STRING));
		}
		break;
	case POL_FORMAT_GRANTEE:
		cell(&cells, find(rows, row->begin, row->end, POL_TOKEN_OPEN, POL_TOKEN_OPEN));
		break;
	case POL_FORMAT_NODE:
		i = find(rows, row->begin, row->end, POL_TOKEN_OPEN, POL_TOKEN_OPEN);
		if (i < row->end && rows->tokens[i].close + 1 == row->end) {
			cell(&cells, find(rows, row->begin, i, POL_TOKEN_STRING, POL_TOKEN_STRING));
		}
		break;
	case POL_FORMAT_LINE:
		cell(&cells, row->begin + 1);
		cell(&cells, row->begin + 2);
		cell(&cells, row->begin + 3);
		break;
	case POL_FORMAT_LIMIT:
		cell(&cells, row->begin + 1);
		break;
	case POL_FORMAT_FACT:
		cell(&cells, row->begin + 1);
		i = row->begin + 1;
		while (i < row->end && !is_word(rows, i, "default")) {
			i++;
		}
		cell(&cells, i);
		break;
	case POL_FORMAT_GRANT:
	case POL_FORMAT_EXPECT:
		cut_grant(rows, row, &cells);
		break;
	case POL_FORMAT_PLAIN:
	case POL_FORMAT_SHAPES:
		break;
	}
	if (cells.at[cells.count] < row->end || cells.count == 0) {
		cell(&cells, row->end);
	}
	return cells;
}

/* --- output ----------------------------------------------------------------------------------- */

static void put(struct pol_format_rows *rows, const char *text, size_t len)
{
	if (rows->out_len + len > rows->out_capacity) {
		char *grown = pol_arena_grow(rows->arena, rows->out, rows->out_len,
			rows->out_len + len, 1, &rows->out_capacity);

		if (grown == NULL) {
			return;
		}
		rows->out = grown;
	}
	memcpy(rows->out + rows->out_len, text, len);
	rows->out_len += len;
}

static void put_spaces(struct pol_format_rows *rows, size_t count)
{
	static const char spaces[] = "                                ";

	while (count > 0) {
		size_t some = count < sizeof spaces - 1 ? count : sizeof spaces - 1;

		put(rows, spaces, some);
		count -= some;
	}
}

static size_t characters(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
	return count;
}

/* A comma is left out where it separates nothing. In a condition there is no such comma. */
static bool is_idle(const struct pol_format_rows *rows, uint32_t begin, uint32_t i, uint32_t end)
{
	enum pol_token_kind before = i > begin ? rows->tokens[i - 1].kind : POL_TOKEN_OPEN;
	enum pol_token_kind after = i + 1 < end ? rows->tokens[i + 1].kind : POL_TOKEN_END;

	return !rows->tokens[i].inside &&
	       (before == POL_TOKEN_OPEN || after == POL_TOKEN_COMMA || after == POL_TOKEN_CLOSE ||
		       after == POL_TOKEN_NL);
}

/* In a condition, is the token one that has no space after it, or before it? */
static bool is_opening(const struct pol_format_rows *rows, const struct pol_format_token *token)
{
	return token->inside && (token->kind == POL_TOKEN_OPEN || rows->text[token->offset] == '(');
}

static bool is_closing(const struct pol_format_rows *rows, const struct pol_format_token *token)
{
	return token->inside &&
	       (token->kind == POL_TOKEN_CLOSE || rows->text[token->offset] == ')');
}

/* Writes the tokens, or with `write` false only counts. Returns the number of characters. */
static size_t put_tokens(struct pol_format_rows *rows, const struct pol_format_row *row,
	uint32_t begin, uint32_t end, bool write)
{
	bool space = false;
	size_t width = 0;

	for (uint32_t i = begin; i < end; i++) {
		const struct pol_format_token *token = &rows->tokens[i];
		const char *text = rows->text + token->offset;
		bool comma = token->kind == POL_TOKEN_COMMA;

		if (token->kind == POL_TOKEN_NL || (comma && is_idle(rows, row->begin, i, end))) {
			continue;
		}
		space = space && !comma && !is_closing(rows, token);
		width += space + characters(text, token->length);
		if (write) {
			put_spaces(rows, space);
			put(rows, text, token->length);
		}
		space = (!comma || !row->tight) && !is_opening(rows, token);
	}
	return width;
}

/* --- a run ------------------------------------------------------------------------------------ */

/* The widths of the columns of each shape, and the column of comments. */
struct columns {
	size_t widths[POL_FORMAT_SHAPES][CELLS];
	size_t comment;
};

static bool has_more(const struct cells *cells, unsigned i)
{
	return cells->at[i + 1] < cells->at[cells->count];
}

static void widen(
	struct pol_format_rows *rows, const struct pol_format_row *row, struct columns *columns)
{
	struct cells cells = cut(rows, row);

	for (unsigned i = 0; i < cells.count && has_more(&cells, i); i++) {
		size_t width = put_tokens(rows, row, cells.at[i], cells.at[i + 1], false);

		if (width <= CELL_MAX && width > columns->widths[row->shape][i]) {
			columns->widths[row->shape][i] = width;
		}
	}
}

/* Writes a row without its comment, or only counts. Returns the number of characters. */
static size_t put_row(struct pol_format_rows *rows, const struct pol_format_row *row,
	const struct columns *columns, bool write)
{
	struct cells cells = cut(rows, row);
	size_t total = (size_t)row->level * INDENT;

	if (write) {
		put_spaces(rows, total);
	}
	for (unsigned i = 0; i < cells.count; i++) {
		size_t width = put_tokens(rows, row, cells.at[i], cells.at[i + 1], write);
		size_t column = columns->widths[row->shape][i];
		size_t wanted = width;

		if (has_more(&cells, i) && (width > 0 || column > 0)) {
			wanted = (width > column ? width : column) + gaps[row->shape][i];
		}
		if (write) {
			put_spaces(rows, wanted - width);
		}
		total += wanted;
	}
	return total;
}

size_t pol_format_rows_width(struct pol_format_rows *rows, const struct pol_format_row *row)
{
	return (size_t)row->level * INDENT + put_tokens(rows, row, row->begin, row->end, false);
}

static void put_comment(
	struct pol_format_rows *rows, const struct pol_format_row *row, size_t width, size_t column)
{
	const struct pol_format_token *comment;

	if (row->comment == POL_NONE) {
		return;
	}
	comment = &rows->tokens[row->comment];
	if (row->begin < row->end) {
		put_spaces(rows, (width > column ? width : column) - width + BEFORE_HASH);
	}
	put(rows, rows->text + comment->offset, comment->length);
}

void pol_format_rows_flush(struct pol_format_rows *rows)
{
	struct columns columns = { .comment = 0 };

	for (size_t i = 0; i < rows->run_count; i++) {
		widen(rows, &rows->run[i], &columns);
	}
	for (size_t i = 0; i < rows->run_count; i++) {
		const struct pol_format_row *row = &rows->run[i];

		if (row->comment != POL_NONE && row->begin < row->end) {
			size_t width = put_row(rows, row, &columns, false);

			if (width <= ROW_MAX && width > columns.comment) {
				columns.comment = width;
			}
		}
	}
	for (size_t i = 0; i < rows->run_count; i++) {
		size_t width = put_row(rows, &rows->run[i], &columns, true);

		put_comment(rows, &rows->run[i], width, columns.comment);
		put(rows, "\n", 1);
	}
	rows->run_count = 0;
}

void pol_format_rows_add(struct pol_format_rows *rows, struct pol_format_row row)
{
	if (rows->run_count == rows->run_capacity) {
		struct pol_format_row *grown =
			pol_arena_grow(rows->arena, rows->run, rows->run_count, rows->run_count + 1,
				sizeof *rows->run, &rows->run_capacity);

		if (grown == NULL) {
			return;
		}
		rows->run = grown;
	}
	rows->run[rows->run_count++] = row;
}

void pol_format_rows_blank(struct pol_format_rows *rows)
{
	put(rows, "\n", 1);
}
