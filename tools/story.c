/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/story.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/decide/stack.h"
#include "policy/text/terms.h"
#include "tools/text.h"
#include "tools/when.h"

/* The column of positions, unless a line is longer. */
#define PLACE_COLUMN 76

/* On a narrow terminal positions stand beside lines of at least this; else below, indented. */
#define PLACE_LEAST  40
#define PLACE_INDENT 8

/* The other lines of one that is folded are indented by this more than itself. */
#define FOLD_INDENT 4

struct line {
	const char *text;
	struct pol_position position;
	enum colour colour;
	bool gap; /* an empty line comes before it */
};

struct story {
	struct app *app;
	struct line *lines;
	size_t count;
	size_t capacity;
};

static void add(struct story *story, struct line line)
{
	if (story->count == story->capacity) {
		struct line *lines = pol_arena_grow(&story->app->arena, story->lines, story->count,
			story->count + 1, sizeof *lines, &story->capacity);

		if (lines == NULL) {
			return;
		}
		story->lines = lines;
	}
	story->lines[story->count++] = line;
}

static const char *shown(struct story *story, struct pol_str text)
{
	return text_escape(&story->app->arena, text);
}

static const char *joined(struct story *story, const struct pol_str *items, uint32_t count,
	const char *before, const char *between)
{
	const char *text = "";

	for (uint32_t i = 0; i < count; i++) {
		text = app_text(story->app, "%s%s%s", text, i > 0 ? between : before,
			shown(story, items[i]));
	}
	return text;
}

/* --- the walk --------------------------------------------------------------------------------- */

/* The effect of a verdict: the cell of the control table, in words. */
static const char *effect_text(struct story *story, const struct pol_explained_line *line)
{
	const char *stack = shown(story, line->stack);

	switch (pol_stack_effect(line->control, line->verdict)) {
	case POL_EFFECT_FAIL:
		return ": the group fails, its rest still runs";
	case POL_EFFECT_FAIL_AND_END:
		return line->ends == POL_ENDS_SUBSTACK
			       ? app_text(story->app, ": the group fails, substack %s ends", stack)
			       : ": the group fails and ends";
	case POL_EFFECT_FALLBACK:
		return ": counts if nothing else decides";
	case POL_EFFECT_COUNT_AND_END:
		return line->ends == POL_ENDS_GROUP ? ": the group ends"
		       : line->ends == POL_ENDS_SUBSTACK
			       ? app_text(story->app, ": substack %s ends", stack)
			       : "";
	case POL_EFFECT_SKIP:
		return line->verdict == POL_IGNORE ? "" : ": no effect";
	case POL_EFFECT_COUNT:
		break;
	}
	return "";
}

/* The module names the quota; whether one is left is known only at the end of the decision. */
static bool is_used_up(
	struct story *story, const struct pol_explained_line *line, struct pol_str quota)
{
	struct pol_str wanted = pol_str_of(app_text(story->app, "name=%.*s", POL_STR_ARGS(quota)));

	if (quota.len == 0 || !line->asked || !pol_str_equal(line->module, POL_STR("quota"))) {
		return false;
	}
	for (uint32_t i = 0; i < line->argument_count; i++) {
		if (pol_str_equal(line->arguments[i], wanted)) {
			return true;
		}
	}
	return false;
}

static void add_line(struct story *story, const struct pol_explanation *explanation,
	const struct pol_explained_line *line, size_t width)
{
	const char *what = app_text(story->app, "%-10s %s%s", pol_terms_control(line->control),
		shown(story, line->module),
		joined(story, line->arguments, line->argument_count, " ", " "));
	bool refused = line->verdict == POL_DENY || line->verdict == POL_ERROR;
	const char *verdict = "not asked";
	size_t pad = text_width(pol_str_of(what));

	if (line->asked) {
		verdict = app_text(story->app, "%s%s%s%s%s%s%s", pol_terms_verdict(line->verdict),
			refused && line->reason.len > 0 ? " " : "",
			refused ? shown(story, line->reason) : "", line->fact.len > 0 ? " (" : "",
			shown(story, line->fact), line->fact.len > 0 ? ")" : "",
			is_used_up(story, line, explanation->quota) ? ", but was used up in the end"
								    : effect_text(story, line));
	}
	add(story, (struct line){ .text = app_text(story->app, "  %s%*s  %s", what,
					  pad < width ? (int)(width - pad) : 0, "", verdict),
			   .position = line->position,
			   .colour = line->asked ? COLOUR_NONE : COLOUR_DIM });
}

