/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/context_internal.h"

#include <string.h>

#include "policy/language/lex.h"

/* The blocks that are open at the offset; the language has at most 64. */
#define MOST_BLOCKS 80

const struct lsp_statement lsp_context_statements[LSP_STATEMENTS] = {
	{ "condition", TOP },
	{ "environment", TOP },
	{ "exclusive", TOP },
	{ "facts", FACTS },
	{ "limits", LIMITS },
	{ "principal", PRINCIPAL },
	{ "role", GRANTS },
	{ "scope", GRANTS },
	{ "stack", STACK },
	{ "test", TEST },
	{ "tree", TREE },
};

struct reader {
	struct pol_arena *arena;
	struct frame frames[MOST_BLOCKS];
	size_t depth; /* of the innermost frame */
	size_t lost;  /* blocks beyond the bound */
};

bool lsp_context_is_one_of(struct pol_str word, const char *list)
{
	while (*list != '\0') {
		size_t len = strcspn(list, " ");

		if (pol_str_equal(word, (struct pol_str){ list, len })) {
			return true;
		}
		list += len + (list[len] == ' ');
	}
	return false;
}

/* The keywords that change what a line expects, by block. */
static const char *const modes[] = {
	[TOP] = "inherits includes prefix =",
	[TREE] = "",
	[GRANTS] = "allow deny on except when",
	[SUFFIXES] = "",
	[PRINCIPAL] = "peer role at until",
	[LIMITS] = "",
	[STACK] = "",
	[TEST] = "allow deny role principal scope at until because",
	[FACTS] = "",
	[PARAMETER] = "",
};

static void reset_line(struct frame *frame)
{
	*frame = (struct frame){ .block = frame->block, .prefix = frame->prefix };
}

static void take_word(struct frame *frame, const struct pol_token *token)
{
	bool list = frame->comma;

	if (frame->count == 0) {
		frame->first = token->raw;
	}
	if (frame->count == 1) {
		frame->second = token->raw;
	}
	frame->count++;
	frame->previous = token->raw;
	frame->comma = false;
	/* After a comma a list goes on, and a name may be spelled as a keyword. */
	if (!list && !token->quoted && lsp_context_is_one_of(token->raw, modes[frame->block])) {
		frame->mode = token->raw;
	}
}

static enum block block_of(const struct frame *frame)
{
	switch (frame->block) {
	case TOP:
		if (lsp_context_is(frame->mode, "=")) {
			return PARAMETER;
		}
		for (size_t i = 0; i < LSP_STATEMENTS; i++) {
			if (lsp_context_is(frame->first, lsp_context_statements[i].keyword)) {
				return lsp_context_statements[i].block;
			}
		}
		break;
	case TREE:
		return TREE;
	case GRANTS:
		return lsp_context_is(frame->mode, "when") ? PARAMETER : SUFFIXES;
	case SUFFIXES:
		return SUFFIXES;
	case PRINCIPAL:
	case LIMITS:
	case STACK:
	case TEST:
	case FACTS:
	case PARAMETER:
		break;
	}
	return TOP;
}

/* a and b as one text. */
static struct pol_str join(struct pol_arena *arena, struct pol_str a, struct pol_str b)
{
	char *bytes = pol_arena_alloc(arena, a.len + b.len + 1, 1);

	if (bytes == NULL || a.len == 0) {
		return b;
	}
	memcpy(bytes, a.ptr, a.len);
	if (b.len > 0) {
		memcpy(bytes + a.len, b.ptr, b.len);
	}
	return (struct pol_str){ bytes, a.len + b.len };
}

static void open_block(struct reader *reader)
{
	const struct frame *outer = &reader->frames[reader->depth];
	struct frame inner = { .block = block_of(outer) };

	if (reader->depth + 1 == MOST_BLOCKS) {
		reader->lost++;
		return;
	}
	if (inner.block == SUFFIXES) {
		inner.prefix = lsp_context_is(outer->previous, "/")
				       ? outer->prefix
				       : join(reader->arena, outer->prefix, outer->previous);
	}
	reader->frames[++reader->depth] = inner;
}

static void close_block(struct reader *reader)
{
	if (reader->lost > 0) {
		reader->lost--;
	} else if (reader->depth > 0) {
		bool parameter = reader->frames[reader->depth].block == PARAMETER;

		reader->depth--;
		if (parameter) {
			reader->frames[reader->depth].previous = POL_STR("}");
			reader->frames[reader->depth].comma = false;
		}
	}
}

