/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over blocks and statements. A row of the output begins where a line of the source does:
 * lines are not joined. They are parted where a block has several lines: after its `{`, before its
 * `}`, and between it and its neighbours in a list.
 */
#include "policy/format/format.h"

#include <stdlib.h>
#include <string.h>

#include "policy/format/format_internal.h"
#include "policy/language/parse.h"

/* What a block holds. */
enum block {
	BLOCK_FILE = 0,
	BLOCK_TREE,   /* a tree or a node */
	BLOCK_GRANTS, /* a role or a scope */
	BLOCK_PATHS,  /* suffixes of a pattern */
	BLOCK_PRINCIPAL,
	BLOCK_LIMITS,
	BLOCK_STACK,
	BLOCK_TEST,
	BLOCK_FACTS
};

struct walk {
	struct pol_format_rows rows;
	const char *text;
	struct pol_format_token *tokens;
	uint32_t at; /* the next token */
	bool blank;  /* there were empty lines before it */
	bool fresh;  /* nothing of its block was written yet */
};

/* A statement or an entry, while its rows are made. */
struct item {
	enum block in;
	uint32_t begin;            /* the first token of the current row */
	struct pol_format_row row; /* its shape, level and spacing */
	uint16_t indent; /* levels, of further lines up to the next block; 0: not known yet */
	bool parted;     /* it has more than one row */
	bool header;     /* within the paths of a node: their commas do not end the entry */
};

static bool is(const struct walk *walk, uint32_t i, enum pol_token_kind kind)
{
	return walk->tokens[i].kind == kind;
}

static bool is_word(const struct walk *walk, uint32_t i, const char *word)
{
	return pol_format_is_word(walk->text, &walk->tokens[i], pol_str_of(word));
}

static bool is_path(const struct walk *walk, uint32_t i)
{
	return is(walk, i, POL_TOKEN_WORD) && walk->text[walk->tokens[i].offset] == '/';
}

static const struct {
	const char *keyword;
	enum block block;
	enum pol_format_shape shape; /* of the statement on one line */
} statements[] = {
	{ "environment", BLOCK_FILE, POL_FORMAT_ENVIRONMENT },
	{ "facts", BLOCK_FACTS, POL_FORMAT_PLAIN },
	{ "limits", BLOCK_LIMITS, POL_FORMAT_PLAIN },
	{ "principal", BLOCK_PRINCIPAL, POL_FORMAT_PLAIN },
	{ "role", BLOCK_GRANTS, POL_FORMAT_GRANTEE },
	{ "scope", BLOCK_GRANTS, POL_FORMAT_GRANTEE },
	{ "stack", BLOCK_STACK, POL_FORMAT_PLAIN },
	{ "test", BLOCK_TEST, POL_FORMAT_PLAIN },
	{ "tree", BLOCK_TREE, POL_FORMAT_PLAIN },
};

/* Returns what the block of the item that begins at the token holds; sets its shape on one line. */
static enum block classify(
	const struct walk *walk, enum block in, uint32_t i, enum pol_format_shape *out_shape)
{
	*out_shape = POL_FORMAT_PLAIN;
	switch (in) {
	case BLOCK_FILE:
		for (size_t k = 0; k < sizeof statements / sizeof *statements; k++) {
			if (is_word(walk, i, statements[k].keyword)) {
				*out_shape = statements[k].shape;
				return statements[k].block;
			}
		}
		return BLOCK_FILE;
	case BLOCK_TREE:
		if (is_path(walk, i)) {
			*out_shape = POL_FORMAT_NODE;
		} else if (!is_word(walk, i + 1, "yes") && !is_word(walk, i + 1, "no")) {
			*out_shape = POL_FORMAT_ACTION;
		}
		return BLOCK_TREE;
	case BLOCK_GRANTS:
		*out_shape = POL_FORMAT_GRANT;
		return BLOCK_PATHS;
	case BLOCK_LIMITS:
		*out_shape = POL_FORMAT_LIMIT;
		return in;
	case BLOCK_FACTS:
		*out_shape = POL_FORMAT_FACT;
		return in;
	case BLOCK_STACK:
		*out_shape = POL_FORMAT_LINE;
		return in;
	case BLOCK_TEST:
		if (is_word(walk, i, "allow") || is_word(walk, i, "deny")) {
			*out_shape = POL_FORMAT_EXPECT;
		}
		return in;
	case BLOCK_PATHS:
	case BLOCK_PRINCIPAL:
		break;
	}
	return in;
}

