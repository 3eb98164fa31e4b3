/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/table.h"

#include <string.h>

/* A page of 1,000 records with long names takes a few megabytes. */
#define TABLE_LIMIT ((size_t)256 * 1024 * 1024)
#define GAP         2

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

		table->used[i] = table->used[i] || (!table->titled && !is_empty(&cells[i]));
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

/* No blanks follow the last column. */
static void print_cells(const struct table *table, const struct table_cell *cells, FILE *file)
{
	size_t pad = 0;

	for (size_t i = 0; i < table->columns; i++) {
		const char *text = is_empty(&cells[i]) ? "-" : cells[i].text;

		if (!table->used[i]) {
			continue;
		}
		fprintf(file, "%*s%s%s%s", (int)pad, "", text_begin(table->colour, cells[i].colour),
			text, text_end(table->colour, cells[i].colour));
		pad = table->widths[i] - text_width(pol_str_of(text)) + GAP;
	}
	fputc('\n', file);
}

static void print_titles(struct table *table, FILE *file)
{
	struct table_cell cells[TABLE_MAX_COLUMNS];

	table->used[0] = true;
	for (size_t i = 0; i < table->columns; i++) {
		size_t width = text_width(pol_str_of(table->titles[i]));

		if (width > table->widths[i]) {
			table->widths[i] = width;
		}
		cells[i] = (struct table_cell){ table->titles[i], COLOUR_BOLD };
	}
	print_cells(table, cells, file);
	table->titled = true;
}

void table_print(struct table *table, FILE *file)
{
	if (table->first == NULL) {
		return;
	}
	if (!table->titled) {
		print_titles(table, file);
	}
	for (const struct table_row *row = table->first; row != NULL; row = row->next) {
		print_cells(table, row->cells, file);
	}
	table->first = NULL;
	table->last = NULL;
	pol_arena_finish(&table->rows);
	pol_arena_init(&table->rows, TABLE_LIMIT);
}
