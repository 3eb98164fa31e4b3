/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the lines of a condition end. As written, a line ends before `and`, `or` and after a comma;
 * one that ended after `and` or `or` ends before it. Other line ends, which parentheses allow, are
 * taken out, except where there is a comment. A line that is too long ends before `when` and then
 * before each `and` and `or` of its outermost parentheses.
 */
#include "policy/format/format_internal.h"

/* Characters of a line of a condition. */
#define LINE_MAX 100

static bool is_word(const struct pol_format_rows *rows, uint32_t i, struct pol_str word)
{
	return pol_format_is_word(rows->text, &rows->tokens[i], word);
}

static bool is_joint(const struct pol_format_rows *rows, uint32_t i)
{
	return rows->tokens[i].inside &&
	       (is_word(rows, i, POL_STR("and")) || is_word(rows, i, POL_STR("or")));
}

/* The next token after i that is not a line end. *out_comment: there is a comment before it. */
static uint32_t skip_line_ends(const struct pol_format_rows *rows, uint32_t i, bool *out_comment)
{
	*out_comment = false;
	for (i++; rows->tokens[i].kind == POL_TOKEN_NL; i++) {
		*out_comment = *out_comment || rows->tokens[i].length > 0;
	}
	return i;
}

/* Keeps the line ends of the source that stay. */
static void keep_lines(struct pol_format_rows *rows, const struct pol_format_condition *condition)
{
	struct pol_format_token *tokens = rows->tokens;
	uint32_t next;

	for (uint32_t i = condition->lead; i + 1 < condition->end; i = next) {
		bool comment;

		next = skip_line_ends(rows, i, &comment);
		if (next == i + 1 || next >= condition->end) {
			continue;
		}
		if (comment || is_joint(rows, next) || tokens[i].kind == POL_TOKEN_COMMA) {
			tokens[next].begins = true;
		} else if (is_joint(rows, i)) {
			tokens[i].begins = true;
		}
	}
}

/* The first token after i with which a row begins, or the end. */
static uint32_t row_end(const struct pol_format_rows *rows,
	const struct pol_format_condition *condition, uint32_t i)
{
	i++;
	while (i < condition->end && !rows->tokens[i].begins) {
		i++;
	}
	return i;
}

static bool is_too_long(struct pol_format_rows *rows, const struct pol_format_condition *condition,
	uint32_t begin, uint32_t end)
{
	struct pol_format_row row = { .begin = begin, .end = end };

	row.level = begin < condition->lead ? condition->first_level
					    : pol_format_condition_level(rows, condition, begin);
	return pol_format_rows_width(rows, &row) > LINE_MAX;
}

/* Parts the row at each `and` and `or` that is in the fewest parentheses. False: there is none. */
static bool part(struct pol_format_rows *rows, uint32_t begin, uint32_t end)
{
	unsigned least = UINT8_MAX;

	for (uint32_t i = begin + 1; i < end; i++) {
		if (is_joint(rows, i) && rows->tokens[i].depth < least) {
			least = rows->tokens[i].depth;
		}
	}
	for (uint32_t i = begin + 1; i < end; i++) {
		if (is_joint(rows, i) && rows->tokens[i].depth == least) {
			rows->tokens[i].begins = true;
		}
	}
	return least < UINT8_MAX;
}

void pol_format_condition_break(
	struct pol_format_rows *rows, const struct pol_format_condition *condition)
{
	struct pol_format_token *lead = &rows->tokens[condition->lead];
	uint32_t begin = condition->begin;
	uint32_t end;

	keep_lines(rows, condition);
	if (is_word(rows, condition->lead, POL_STR("when")) && condition->lead > begin &&
		is_too_long(rows, condition, begin, row_end(rows, condition, condition->lead))) {
		lead->begins = true;
	}
	if (lead->begins) {
		begin = condition->lead;
	}
	while (begin < condition->end) {
		end = row_end(rows, condition, begin);
		if (!is_too_long(rows, condition, begin, end) || !part(rows, begin, end)) {
			begin = end;
		}
	}
}

uint16_t pol_format_condition_level(const struct pol_format_rows *rows,
	const struct pol_format_condition *condition, uint32_t i)
{
	unsigned lead = condition->level + (rows->tokens[condition->lead].begins ? 1U : 0U);
	uint32_t before = i - 1;

	if (i == condition->lead) {
		return (uint16_t)lead;
	}
	while (rows->tokens[before].kind == POL_TOKEN_NL) {
		before--;
	}
	return (uint16_t)(lead + 1 + rows->tokens[i].depth +
			  (rows->tokens[before].kind == POL_TOKEN_COMMA ? 1U : 0U));
}