/* Ends the run, and writes the empty line that belongs before the next row. */
static void part(struct walk *walk)
{
	pol_format_rows_flush(&walk->rows);
	if (walk->blank) {
		pol_format_rows_blank(&walk->rows);
		walk->blank = false;
	}
}

static void add(struct walk *walk, struct pol_format_row row)
{
	if (walk->blank) {
		part(walk);
	}
	walk->fresh = false;
	pol_format_rows_add(&walk->rows, row);
}

/* Takes an NL that ends a line without tokens: a comment, or nothing. */
static void empty_line(struct walk *walk, uint16_t level, bool keep_blank)
{
	uint32_t i = walk->at++;

	if (walk->tokens[i].length > 0) {
		add(walk, (struct pol_format_row){ .comment = i, .level = level });
	} else if (keep_blank && !walk->fresh) {
		walk->blank = true;
	}
}

/* Adds the row from item->begin to `end`, with the comment of the NL at `next` if there is one, and
 * moves on to what follows. */
static void end_row(struct walk *walk, struct item *item, uint32_t end, uint32_t next)
{
	struct pol_format_row row = item->row;

	row.begin = item->begin;
	row.end = end;
	row.comment = POL_NONE;
	if (is(walk, next, POL_TOKEN_NL)) {
		row.comment = walk->tokens[next].length > 0 ? next : POL_NONE;
		next++;
	}
	walk->at = next;
	add(walk, row);
	item->row.shape = POL_FORMAT_PLAIN;
	item->parted = true;
	item->begin = next;
}

/* Does a block of several lines follow in the statement, which goes on in the next line? */
static bool has_lines(const struct walk *walk, uint32_t i)
{
	while (!is(walk, i, POL_TOKEN_CLOSE) && !is(walk, i, POL_TOKEN_END) &&
		!walk->tokens[i].lead) {
		if (is(walk, i, POL_TOKEN_NL) && !is(walk, i - 1, POL_TOKEN_COMMA)) {
			return false;
		}
		while (is(walk, i, POL_TOKEN_NL)) {
			i++;
		}
		if (is(walk, i, POL_TOKEN_OPEN)) {
			if (walk->tokens[i].lines) {
				return true;
			}
			i = walk->tokens[i].close;
		}
		i++;
	}
	return false;
}

/* After a comma at the end of a line: the list goes on, perhaps after comments. */
static void continue_list(struct walk *walk, struct item *item, uint32_t i, uint16_t level)
{
	/* Asked once up to the next block: a list may have a hundred thousand lines. */
	if (item->indent == 0) {
		item->indent = has_lines(walk, i) ? 2 : 1;
	}
	end_row(walk, item, i, i);
	item->row.level = item->header ? level : (uint16_t)(level + item->indent);
	while (is(walk, walk->at, POL_TOKEN_NL)) {
		empty_line(walk, item->row.level, false);
	}
	item->begin = walk->at;
}

/* Is the entry or suffix that begins at i on one line? */
static bool is_on_one_line(const struct walk *walk, enum block in, uint32_t i)
{
	bool header = in == BLOCK_TREE && is_path(walk, i);

	for (;; i++) {
		switch ((enum pol_token_kind)walk->tokens[i].kind) {
		case POL_TOKEN_OPEN:
			return !walk->tokens[i].lines;
		case POL_TOKEN_COMMA:
			if (!header) {
				return true;
			}
			break;
		case POL_TOKEN_NL:
			return !header;
		case POL_TOKEN_CLOSE:
		case POL_TOKEN_END:
			return true;
		case POL_TOKEN_WORD:
		case POL_TOKEN_STRING:
		case POL_TOKEN_TOP:
		case POL_TOKEN_BAD:
			break;
		}
	}
}

/* After a comma that separates entries: true if the next one belongs into the same row, and *i is
 * its first token. */
static bool go_on(struct walk *walk, struct item *item, uint32_t *i)
{
	uint32_t next = *i;

	while (is(walk, next, POL_TOKEN_COMMA)) {
		next++;
	}
	if (item->parted || is(walk, next, POL_TOKEN_NL) || is(walk, next, POL_TOKEN_CLOSE) ||
		!is_on_one_line(walk, item->in, next)) {
		end_row(walk, item, *i, next);
		return false;
	}
	item->header = item->in == BLOCK_TREE && is_path(walk, next);
	*i = next;
	return true;
}

