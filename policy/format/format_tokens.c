/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/format/format_internal.h"

/*
 * The lexer skips comments. As a comment ends its line, it is what is not space between the last
 * token of a line and the line's end.
 */
static void add_comment(struct pol_format_token *token, struct pol_str gap, uint32_t offset)
{
	while (gap.len > 0 && (gap.ptr[0] == ' ' || gap.ptr[0] == '\t')) {
		gap.ptr++;
		gap.len--;
		offset++;
	}
	while (gap.len > 0 && (gap.ptr[gap.len - 1] == ' ' || gap.ptr[gap.len - 1] == '\t')) {
		gap.len--;
	}
	token->offset = offset;
	token->length = (uint32_t)gap.len;
}

/* Reads the tokens once more, as the parser did: conditions have operators of their own. */
struct reader {
	struct pol_lexer lexer;
	const struct pol_format_spans *spans;
	size_t next;    /* the condition that is not yet read whole */
	uint8_t parens; /* that are open in it */
};

static struct pol_span *condition_at(const struct reader *reader)
{
	return reader->next < reader->spans->count ? &reader->spans->items[reader->next] : NULL;
}

/* Where the next condition begins. */
static uint32_t begins_at(const struct reader *reader)
{
	const struct pol_span *condition = condition_at(reader);

	return condition != NULL ? condition->offset : UINT32_MAX;
}

/* Reads a token. True: it is one of a condition. */
static bool read_token(struct reader *reader, struct pol_token *token)
{
	uint32_t from = reader->lexer.pos;
	bool at_line_start = reader->lexer.at_line_start;
	const struct pol_span *condition = condition_at(reader);

	reader->lexer.in_condition = condition != NULL && from >= condition->offset;
	pol_lex(&reader->lexer, token);
	if (condition != NULL && !reader->lexer.in_condition &&
		reader->lexer.pos > condition->offset && token->kind != POL_TOKEN_NL) {
		/* it begins in this token, as in `when(a or b)`, or is the token after a space */
		reader->lexer.pos = from;
		reader->lexer.at_line_start = at_line_start;
		reader->lexer.in_condition = true;
		pol_lex(&reader->lexer, token);
	}
	if (condition == NULL || token->at.offset < condition->offset) {
		return false;
	}
	if (reader->lexer.pos >= condition->offset + condition->length) {
		reader->next++;
	}
	return true;
}

static size_t count(struct pol_diags *diags, const struct pol_format_spans *spans)
{
	struct reader reader = { .spans = spans };
	struct pol_token token;
	size_t result = 0;

	pol_lexer_init(&reader.lexer, diags, 0, diags->sources[0].text);
	do {
		(void)read_token(&reader, &token);
		result++;
	} while (token.kind != POL_TOKEN_END);
	return result;
}

/* Does the block have line ends and separators alone? */
static bool is_empty(const struct pol_format_token *tokens, uint32_t open, uint32_t close)
{
	uint32_t i = open + 1;

	while (i < close && (tokens[i].kind == POL_TOKEN_COMMA ||
				    (tokens[i].kind == POL_TOKEN_NL && tokens[i].length == 0))) {
		i++;
	}
	return i == close;
}

/* Sets `close` and `lines` of each OPEN. Until it is closed, `close` is the OPEN around it. A block
 * with nothing in it counts as one of one line. */
static void pair(struct pol_format_token *tokens, size_t count)
{
	uint32_t open = POL_NONE;

	for (uint32_t i = 0; i < count; i++) {
		struct pol_format_token *token = &tokens[i];
		uint32_t outer;

		switch ((enum pol_token_kind)token->kind) {
		case POL_TOKEN_OPEN:
			token->close = open;
			open = i;
			break;
		case POL_TOKEN_CLOSE:
			if (open == POL_NONE) {
				break;
			}
			outer = tokens[open].close;
			tokens[open].close = i;
			if (is_empty(tokens, open, i)) {
				tokens[open].lines = false;
			}
			if (tokens[open].lines && outer != POL_NONE) {
				tokens[outer].lines = true;
			}
			open = outer;
			break;
		case POL_TOKEN_NL:
			if (open != POL_NONE) {
				tokens[open].lines = true;
			}
			break;
		case POL_TOKEN_END:
		case POL_TOKEN_WORD:
		case POL_TOKEN_STRING:
		case POL_TOKEN_COMMA:
		case POL_TOKEN_TOP:
		case POL_TOKEN_BAD:
			break;
		}
	}
}

/* Sets what a token of a condition has beside its kind. */
static void set_condition(
	struct reader *reader, const struct pol_token *token, struct pol_format_token *out)
{
	bool opens = pol_str_equal(token->raw, POL_STR("("));
	bool closes = pol_str_equal(token->raw, POL_STR(")"));

	reader->parens = (uint8_t)(reader->parens - closes);
	out->inside = true;
	out->depth = reader->parens;
	reader->parens = (uint8_t)(reader->parens + opens);
}

/* Sets `lead` of the token before the condition, which begins at `first`. */
static void set_lead(struct pol_format_token *tokens, size_t first)
{
	do {
		first--;
	} while (tokens[first].kind == POL_TOKEN_NL);
	tokens[first].lead = true;
}

struct pol_format_token *pol_format_tokens_read(
	struct pol_diags *diags, const struct pol_format_spans *spans, struct pol_arena *arena)
{
	struct pol_str text = diags->sources[0].text;
	size_t most = count(diags, spans) + 1;
	struct pol_format_token *tokens = pol_arena_alloc(arena, most, sizeof *tokens);
	struct reader reader = { .spans = spans };
	struct pol_token token;
	size_t used = 0;

	if (tokens == NULL) {
		return NULL;
	}
	pol_lexer_init(&reader.lexer, diags, 0, text);
	do {
		uint32_t from = reader.lexer.pos;
		struct pol_format_token *one = &tokens[used++];
		uint32_t begin = begins_at(&reader);
		bool condition = read_token(&reader, &token);

		one->kind = (uint8_t)token.kind;
		one->offset = token.at.offset;
		one->length = token.at.length;
		if (condition) {
			set_condition(&reader, &token, one);
		}
		if (condition && token.at.offset == begin) {
			set_lead(tokens, used - 1);
		}
		if (token.kind == POL_TOKEN_NL || token.kind == POL_TOKEN_END) {
			one->kind = POL_TOKEN_NL;
			add_comment(one,
				(struct pol_str){ text.ptr + from, token.at.offset - from }, from);
		}
	} while (token.kind != POL_TOKEN_END);
	tokens[used++].kind = POL_TOKEN_END;
	pair(tokens, used);
	return tokens;
}
