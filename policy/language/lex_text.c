/* SPDX-License-Identifier: Apache-2.0 */
/* What a token says, and what a text begins with. */
#include <string.h>

#include "policy/language/lex.h"

bool pol_lex_begins(struct pol_str text, struct pol_str word)
{
	const char *at = text.ptr, *end = text.ptr + text.len;

	for (; at < end; at++) {
		if (*at == '#') {
			at = memchr(at, '\n', (size_t)(end - at));
			if (at == NULL) {
				return false;
			}
		} else if (*at != ' ' && *at != '\t' && *at != '\r' && *at != '\n') {
			break;
		}
	}
	return (size_t)(end - at) > word.len && *at == *word.ptr &&
	       memcmp(at, word.ptr, word.len) == 0 &&
	       memchr(" \t\r\n,{}()<>=!&|\"", at[word.len], 16) != NULL;
}

bool pol_lex_token_text(struct pol_arena *arena, const struct pol_token *token, struct pol_str *out)
{
	struct pol_str raw = token->raw;
	bool inside = false;
	char *copy;
	size_t len = 0;

	if (!token->quoted) {
		*out = raw;
		return true;
	}
	if (token->kind == POL_TOKEN_STRING && !token->escaped) {
		*out = (struct pol_str){ raw.ptr + 1, raw.len - 2 };
		return true;
	}
	copy = pol_arena_alloc(arena, raw.len, 1);
	if (copy == NULL) {
		return false;
	}
	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];

		if (c == '"') {
			inside = !inside;
			continue;
		}
		if (c == '\\' && inside) {
			c = raw.ptr[++i] == 'n' ? '\n' : raw.ptr[i];
		}
		copy[len++] = c;
	}
	*out = (struct pol_str){ copy, len };
	return true;
}