/* The row ends before the token `next`, perhaps with line ends before it: takes them. */
static void end_before(struct walk *walk, struct item *item, uint32_t next, uint16_t level)
{
	uint32_t end = next;

	while (is(walk, end - 1, POL_TOKEN_NL)) {
		end--;
	}
	end_row(walk, item, end, end);
	item->row.level = level;
	while (is(walk, walk->at, POL_TOKEN_NL)) {
		empty_line(walk, level, false);
	}
	item->begin = next;
}

/* The `when` that follows the line end, or i: the statement has none there. */
static uint32_t condition_after(const struct walk *walk, uint32_t i)
{
	uint32_t next = i;

	while (is(walk, next, POL_TOKEN_NL)) {
		next++;
	}
	return walk->tokens[next].lead ? next : i;
}

/* Takes the condition whose lead is token i, which ends the item, with the end of its line. */
static void write_condition(struct walk *walk, struct item *item, uint32_t i, uint16_t level)
{
	struct pol_format_condition condition = { .begin = item->begin,
		.lead = i,
		.end = i + 1,
		.level = level,
		.first_level = item->row.level };

	while (is(walk, condition.end, POL_TOKEN_NL)) {
		condition.end++;
	}
	while (walk->tokens[condition.end].inside) {
		condition.end++;
	}
	pol_format_condition_break(&walk->rows, &condition);
	for (; i < condition.end; i++) {
		if (walk->tokens[i].begins && i > item->begin) {
			end_before(walk, item, i,
				pol_format_condition_level(&walk->rows, &condition, i));
		}
	}
	end_row(walk, item, condition.end, condition.end);
}

static void write_block(struct walk *walk, enum block in, uint16_t level);

/* Takes one statement or entry, or several entries that are on one line, with the line's end. */
static void write_item(struct walk *walk, enum block in, uint16_t level)
{
	enum pol_format_shape shape;
	enum block inner = classify(walk, in, walk->at, &shape);
	bool separators = in == BLOCK_TREE || in == BLOCK_PATHS;
	uint32_t next;
	struct item item = {
		.in = in,
		.begin = walk->at,
		.row = { .level = level, .shape = (uint8_t)shape, .tight = inner == BLOCK_STACK },
		.header = in == BLOCK_TREE && is_path(walk, walk->at),
	};

	for (uint32_t i = walk->at;;) {
		if (walk->tokens[i].lead) {
			write_condition(walk, &item, i, level);
			return;
		}
		switch ((enum pol_token_kind)walk->tokens[i].kind) {
		case POL_TOKEN_OPEN:
			item.header = false;
			if (!walk->tokens[i].lines) {
				i = walk->tokens[i].close + 1;
				break;
			}
			pol_format_rows_flush(&walk->rows);
			item.row.shape = POL_FORMAT_PLAIN;
			end_row(walk, &item, i + 1, i + 1);
			pol_format_rows_flush(&walk->rows);
			write_block(walk, inner, level + 1);
			item.row.level = level;
			item.indent = 0;
			item.begin = walk->at;
			i = walk->at + 1;
			break;
		case POL_TOKEN_COMMA:
			if (separators && !item.header) {
				if (!go_on(walk, &item, &i)) {
					return;
				}
				break;
			}
			i++;
			break;
		case POL_TOKEN_NL:
			if (is(walk, i - 1, POL_TOKEN_COMMA)) {
				continue_list(walk, &item, i, level);
				i = walk->at;
				break;
			}
			next = condition_after(walk, i);
			if (next > i) {
				walk->tokens[next].begins = true;
				end_before(walk, &item, next, level + 1);
				i = next;
				break;
			}
			end_row(walk, &item, i, i);
			return;
		case POL_TOKEN_CLOSE:
		case POL_TOKEN_END:
			end_row(walk, &item, i, i);
			return;
		case POL_TOKEN_WORD:
		case POL_TOKEN_STRING:
		case POL_TOKEN_TOP:
		case POL_TOKEN_BAD:
			i++;
			break;
		}
	}
}

