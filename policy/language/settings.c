/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/settings.h"

size_t pol_settings_line(struct pol_lexer *lexer, struct pol_arena *arena,
	struct pol_setting_word *words, size_t max)
{
	size_t count = 0;

	for (;;) {
		struct pol_setting_word word = { 0 };
		struct pol_token token;

		pol_lex(lexer, &token);
		word.at = token.at;
		if (token.kind == POL_TOKEN_END || (token.kind == POL_TOKEN_NL && count > 0)) {
			return count;
		}
		if (token.kind == POL_TOKEN_OPEN || token.kind == POL_TOKEN_CLOSE) {
			pol_diag_error(
				lexer->diags, token.at, "no braces here: one NAME VALUE… a line");
		} else if (token.kind == POL_TOKEN_NL || token.kind == POL_TOKEN_COMMA ||
			   token.kind == POL_TOKEN_BAD) {
			continue;
		} else if (count == max) {
			pol_diag_error(lexer->diags, token.at, "too many words on one line");
		} else if (!pol_lex_token_text(arena, &token, &word.text)) {
			pol_diag_error(lexer->diags, token.at, "the configuration is too large");
		} else {
			words[count++] = word;
		}
	}
}

bool pol_settings_number(struct pol_str text, unsigned least, unsigned most, unsigned *out)
{
	unsigned long n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || n > most) {
			return false;
		}
		n = n * 10 + (unsigned)(text.ptr[i] - '0');
	}
	if (text.len == 0 || n < least || n > most) {
		return false;
	}
	*out = (unsigned)n;
	return true;
}

bool pol_settings_mode(struct pol_str text, unsigned *out)
{
	unsigned mode = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '7' || mode > 0777) {
			return false;
		}
		mode = mode * 8 + (unsigned)(text.ptr[i] - '0');
	}
	if (text.len < 3 || mode == 0 || mode > 0777) {
		return false;
	}
	*out = mode;
	return true;
}