/* One line with many arguments does not move the verdicts of the others. */
#define WHAT_COLUMN 36

static size_t what_width(struct story *story, const struct pol_explanation *explanation)
{
	size_t width = 0;

	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		for (uint32_t i = 0; i < explanation->groups[group].line_count; i++) {
			const struct pol_explained_line *line =
				&explanation->groups[group].lines[i];
			size_t own = 11 + text_width(pol_str_of(shown(story, line->module)));

			for (uint32_t k = 0; k < line->argument_count; k++) {
				own += 1 + text_width(pol_str_of(shown(story, line->arguments[k])));
			}
			width = own > width && own <= WHAT_COLUMN ? own : width;
		}
	}
	return width;
}

static void add_groups(struct story *story, const struct pol_explanation *explanation)
{
	size_t width = what_width(story, explanation);

	for (int number = 0; number < POL_GROUP_COUNT; number++) {
		const struct pol_explained_group *group = &explanation->groups[number];
		const char *name = pol_terms_group((enum pol_group)number);
		struct line line = { .text = name };

		if (group->line_count == 0) {
			continue;
		}
		if (!group->asked) {
			line.text = app_text(story->app, "%s: not asked", name);
			line.colour = COLOUR_DIM;
		} else if (number != POL_GROUP_RECORD) {
			line.text = app_text(story->app, "%s: %s%s", name,
				group->passed ? "passed" : "failed, ",
				group->passed ? "" : shown(story, group->reason));
			line.colour = group->passed ? COLOUR_GREEN : COLOUR_RED;
		}
		add(story, line);
		for (uint32_t i = 0; i < group->line_count; i++) {
			add_line(story, explanation, &group->lines[i], width);
		}
	}
}

/* --- the rules -------------------------------------------------------------------------------- */

/* "role servicing <- get-only", "scope a" */
static const char *chain_text(struct story *story, const struct pol_explained_rule *rule)
{
	return app_text(story->app, "%s%s", rule->scope ? "scope" : "role",
		joined(story, rule->chain, rule->chain_count, " ", " <- "));
}

/* A copy with one space where the policy has several, or tabs, to align its words. */
static const char *squeezed(struct story *story, struct pol_str text)
{
	char *copy = pol_arena_alloc(&story->app->arena, text.len, 1);
	size_t len = 0;

	for (size_t i = 0; copy != NULL && i < text.len; i++) {
		char c = text.ptr[i] == '\t' ? ' ' : text.ptr[i];

		if (c != ' ' || (len > 0 && copy[len - 1] != ' ')) {
			copy[len++] = c;
		}
	}
	return shown(story, (struct pol_str){ copy, len });
}

/* The condition and each of its predicates: "context.amount <= 500: 600 <= 500, false". One that is
 * alone is the condition itself. */
static void add_condition(struct story *story, const struct pol_explained_rule *rule)
{
	bool alone = rule->predicate_count == 1;

	if (rule->when.len == 0) {
		return;
	}
	if (!alone) {
		add(story, (struct line){ .text = app_text(story->app, "  when %s: %s",
						  shown(story, rule->when),
						  pol_truth_text(rule->truth)) });
	}
	for (uint32_t i = 0; i < rule->predicate_count; i++) {
		const struct pol_explained_predicate *predicate = &rule->predicates[i];

		add(story, (struct line){
				   .text = app_text(story->app, "  %s%s: %s%s%s",
					   alone ? "when " : "  ", shown(story, predicate->text),
					   shown(story, predicate->values),
					   predicate->values.len > 0 ? ", " : "",
					   pol_truth_text(predicate->truth)) });
	}
}

/* What a rule that is held does to the request. */
static const char *verb_text(const struct pol_explained_rule *rule)
{
	switch (rule->truth) {
	case POL_FALSE:
		return rule->deny ? "does not deny it" : "does not allow it";
	case POL_UNKNOWN:
		return rule->deny ? "may deny it" : "may allow it";
	case POL_TRUE:
		break;
	}
	return rule->deny ? "denies it" : "allows it";
}