/* Takes what a block holds, up to its '}'; BLOCK_FILE: up to the end. */
static void write_block(struct walk *walk, enum block in, uint16_t level)
{
	walk->fresh = true;
	walk->blank = false;
	while (!is(walk, walk->at, POL_TOKEN_CLOSE) && !is(walk, walk->at, POL_TOKEN_END)) {
		if (is(walk, walk->at, POL_TOKEN_NL)) {
			empty_line(walk, level, true);
		} else if (is(walk, walk->at, POL_TOKEN_COMMA)) {
			walk->at++; /* it separates nothing */
		} else {
			write_item(walk, in, level);
		}
	}
	pol_format_rows_flush(&walk->rows);
	walk->fresh = false;
	walk->blank = false;
}

static void add_span(struct pol_format_spans *spans, struct pol_span at)
{
	spans->items[spans->count++] = at;
}

static size_t count_grants(const struct pol_ast_grantee *grantees, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		sum += grantees[i].grant_count;
	}
	return sum;
}

static void add_grants(
	struct pol_format_spans *spans, const struct pol_ast_grantee *grantees, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < grantees[i].grant_count; k++) {
			const struct pol_ast_grant *grant = &grantees[i].grants[k];

			if (grant->when != NULL) {
				add_span(spans, pol_ast_when_at(grant, grant->when->at));
			}
		}
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct pol_span *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* Where the conditions are. The list lives in the arena. */
static enum pol_status find_conditions(
	const struct pol_ast *ast, struct pol_arena *arena, struct pol_format_spans *out)
{
	size_t most = ast->conditions_count + count_grants(ast->roles, ast->roles_count) +
		      count_grants(ast->scopes, ast->scopes_count);

	out->items = pol_arena_alloc(arena, most + 1, sizeof *out->items);
	if (out->items == NULL) {
		return arena->status;
	}
	for (size_t i = 0; i < ast->conditions_count; i++) {
		add_span(out, ast->conditions[i].condition.at);
	}
	add_grants(out, ast->roles, ast->roles_count);
	add_grants(out, ast->scopes, ast->scopes_count);
	qsort(out->items, out->count, sizeof *out->items, by_offset);
	return POL_OK;
}

/* Parses the text, for its mistakes and for where its conditions are. */
static enum pol_status parse(
	struct pol_diags *diags, struct pol_arena *arena, struct pol_format_spans *out)
{
	struct pol_arena memory;
	struct pol_ast ast;
	enum pol_status status;

	pol_arena_init_shared(&memory, arena->limit, arena->budget);
	status = pol_parse(diags->sources, 1, &memory, diags, &ast);
	if (status == POL_OK) {
		status = find_conditions(&ast, arena, out);
	}
	pol_arena_finish(&memory);
	return status;
}

/* Copies the output to the arena of the caller. */
static enum pol_status take_output(struct pol_diags *diags, const struct pol_format_rows *rows,
	struct pol_arena *arena, struct pol_str *out)
{
	struct pol_str text = { rows->out, rows->out_len };

	if (rows->arena->status != POL_OK) {
		return rows->arena->status;
	}
	if (text.len > POL_FILE_MAX) {
		pol_diag_error(diags, (struct pol_span){ 0, 0, 0 },
			"formatted, the file would be larger than 8 MiB: split it");
		return POL_EINVALID;
	}
	text = pol_arena_copy(arena, text);
	if (text.ptr == NULL) {
		return arena->status;
	}
	*out = text;
	return POL_OK;
}

enum pol_status pol_format(struct pol_diags *diags, struct pol_arena *arena, struct pol_str *out)
{
	struct pol_format_spans conditions = { NULL, 0 };
	struct pol_arena memory;
	struct walk walk = { .text = diags->sources[0].text.ptr };
	enum pol_status status;

	pol_arena_init_shared(&memory, arena->limit, arena->budget);
	status = parse(diags, &memory, &conditions);
	if (status != POL_OK) {
		pol_arena_finish(&memory);
		return status;
	}
	walk.tokens = pol_format_tokens_read(diags, &conditions, &memory);
	walk.rows = (struct pol_format_rows){
		.text = walk.text, .tokens = walk.tokens, .arena = &memory
	};
	if (walk.tokens != NULL) {
		write_block(&walk, BLOCK_FILE, 0);
	}
	status = take_output(diags, &walk.rows, arena, out);
	pol_arena_finish(&memory);
	return status;
}
