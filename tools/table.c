/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/table.h"

#include <string.h>

/* A page of 1,000 records with long names takes a few megabytes. */
#define TABLE_LIMIT ((size_t)256 * 1024 * 1024)
#define GAP         2

/* A cell that is cut keeps this much: enough to recognize a name by. */
#define LEAST 10

/* The first column is cut last of all, and not to less: an id of a key stays whole. */
#define LEAST_FIRST 20

/* A last column is not folded into less than this, but put below, indented by this. */
#define FOLD_LEAST  20
#define FOLD_INDENT 8

#define ELLIPSIS "…"

struct table_row {
	struct table_row *next; /* in table.first */
	struct table_cell cells[];
};

void table_init(struct table *table, const char *const *titles, size_t columns, bool colour)
{
	*table = (struct table){ .titles = titles, .columns = columns, .colour = colour };
	pol_arena_init(&table->rows, TABLE_LIMIT);
}

void table_finish(struct table *table)
{
	pol_arena_finish(&table->rows);
}

struct pol_arena *table_arena(struct table *table)
{
	return &table->rows;
}

static bool is_empty(const struct table_cell *cell)
{
	return cell->text == NULL || cell->text[0] == '\0';
}

bool table_add(struct table *table, const struct table_cell *cells)
{
	struct table_row *row = pol_arena_alloc(
		&table->rows, 1, sizeof *row + table->columns * sizeof row->cells[0]);

	if (row == NULL) {
		return false;
	}
	memcpy(row->cells, cells, table->columns * sizeof row->cells[0]);
	for (size_t i = 0; i < table->columns; i++) {
		size_t width = is_empty(&cells[i]) ? 1 : text_width(pol_str_of(cells[i].text));

		table->used[i] =
			table->used[i] || table->all || (!table->titled && !is_empty(&cells[i]));
		if (width > table->widths[i]) {
			table->widths[i] = width;
		}
	}
	if (table->last != NULL) {
		table->last->next = row;
	} else {
		table->first = row;
	}
	table->last = row;
	return true;
}

/* --- widths ----------------------------------------------------------------------------------- */

static bool is_shown(const struct table *table, size_t column)
{
	return table->used[column] && !table->left[column];
}

static size_t last_shown(const struct table *table)
{
	size_t last = 0;

	for (size_t i = 0; i < table->columns; i++) {
		last = is_shown(table, i) ? i : last;
	}
	return last;
}

/* Is it in the line with the first column? */
static bool is_beside(const struct table *table, size_t column)
{
	return is_shown(table, column) && !(table->below && column == last_shown(table));
}

/* What a line takes with the columns as wide as `shown` says. */
static size_t line_width(const struct table *table)
{
	size_t width = 0;

	for (size_t i = 0; i < table->columns; i++) {
		if (is_beside(table, i)) {
			width += table->shown[i] + (i > 0 ? GAP : 0);
		}
	}
	return width;
}

/* The least that a column may be cut to. */
static size_t least(const struct table *table, size_t column)
{
	size_t title = text_width(pol_str_of(table->titles[column]));
	size_t room = title > LEAST ? title : LEAST;
	bool folded = table->fold && column == last_shown(table);

	if (folded) {
		room = FOLD_LEAST;
	} else if (column == 0 && table->cut) {
		return table->shown[0];
	} else if (column == 0 || table->whole[column]) {
		return table->widths[column];
	}
	return room < table->widths[column] ? room : table->widths[column];
}

/* Leaves out the next column of `spare` that is shown. False: there is none. */
static bool leave_out(struct table *table)
{
	for (size_t i = 0; table->spare != NULL && table->spare[i] != NULL; i++) {
		for (size_t j = 1; j < table->columns; j++) {
			if (is_shown(table, j) && strcmp(table->titles[j], table->spare[i]) == 0) {
				table->left[j] = true;
				return true;
			}
		}
	}
	return false;
}

/* The narrowest column that would like to be wider, one that folds last; or table->columns. */
static size_t narrowest(const struct table *table)
{
	size_t found = table->columns;

	for (size_t i = 0; i < table->columns; i++) {
		if (table->fold && i == last_shown(table) && found < table->columns) {
			break;
		}
		if (is_beside(table, i) && table->shown[i] < table->widths[i] &&
			(found == table->columns || table->shown[i] < table->shown[found])) {
			found = i;
		}
	}
	return found;
}