static void add_rule(struct story *story, const struct pol_explained_rule *rule, const char *verb)
{
	const char *until = "", *by = "";

	if (rule->holder != POL_HOLDER_SUBJECT) {
		by = app_text(story->app, " by %s", pol_terms_holder(rule->holder));
	}
	if (rule->until != 0) {
		until = app_text(
			story->app, ", ending %s", when_text_full(story->app, rule->until));
	}
	add(story,
		(struct line){
			.text = app_text(story->app, "%s %s%s%s%s%s%s%s", chain_text(story, rule),
				verb, joined(story, rule->verbs, rule->verb_count, " ", ", "),
				rule->held                            ? ", but is held only"
				: rule->at_count > 0 || by[0] != '\0' ? ", held"
								      : "",
				by, joined(story, rule->at, rule->at_count, " at ", ", "), until,
				rule->position.line == 0 ? ", and was made outside of the files"
							 : "") });
	if (rule->text.len > 0) {
		add(story, (struct line){ .text = app_text(
						  story->app, "  %s", squeezed(story, rule->text)),
				   .position = rule->position });
	}
	add_condition(story, rule);
}

static const char *const ends[POL_STAGE_COUNT] = {
	[POL_STAGE_TOKEN] = "The token is not accepted: no stack was run.",
	[POL_STAGE_PRINCIPAL] = "There is no active principal to decide for: no stack was run.",
	[POL_STAGE_ENVIRONMENT] = "The environment or the tenant is another one: no stack was run.",
	[POL_STAGE_SERVICE] = "No stack decides for this service.",
	[POL_STAGE_RESOURCE] = "The policy does not declare what was asked for.",
	[POL_STAGE_NETWORKS] = "The caller's address is not in the key's networks.",
	[POL_STAGE_FACTS] = "It depends on a fact that is not known.",
	[POL_STAGE_CHARGES] = "A quota is used up.",
};

static void add_text(struct story *story, const char *text)
{
	add(story, (struct line){ .text = text });
}

static void add_missing_scope(struct story *story, const struct pol_explanation *explanation)
{
	if (explanation->key_at_count > 0) {
		add_text(story, app_text(story->app, "The key counts at %s alone.",
					joined(story, explanation->key_at,
						explanation->key_at_count, "", ", ")));
	} else {
		add_text(story, "The key's scopes leave it out.");
		if (explanation->none.scope) {
			add_text(story, "No scope would allow it.");
		}
	}
}

/* Says what is missing, and also when nothing in the policy would allow it. */
static void add_lacks(struct story *story, const struct pol_explanation *explanation)
{
	if (explanation->missing.scope) {
		add_missing_scope(story, explanation);
	}
	if (explanation->missing.role && explanation->none.role) {
		add_text(story, "No role that could be given would allow it.");
	}
	if (explanation->missing.role && explanation->missing.scope &&
		explanation->need_count > 0) {
		add_text(story, "A role and a scope are needed together:");
	}
	if (explanation->none.role && explanation->none.scope && !explanation->missing.role &&
		!explanation->missing.scope) {
		add_text(story, "No role and no scope would change that.");
	}
}

static void add_needs(struct story *story, const struct pol_explanation *explanation)
{
	bool both = explanation->missing.role && explanation->missing.scope;

	add_lacks(story, explanation);
	for (uint32_t i = 0; i < explanation->need_count; i++) {
		bool sure = explanation->needs[i].truth == POL_TRUE;

		add_rule(story, &explanation->needs[i],
			both   ? sure ? "would do" : "may do"
			: sure ? "would allow it"
			       : "may allow it");
	}
	if (explanation->more_needs > 0) {
		add_text(story,
			app_text(story->app, "… and %" PRIu32 " more.", explanation->more_needs));
	}
}

