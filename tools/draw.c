/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/draw.h"

bool draw_add(struct draw *draw, struct pol_arena *arena, unsigned depth, const char *text)
{
	if (draw->count == draw->capacity) {
		struct draw_line *lines = pol_arena_grow(arena, draw->lines, draw->count,
			draw->count + 1, sizeof *lines, &draw->capacity);

		if (lines == NULL) {
			return false;
		}
		draw->lines = lines;
	}
	draw->lines[draw->count++] = (struct draw_line){
		.depth = depth < DRAW_MAX_DEPTH ? depth : DRAW_MAX_DEPTH - 1,
		.text = text,
	};
	return true;
}

/* From the end: a line is the last of its siblings when nothing of its depth came below it since
 * something shallower. */
static void find_last(struct draw *draw)
{
	bool below[DRAW_MAX_DEPTH] = { false };

	for (size_t i = draw->count; i-- > 0;) {
		struct draw_line *line = &draw->lines[i];

		line->last = !below[line->depth];
		below[line->depth] = true;
		for (unsigned depth = line->depth + 1; depth < DRAW_MAX_DEPTH; depth++) {
			below[depth] = false;
		}
	}
}

size_t draw_indent(unsigned depth)
{
	return (depth < DRAW_MAX_DEPTH ? depth : DRAW_MAX_DEPTH - 1) * (size_t)DRAW_STEP;
}

/* Prints the text; before its further lines, the branches that go on beside them. */
static void print_text(const struct draw *draw, size_t number, const bool *open, FILE *file)
{
	const struct draw_line *line = &draw->lines[number];
	bool parent = number + 1 < draw->count && draw->lines[number + 1].depth > line->depth;

	for (const char *text = line->text; *text != '\0'; text++) {
		fputc(*text, file);
		if (*text != '\n') {
			continue;
		}
		for (unsigned depth = 1; depth <= line->depth; depth++) {
			fputs(open[depth] ? "│   " : "    ", file);
		}
		fputs(parent ? "│   " : "    ", file);
	}
	fputc('\n', file);
}

void draw_print(struct draw *draw, FILE *file)
{
	bool open[DRAW_MAX_DEPTH] = { false }; /* a sibling is still to come at this depth */

	find_last(draw);
	for (size_t i = 0; i < draw->count; i++) {
		const struct draw_line *line = &draw->lines[i];

		for (unsigned depth = 1; depth < line->depth; depth++) {
			fputs(open[depth] ? "│   " : "    ", file);
		}
		if (line->depth > 0) {
			fputs(line->last ? "└── " : "├── ", file);
		}
		open[line->depth] = !line->last;
		print_text(draw, i, open, file);
	}
}