/* Begins with the least, and shares what is left, the narrowest first: so the widest are cut. */
static void fit(struct table *table)
{
	for (size_t i = 0; i < table->columns; i++) {
		size_t own = table->width > 0 ? least(table, i) : table->widths[i];

		table->shown[i] = own > table->shown[i] ? own : table->shown[i];
	}
	if (table->width == 0) {
		return;
	}
	while (!table->titled && line_width(table) > table->width && leave_out(table)) {
	}
	if (!table->titled && table->fold && line_width(table) > table->width &&
		table->width > FOLD_INDENT + FOLD_LEAST) {
		table->below = true;
		table->shown[last_shown(table)] = table->width - FOLD_INDENT;
	}
	if (!table->titled && !table->whole[0] && table->shown[0] > LEAST_FIRST &&
		line_width(table) > table->width) {
		size_t over = line_width(table) - table->width;
		size_t most = table->shown[0] - LEAST_FIRST;

		table->shown[0] -= over < most ? over : most;
		table->cut = true;
	}
	for (size_t i = narrowest(table); i < table->columns && line_width(table) < table->width;
		i = narrowest(table)) {
		table->shown[i]++;
	}
}

/* --- printing --------------------------------------------------------------------------------- */

static void put(
	const struct table *table, enum colour colour, struct pol_str text, bool cut, FILE *file)
{
	fprintf(file, "%s%.*s%s%s", text_begin(table->colour, colour), POL_STR_ARGS(text),
		cut ? ELLIPSIS : "", text_end(table->colour, colour));
}

/* The lines of a folded cell that follow the first one. */
static void put_rest(const struct table *table, const struct table_cell *cell, struct pol_str rest,
	size_t at, FILE *file)
{
	while (rest.len > 0) {
		size_t column = last_shown(table);
		size_t len;

		while (rest.len > 0 && rest.ptr[0] == ' ') {
			rest.ptr++;
			rest.len--;
		}
		len = text_fold_at(rest, table->shown[column]);
		fprintf(file, "\n%*s", (int)at, "");
		put(table, cell->colour, (struct pol_str){ rest.ptr, len }, false, file);
		rest.ptr += len;
		rest.len -= len;
	}
}

/* No blanks follow the last column. */
static void print_cells(const struct table *table, const struct table_cell *cells, FILE *file)
{
	size_t last = last_shown(table);
	size_t pad = 0;
	size_t at = 0;

	for (size_t i = 0; i < table->columns; i++) {
		struct pol_str text = pol_str_of(is_empty(&cells[i]) ? "-" : cells[i].text);
		size_t width = text_width(text);
		bool over = width > table->shown[i];
		struct pol_str part = text;

		if (!is_shown(table, i)) {
			continue;
		}
		if (table->below && i == last) {
			at = FOLD_INDENT;
			fprintf(file, "\n%*s", (int)at, "");
		} else {
			fprintf(file, "%*s", (int)pad, "");
		}
		if (over && table->fold && i == last) {
			part.len = text_fold_at(text, table->shown[i]);
			put(table, cells[i].colour, part, false, file);
			put_rest(table, &cells[i],
				(struct pol_str){ text.ptr + part.len, text.len - part.len }, at,
				file);
			break;
		}
		if (over) {
			part.len = text_fit(text, table->shown[i] - 1);
			width = text_width(part) + 1;
		}
		put(table, cells[i].colour, part, over, file);
		pad = table->shown[i] - width + GAP;
		at += table->shown[i] + GAP;
	}
	fputc('\n', file);
}

static void print_titles(const struct table *table, FILE *file)
{
	struct table_cell cells[TABLE_MAX_COLUMNS];

	for (size_t i = 0; i < table->columns; i++) {
		cells[i] = (struct table_cell){ table->titles[i], COLOUR_BOLD };
	}
	print_cells(table, cells, file);
}

static void count_titles(struct table *table)
{
	table->used[0] = true;
	for (size_t i = 0; i < table->columns; i++) {
		size_t width = text_width(pol_str_of(table->titles[i]));

		if (width > table->widths[i]) {
			table->widths[i] = width;
		}
	}
}

void table_print(struct table *table, FILE *file)
{
	if (table->first == NULL) {
		return;
	}
	if (!table->titled) {
		count_titles(table);
	}
	fit(table);
	if (!table->titled) {
		print_titles(table, file);
		table->titled = true;
	}
	for (const struct table_row *row = table->first; row != NULL; row = row->next) {
		print_cells(table, row->cells, file);
	}
	table->first = NULL;
	table->last = NULL;
	pol_arena_finish(&table->rows);
	pol_arena_init(&table->rows, TABLE_LIMIT);
}