static void add_all(struct story *story, const struct pol_explanation *explanation)
{
	if (explanation->has_stack) {
		add(story,
			(struct line){ .text = explanation->stack.len > 0
						       ? app_text(story->app, "stack %s",
								 shown(story, explanation->stack))
						       : "the built-in stack",
				.position = explanation->position,
				.gap = true });
		add_groups(story, explanation);
	}
	if (explanation->quota.len > 0) {
		add(story, (struct line){ .text = app_text(story->app, "Quota %s is used up.",
						  shown(story, explanation->quota)),
				   .gap = true });
	} else if (explanation->stage == POL_STAGE_NETWORKS && explanation->fact.len > 0) {
		add(story,
			(struct line){ .text = app_text(story->app, "%s (%s)",
					       "The caller's address is not in the key's networks",
					       shown(story, explanation->fact)),
				.gap = true });
	} else if (ends[explanation->stage] != NULL) {
		add(story, (struct line){ .text = ends[explanation->stage], .gap = true });
	}
	if (explanation->resource.len > 0) {
		add(story, (struct line){ .text = app_text(story->app, "asked for: %s%s%s",
						  shown(story, explanation->action),
						  explanation->action.len > 0 ? " on " : "",
						  shown(story, explanation->resource)),
				   .gap = true });
	}
	if (explanation->has_count > 0) {
		add_text(story,
			app_text(story->app, "It has %s.",
				joined(story, explanation->has, explanation->has_count, "", ", ")));
	}
	for (uint32_t i = 0; i < explanation->rule_count; i++) {
		add_rule(story, &explanation->rules[i], verb_text(&explanation->rules[i]));
	}
	add_needs(story, explanation);
}

/* Where lines and their positions go. */
struct shape {
	size_t width;  /* of the terminal; 0: any */
	size_t indent; /* of all lines */
	size_t column; /* of the positions, after the indent; 0: below the lines */
	FILE *file;
};

static const char *position_text(struct story *story, const struct line *line)
{
	return line->position.line == 0
		       ? ""
		       : app_text(story->app, "%s:%" PRIu32, shown(story, line->position.file),
				 line->position.line);
}

static struct shape shape_of(struct story *story, unsigned indent, FILE *file)
{
	struct shape shape = { text_columns(file), indent, 0, file };
	size_t longest = 0;
	size_t room;

	for (size_t i = 0; i < story->count; i++) {
		const struct line *line = &story->lines[i];
		size_t width = text_width(pol_str_of(line->text));
		size_t position = text_width(pol_str_of(position_text(story, line)));

		shape.column = width > shape.column && width <= PLACE_COLUMN ? width : shape.column;
		longest = position > longest ? position : longest;
	}
	room = shape.width > indent + longest + 2 ? shape.width - indent - longest - 2 : 0;
	if (shape.width > 0 && shape.column > room) {
		shape.column = room >= PLACE_LEAST ? room : 0;
	}
	return shape;
}

static void print_line(struct story *story, const struct line *line, const struct shape *shape)
{
	bool colour = story->app->colour;
	size_t own = strspn(line->text, " ");
	const char *position = position_text(story, line);
	bool beside = position[0] != '\0' && shape->column > 0;
	/* What is longer than the others moves its own position, if there is room. */
	bool fits = shape->indent + text_width(pol_str_of(line->text)) + 2 +
			    text_width(pol_str_of(position)) <=
		    shape->width;
	const struct text_lines lines = {
		.width = beside && shape->width > 0 && !fits ? shape->indent + shape->column
							     : shape->width,
		.begin = shape->indent + own,
		.indent = shape->indent + own + FOLD_INDENT,
	};
	size_t end;

	fprintf(shape->file, "%*s%s", (int)lines.begin, "", text_begin(colour, line->colour));
	end = text_fold(shape->file, line->text + own, &lines) - shape->indent;
	fputs(text_end(colour, line->colour), shape->file);
	if (beside) {
		fprintf(shape->file, "%*s  %s",
			end < shape->column ? (int)(shape->column - end) : 0, "", position);
	} else if (position[0] != '\0') {
		fprintf(shape->file, "\n%*s%s", (int)shape->indent + PLACE_INDENT, "", position);
	}
	fputc('\n', shape->file);
}

void story_print(
	struct app *app, const struct pol_explanation *explanation, unsigned indent, FILE *file)
{
	struct story story = { .app = app };
	struct shape shape;

	add_all(&story, explanation);
	shape = shape_of(&story, indent, file);
	for (size_t i = 0; i < story.count; i++) {
		if (story.lines[i].gap) {
			fputc('\n', file);
		}
		print_line(&story, &story.lines[i], &shape);
	}
}
