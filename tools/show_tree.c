/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/show_tree.h"

#include <string.h>

#include "tools/draw.h"
#include "tools/text.h"

/* On a narrow terminal deep nodes have this many columns all the same. */
#define LEAST_COLUMNS 20

/* Between two words of a line: a node's name, an action, a description. */
#define GAP 2

/* How many actions there are of a node and those below it, and how many have which mark. */
struct counts {
	size_t total;
	size_t allowed;
	size_t partly; /* or on a condition */
	size_t denied;
};

struct word {
	const char *text;
	enum colour colour;
	bool follows; /* it goes on with the phrase before it */
};

struct show_row {
	unsigned depth;
	bool kept; /* it, or something below it */
	const char *name;
	struct word *words;
	size_t word_count;
	struct counts counts; /* its own; after sum_rows with those below it */
};

static void add_counts(struct counts *sum, const struct counts *counts)
{
	sum->total += counts->total;
	sum->allowed += counts->allowed;
	sum->partly += counts->partly;
	sum->denied += counts->denied;
}

/* --- rows ------------------------------------------------------------------------------------- */

static struct word action_word(const struct show_tree *tree, const struct pol_shown_action *action)
{
	struct app *app = tree->app;
	struct word word = { .colour = tree->marked ? COLOUR_DIM : COLOUR_NONE };
	const char *mark = tree->marked ? "·" : "";

	if (action->marks.sometimes) {
		word.colour = COLOUR_YELLOW;
		mark = "?";
	} else if (action->marks.denied) {
		word.colour = COLOUR_RED;
		mark = "-";
	} else if (action->marks.allowed) {
		word.colour = COLOUR_GREEN;
		mark = "+";
	} else if (action->marks.partly) {
		word.colour = COLOUR_YELLOW;
		mark = "~";
	}
	word.text = app_text(app, "%s%s%s%s", mark, text_escape(&app->arena, action->name),
		action->methods.len > 0 ? " " : "", text_escape(&app->arena, action->methods));
	return word;
}

/* The condition of an action, word by word, so that a line can be broken in it. */
static void add_condition(
	struct app *app, const struct pol_shown_action *action, struct show_row *row)
{
	const char *text = text_escape(&app->arena, action->when);

	row->words[row->word_count++] = (struct word){ "when", COLOUR_DIM, true };
	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		row->words[row->word_count++] =
			(struct word){ app_text(app, "%.*s", (int)len, text), COLOUR_NONE, true };
		text += len;
		text += strspn(text, " ");
	}
}

/* The words of the conditions, at most. */
static size_t condition_words(const struct pol_shown *shown)
{
	size_t count = 0;

	for (size_t i = 0; i < shown->action_count; i++) {
		count += shown->actions[i].when.len > 0 ? shown->actions[i].when.len / 2 + 2 : 0;
	}
	return count;
}

static void count_action(struct counts *counts, const struct pol_show_marks *marks)
{
	counts->total++;
	counts->allowed += marks->allowed;
	counts->partly += marks->partly || marks->sometimes;
	counts->denied += marks->denied;
}

static const char *row_name(struct app *app, const struct pol_shown *shown)
{
	const char *segment = text_escape(&app->arena, shown->segment);

	return app_text(app, "%s%s%s", shown->depth > 0 && segment[0] != '/' ? "/" : "", segment,
		shown->depth > 0 ? "" : ":");
}

static struct show_row make_row(
	const struct show_tree *tree, const struct pol_shown *shown, bool kept)
{
	struct app *app = tree->app;
	struct show_row row = { .depth = shown->depth, .kept = kept, .name = row_name(app, shown) };

	row.words = pol_arena_alloc(
		&app->arena, shown->action_count + 2 + condition_words(shown), sizeof *row.words);
	if (row.words == NULL) {
		return row;
	}
	for (size_t i = 0; i < shown->action_count; i++) {
		row.words[row.word_count++] = action_word(tree, &shown->actions[i]);
		if (shown->actions[i].when.len > 0) {
			add_condition(app, &shown->actions[i], &row);
		}
		count_action(&row.counts, &shown->actions[i].marks);
	}
	if (shown->description.len > 0) {
		row.words[row.word_count++] = (struct word){
			app_text(app, "\"%s\"", text_escape(&app->arena, shown->description)),
			COLOUR_DIM, false
		};
	}
	if (shown->strict_slash) {
		row.words[row.word_count++] =
			(struct word){ "strict_slash yes", COLOUR_NONE, false };
	}
	return row;
}

bool show_tree_add(struct show_tree *tree, const struct pol_shown *shown, bool kept)
{
	if (tree->count == tree->capacity) {
		struct show_row *rows = pol_arena_grow(&tree->app->arena, tree->rows, tree->count,
			tree->count + 1, sizeof *rows, &tree->capacity);

		if (rows == NULL) {
			return false;
		}
		tree->rows = rows;
	}
	tree->rows[tree->count++] = make_row(tree, shown, kept);
	for (size_t i = 0; i < shown->action_count; i++) {
		tree->conditional = tree->conditional || shown->actions[i].marks.sometimes;
	}
	return tree->app->arena.status == POL_OK;
}

