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
		fputs(line->text, file);
		fputc('\n', file);
	}
}