static void take(struct reader *reader, const struct pol_token *token)
{
	struct frame *frame = &reader->frames[reader->depth];

	switch (token->kind) {
	case POL_TOKEN_WORD:
	case POL_TOKEN_STRING:
	case POL_TOKEN_BAD:
		take_word(frame, token);
		break;
	case POL_TOKEN_OPEN:
		open_block(reader);
		break;
	case POL_TOKEN_CLOSE:
		close_block(reader);
		break;
	case POL_TOKEN_COMMA:
		frame->comma = true;
		if (frame->block == TREE || frame->block == SUFFIXES) {
			reset_line(frame);
		}
		break;
	case POL_TOKEN_NL:
		if (!frame->comma) {
			reset_line(frame);
		}
		break;
	case POL_TOKEN_END:
	case POL_TOKEN_TOP:
		break;
	}
}

/* --- the tokens before the offset ------------------------------------------------------------- */

/* Does a statement begin here? */
static bool is_statement(struct pol_str rest)
{
	for (size_t i = 0; i < LSP_STATEMENTS; i++) {
		struct pol_str keyword = pol_str_of(lsp_context_statements[i].keyword);

		if (pol_str_starts(rest, keyword) && rest.len > keyword.len &&
			(rest.ptr[keyword.len] == ' ' || rest.ptr[keyword.len] == '\t')) {
			return true;
		}
	}
	return false;
}

/* The beginning of the statement before the offset: a keyword at the beginning of a line. */
static size_t statement_before(struct pol_str text, size_t offset)
{
	size_t at = offset;

	for (;;) {
		while (at > 0 && text.ptr[at - 1] != '\n') {
			at--;
		}
		if (at == 0 || is_statement((struct pol_str){ text.ptr + at, offset - at })) {
			return at;
		}
		at--;
	}
}

/* Tokens that are held back, since they may be the word at the offset. */
#define HELD 3

/* Do the last tokens make the beginning of a parameter, `…/` `{` `name`? Its closing brace is not
 * written yet, so that they are not words. Returns how many they are. */
static size_t unfinished(const struct pol_token *held, size_t count)
{
	size_t open = count;

	if (count >= 2 && held[count - 1].kind == POL_TOKEN_OPEN) {
		open = count - 1;
	} else if (count >= 3 && held[count - 2].kind == POL_TOKEN_OPEN &&
		   held[count - 1].kind == POL_TOKEN_WORD && held[count - 1].adjacent) {
		open = count - 2;
	}
	if (open == count || open == 0 || !held[open].adjacent ||
		held[open - 1].kind != POL_TOKEN_WORD ||
		held[open - 1].raw.ptr[held[open - 1].raw.len - 1] != '/') {
		return 0;
	}
	return count - open + 1;
}

/* Reads the tokens into frames. False: the offset is in a string or a comment. */
static bool read_tokens(
	struct reader *reader, struct pol_str text, size_t begin, struct pol_str *out_word)
{
	const struct pol_source source = { POL_STR("typed"), text };
	struct pol_token held[HELD + 1];
	size_t count = 0, end = begin, at_end;
	struct pol_diags diags;
	struct pol_lexer lexer;

	pol_diags_init(&diags, &source, 1);
	pol_lexer_init(&lexer, &diags, 0, text);
	lexer.pos = (uint32_t)begin;
	lexer.line_start = (uint32_t)begin;
	for (;;) {
		struct pol_token token;

		pol_lex(&lexer, &token);
		if (token.kind == POL_TOKEN_END) {
			break;
		}
		held[count++] = token;
		end = (size_t)token.at.offset + token.at.length;
		if (count > HELD) {
			take(reader, &held[0]);
			memmove(held, held + 1, HELD * sizeof *held);
			count--;
		}
	}
	pol_diags_finish(&diags);
	at_end = unfinished(held, count);
	if (at_end == 0 && count > 0 && end == text.len &&
		(held[count - 1].kind == POL_TOKEN_WORD || held[count - 1].kind == POL_TOKEN_BAD ||
			held[count - 1].kind == POL_TOKEN_STRING)) {
		at_end = 1;
	}
	*out_word = (struct pol_str){ text.ptr + text.len, 0 };
	if (at_end > 0) {
		size_t from = held[count - at_end].at.offset;

		*out_word = (struct pol_str){ text.ptr + from, text.len - from };
	}
	for (size_t i = 0; i + at_end < count; i++) {
		take(reader, &held[i]);
	}
	return memchr(text.ptr + end, '#', text.len - end) == NULL &&
	       memchr(out_word->ptr, '"', out_word->len) == NULL;
}

void lsp_context_at(
	struct pol_arena *arena, struct pol_str text, size_t offset, struct lsp_context *out)
{
	struct reader reader = { .arena = arena };
	const struct frame *frame;

	*out = (struct lsp_context){ .expects = 0 };
	text.len = offset;
	if (!read_tokens(&reader, text, statement_before(text, offset), &out->word)) {
		return;
	}
	frame = &reader.frames[reader.depth];
	out->prefix = frame->prefix;
	if (lsp_context_is_one_of(reader.frames[0].first, "role scope stack")) {
		out->own = reader.frames[0].second;
	}
	lsp_context_expect(frame, reader.depth == 1, out);
}