/* From the end, so that what is below a row comes before it. */
static void sum_rows(struct show_tree *tree)
{
	struct {
		struct counts counts;
		bool kept;
	} below[DRAW_MAX_DEPTH + 1] = { 0 };

	for (size_t i = tree->count; i-- > 0;) {
		struct show_row *row = &tree->rows[i];
		unsigned depth = row->depth < DRAW_MAX_DEPTH ? row->depth : DRAW_MAX_DEPTH - 1;

		row->kept = row->kept || below[depth + 1].kept;
		add_counts(&row->counts, &below[depth + 1].counts);
		below[depth + 1].kept = false;
		below[depth + 1].counts = (struct counts){ 0 };
		below[depth].kept = below[depth].kept || row->kept;
		add_counts(&below[depth].counts, &row->counts);
	}
}

/* --- lines ------------------------------------------------------------------------------------ */

/* The text of a line, or of several when it is longer than the terminal is wide. */
struct line {
	const struct show_tree *tree;
	const char *text;
	size_t width; /* of the last line, from where the first one begins */
	size_t room;  /* 0: without limit */
};

static void begin_line(struct line *line, unsigned depth)
{
	size_t columns = line->tree->columns;
	size_t indent = draw_indent(depth);

	line->text = "";
	line->width = 0;
	line->room = columns;
	if (columns > 0) {
		line->room = columns > indent + LEAST_COLUMNS ? columns - indent : LEAST_COLUMNS;
	}
}

/* A word that is wider than a line is cut. */
static const char *cut(const struct line *line, const char *text)
{
	size_t room = line->room - DRAW_STEP;

	if (line->room == 0 || text_width(pol_str_of(text)) <= room) {
		return text;
	}
	return app_text(line->tree->app, "%.*s…", (int)text_fit(pol_str_of(text), room - 1), text);
}

static void add_word(struct line *line, const struct word *word)
{
	struct app *app = line->tree->app;
	const char *whole = cut(line, word->text);
	size_t width = text_width(pol_str_of(whole));
	bool first = line->width == 0;
	size_t gap = word->follows ? 1 : GAP;
	bool broken = !first && line->room > 0 && line->width + gap + width > line->room;

	line->text = app_text(app, "%s%s%s%s%s", line->text,
		first           ? ""
		: broken        ? "\n"
		: word->follows ? " "
				: "  ",
		text_begin(app->colour, word->colour), whole, text_end(app->colour, word->colour));
	line->width = broken ? DRAW_STEP + width : line->width + (first ? 0 : gap) + width;
}

static const char *row_text(const struct show_tree *tree, const struct show_row *row)
{
	struct line line = { .tree = tree };

	begin_line(&line, row->depth);
	add_word(&line, &(struct word){ row->name, COLOUR_BOLD, false });
	for (size_t i = 0; i < row->word_count; i++) {
		add_word(&line, &row->words[i]);
	}
	return line.text;
}

/* Is everything below the row allowed, or nothing? NULL: neither. */
static const char *fold_text(
	const struct show_tree *tree, const struct show_row *row, enum colour *out_colour)
{
	const struct counts *counts = &row->counts;
	struct app *app = tree->app;
	const char *all = app_count(app, counts->total, "action");

	if (counts->total == 0) {
		return NULL;
	}
	if (counts->allowed == counts->total) {
		*out_colour = COLOUR_GREEN;
		return app_text(app, "+all %s", all);
	}
	if (counts->denied == counts->total && counts->partly == 0) {
		*out_colour = COLOUR_RED;
		return app_text(app, "-all %s", all);
	}
	if (counts->allowed + counts->partly > 0) {
		return NULL;
	}
	*out_colour = COLOUR_DIM;
	return counts->denied > 0 ? app_text(app, "·none of %s, %zu denied", all, counts->denied)
				  : app_text(app, "·none of %s", all);
}

static const char *folded_row(const struct show_tree *tree, const struct show_row *row,
	const char *what, enum colour colour)
{
	struct line line = { .tree = tree };

	begin_line(&line, row->depth);
	add_word(&line,
		&(struct word){ app_text(tree->app, "%s/**", row->name), COLOUR_BOLD, false });
	add_word(&line, &(struct word){ what, colour, false });
	return line.text;
}

/* One past the last row below it. */
static size_t row_end(const struct show_tree *tree, size_t number)
{
	size_t end = number + 1;

	while (end < tree->count && tree->rows[end].depth > tree->rows[number].depth) {
		end++;
	}
	return end;
}

static void put_legend(const struct show_tree *tree, FILE *file)
{
	fprintf(file, "\n+ allowed   %s~ partly   - denied whatever else is held   · not allowed\n",
		tree->conditional ? "? on the condition that follows   " : "");
	if (!tree->unfolded) {
		fputs("/** stands for a whole subtree: --unfold draws it\n", file);
	}
}

void show_tree_draw(struct show_tree *tree, FILE *file)
{
	struct pol_arena *arena = &tree->app->arena;
	struct draw drawing = { 0 };
	size_t next;

	sum_rows(tree);
	for (size_t i = 0; i < tree->count; i = next) {
		const struct show_row *row = &tree->rows[i];
		size_t end = row_end(tree, i);
		enum colour colour = COLOUR_NONE;
		const char *folded = NULL;

		next = i + 1;
		if (!row->kept) {
			continue;
		}
		if (tree->marked && !tree->unfolded && end > i + 1) {
			folded = fold_text(tree, row, &colour);
		}
		next = folded != NULL ? end : next;
		if (!draw_add(&drawing, arena, row->depth,
			    folded != NULL ? folded_row(tree, row, folded, colour)
					   : row_text(tree, row))) {
			return;
		}
	}
	draw_print(&drawing, file);
	if (tree->marked && drawing.count > 0) {
		put_legend(tree, file);
	}
}
