/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/format/format_internal.h"

/*
 * The lexer passes over comments. As a comment ends its line, it is what is not space between the
 * last token of a line and the line's end.
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

static size_t count(struct pol_diags *diags)
{
	struct pol_lexer lexer;
	struct pol_token token;
	size_t result = 0;

	pol_lexer_init(&lexer, diags, 0, diags->sources[0].text);
	do {
		pol_lex(&lexer, &token);
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

struct pol_format_token *pol_format_tokens_read(struct pol_diags *diags, struct pol_arena *arena)
{
	struct pol_str text = diags->sources[0].text;
	size_t most = count(diags) + 1;
	struct pol_format_token *tokens = pol_arena_alloc(arena, most, sizeof *tokens);
	struct pol_lexer lexer;
	struct pol_token token;
	size_t used = 0;

	if (tokens == NULL) {
		return NULL;
	}
	pol_lexer_init(&lexer, diags, 0, text);
	do {
		uint32_t from = lexer.pos;
		struct pol_format_token *one = &tokens[used++];

		pol_lex(&lexer, &token);
		one->kind = (uint8_t)token.kind;
		one->offset = token.at.offset;
		one->length = token.at.length;
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
