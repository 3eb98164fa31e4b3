/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/lex.h"

#include <string.h>

#include "policy/text/unicode.h"

enum class {
	PLAIN = 0,
	SPACE,
	LINE, /* CR or LF */
	CONTROL,
	HIGH, /* a byte of a character that is not ASCII */
	OPEN,
	CLOSE,
	COMMA,
	QUOTE,
	HASH,
	OPERATOR /* of a condition; elsewhere as PLAIN */
};

/* Repetitions for the table: C17 has no range designators. */
#define FOUR(value)    (value), (value), (value), (value)
#define SIXTEEN(value) FOUR(value), FOUR(value), FOUR(value), FOUR(value)

static const unsigned char classes[256] = {
	/* 0x00 */ FOUR(CONTROL), FOUR(CONTROL), CONTROL, SPACE, LINE, CONTROL, CONTROL, LINE,
	CONTROL, CONTROL,
	/* 0x10 */ SIXTEEN(CONTROL),
	/* 0x20 */ SPACE, OPERATOR, QUOTE, HASH, PLAIN, PLAIN, OPERATOR, PLAIN,
	/* 0x28 */ OPERATOR, OPERATOR, PLAIN, PLAIN, COMMA, PLAIN, PLAIN, PLAIN,
	/* 0x30 */ FOUR(PLAIN), FOUR(PLAIN), FOUR(PLAIN), OPERATOR, OPERATOR, OPERATOR, PLAIN,
	/* 0x40 */ SIXTEEN(PLAIN), SIXTEEN(PLAIN), SIXTEEN(PLAIN),
	/* 0x70 */ FOUR(PLAIN), FOUR(PLAIN), PLAIN, PLAIN, PLAIN, OPEN, OPERATOR, CLOSE, PLAIN,
	CONTROL,
	/* 0x80 */ SIXTEEN(HIGH), SIXTEEN(HIGH), SIXTEEN(HIGH), SIXTEEN(HIGH), SIXTEEN(HIGH),
	SIXTEEN(HIGH), SIXTEEN(HIGH), SIXTEEN(HIGH)
};

void pol_lexer_init(
	struct pol_lexer *lexer, struct pol_diags *diags, uint32_t file, struct pol_str text)
{
	*lexer = (struct pol_lexer){
		.diags = diags, .text = text, .file = file, .at_line_start = true
	};
}

/* The class of the byte at i; LINE at the end of the text. */
static enum class class_at(const struct pol_lexer *lexer, uint32_t i) {
	return i < lexer->text.len ? (enum class)classes[(unsigned char)lexer->text.ptr[i]] : LINE;
}

/* The offset of the next byte that is not of the class. Most bytes are read by this loop. */
static uint32_t skip_class(const struct pol_lexer *lexer, uint32_t i, enum class class)
{
	const unsigned char *at = (const unsigned char *)lexer->text.ptr + i;
	const unsigned char *end = (const unsigned char *)lexer->text.ptr + lexer->text.len;

	while (at < end && classes[*at] == class) {
		at++;
	}
	return (uint32_t)(at - (const unsigned char *)lexer->text.ptr);
}

static struct pol_span span(const struct pol_lexer *lexer, uint32_t from, uint32_t to)
{
	return (struct pol_span){ lexer->file, from, to - from };
}

static struct pol_str rest(const struct pol_lexer *lexer, uint32_t from)
{
	return (struct pol_str){ lexer->text.ptr + from, lexer->text.len - from };
}

static bool is_line_end(const struct pol_lexer *lexer, uint32_t i)
{
	const char *text = lexer->text.ptr;

	return i >= lexer->text.len || text[i] == '\n' ||
	       (text[i] == '\r' && i + 1 < lexer->text.len && text[i + 1] == '\n');
}

/* A space outside of ASCII. */
static bool is_space(uint32_t character)
{
	return character == 0xa0 || character == 0x1680 || character == 0x202f ||
	       character == 0x205f || character == 0x3000 ||
	       (character >= 0x2000 && character <= 0x200a);
}

/*
 * Moves *i past one character that is not plain: a control character, a carriage return that ends
 * no line, or one that is not ASCII. If it is not allowed here, reports it and sets *bad; reports
 * nothing if *bad is set already.
 */
static void skip_special(struct pol_lexer *lexer, uint32_t *i, bool in_word, bool *bad)
{
	uint32_t character = 0;
	size_t len = pol_unicode_decode(rest(lexer, *i), &character);
	const char *why = len > 0 ? pol_unicode_refused(character) : NULL;
	struct pol_span at = span(lexer, *i, *i + (uint32_t)(len > 0 ? len : 1));

	*i = at.offset + at.length;
	if (*bad) {
		return;
	}
	if (len == 0) {
		pol_diag_error(lexer->diags, at, "this byte is not UTF-8: save the file as UTF-8");
	} else if (character == 0xfeff && at.offset == 0) {
		pol_diag_error(lexer->diags, at,
			"the file begins with a byte order mark: save it as UTF-8 without one");
	} else if (character == '\t') {
		pol_diag_error(lexer->diags, at, "a tab in a string: write a space");
	} else if (character == '\r') {
		pol_diag_error(lexer->diags, at,
			"a carriage return without a line feed: end lines with LF or CR LF");
	} else if (why != NULL) {
		pol_diag_error(lexer->diags, at, "%s (U+%04X) may not stand in a policy", why,
			(unsigned)character);
	} else if (in_word && is_space(character)) {
		pol_diag_error(lexer->diags, at,
			"a space other than U+0020 (U+%04X): write a plain space",
			(unsigned)character);
	} else if (in_word && pol_unicode_is_invisible(character)) {
		pol_diag_error(lexer->diags, at,
			"a character that cannot be seen (U+%04X) in a word: remove it",
			(unsigned)character);
	} else {
		return;
	}
	*bad = true;
}

static uint32_t skip_comment(struct pol_lexer *lexer, uint32_t i)
{
	bool bad = false;

	while (!is_line_end(lexer, i)) {
		switch (class_at(lexer, i)) {
		case LINE:
		case CONTROL:
		case HIGH:
			skip_special(lexer, &i, false, &bad);
			break;
		case PLAIN:
			i = skip_class(lexer, i + 1, PLAIN);
			break;
		case SPACE:
		case OPEN:
		case CLOSE:
		case COMMA:
		case QUOTE:
		case HASH:
		case OPERATOR:
			i++;
			break;
		}
	}
	return i;
}

static uint32_t line_end(const struct pol_lexer *lexer, uint32_t i)
{
	while (!is_line_end(lexer, i)) {
		i++;
	}
	return i;
}

/* Reads a string from its opening quote and returns the offset after its closing one. Without a
 * closing quote reports that, sets *bad and returns the end of the line. */
static uint32_t scan_string(struct pol_lexer *lexer, uint32_t i, struct pol_token *token, bool *bad)
{
	uint32_t start = i++;

	token->quoted = true;
	while (!is_line_end(lexer, i)) {
		char c = lexer->text.ptr[i];
		enum class class = class_at(lexer, i);

		if (c == '"') {
			return i + 1;
		}
		if (c == '\\') {
			char next = is_line_end(lexer, i + 1) ? '\0' : lexer->text.ptr[i + 1];

			token->escaped = true;
			if (next == '"' || next == '\\' || next == 'n') {
				i += 2;
				continue;
			}
			if (!*bad) {
				pol_diag_error(lexer->diags, span(lexer, i, i + 1),
					"a backslash in a string comes as \\\", \\\\ or \\n");
			}
			*bad = true;
			i++;
		} else if (class == CONTROL || class == HIGH || class == LINE || c == '\t') {
			skip_special(lexer, &i, false, bad);
		} else {
			i++;
		}
	}
	if (!*bad) {
		pol_diag_error(lexer->diags, span(lexer, start, i),
			"the string does not end on its line: close it with '\"'");
	}
	*bad = true;
	return i;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_param_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The end of the `{name}` or `{name...}` that begins at i, or 0 if there is none. */
static uint32_t scan_param(const struct pol_lexer *lexer, uint32_t i)
{
	const char *text = lexer->text.ptr;
	uint32_t len = (uint32_t)lexer->text.len;

	i++;
	if (i >= len || !(is_letter(text[i]) || text[i] == '_')) {
		return 0;
	}
	while (i < len && is_param_char(text[i])) {
		i++;
	}
	if (len - i > 3 && memcmp(text + i, "...", 3) == 0) {
		i += 3;
	}
	return i < len && text[i] == '}' ? i + 1 : 0;
}

/* The end of braces around text without spaces that is not a parameter's name, or 0 if there are
 * none. Read as punctuation they would open a block, so the caller reports them. */
static uint32_t scan_bad_param(const struct pol_lexer *lexer, uint32_t i)
{
	uint32_t start = ++i;

	while (class_at(lexer, i) == PLAIN || class_at(lexer, i) == OPERATOR ||
		class_at(lexer, i) == HIGH) {
		i++;
	}
	return i > start && class_at(lexer, i) == CLOSE ? i + 1 : 0;
}

/* Reads a brace within a word: a parameter after a slash. Returns its end, or 0 if the brace is not
 * part of the word. */
static uint32_t scan_brace(struct pol_lexer *lexer, uint32_t i, struct pol_token *token, bool *bad)
{
	uint32_t end;

	if (i == token->at.offset || lexer->text.ptr[i - 1] != '/') {
		return 0;
	}
	end = scan_param(lexer, i);
	if (end > 0) {
		token->param = true;
		return end;
	}
	end = scan_bad_param(lexer, i);
	if (end > 0) {
		if (!*bad) {
			pol_diag_error(lexer->diags, span(lexer, i, end),
				"a parameter is {name} or {name...}: letters, digits, '_' and '-', "
				"a letter or '_' first");
		}
		*bad = true;
	}
	return end;
}

/* Reports a '#' at i, which touches the token before it. Returns the end of the line. */
static uint32_t skip_glued_comment(struct pol_lexer *lexer, uint32_t i, bool *bad)
{
	if (!*bad) {
		pol_diag_error(lexer->diags, span(lexer, i, i + 1),
			"'#' touches the word before it: put a space before a comment, or quotes "
			"around the word");
	}
	*bad = true;
	return line_end(lexer, i);
}

/* Reads a word, made of plain characters, parameters and strings, or a string alone. */
static uint32_t scan_word(struct pol_lexer *lexer, uint32_t i, struct pol_token *token)
{
	unsigned strings = 0;
	bool other = false;
	bool bad = false;

	for (;;) {
		enum class class = class_at(lexer, i);

		if (class == PLAIN || class == OPERATOR) {
			other = true;
			i = skip_class(lexer, i + 1, PLAIN);
		} else if (class == QUOTE) {
			strings++;
			i = scan_string(lexer, i, token, &bad);
		} else if (class == HIGH || class == CONTROL ||
			   (class == LINE && !is_line_end(lexer, i))) {
			other = true;
			skip_special(lexer, &i, true, &bad);
		} else if (class == OPEN) {
			uint32_t end = scan_brace(lexer, i, token, &bad);

			if (end == 0) {
				break;
			}
			i = end;
		} else {
			break;
		}
	}
	if (!other && strings > 1 && !bad) {
		pol_diag_error(lexer->diags, span(lexer, token->at.offset, i),
			"strings that touch: put a space between them, or write one string");
		bad = true;
	}
	if (class_at(lexer, i) == HASH) {
		i = skip_glued_comment(lexer, i, &bad);
	}
	token->kind = bad ? POL_TOKEN_BAD : other ? POL_TOKEN_WORD : POL_TOKEN_STRING;
	return i;
}

/* Skips spaces and comments. scan_word refused any comment that touches a word. */
static uint32_t skip_blank(struct pol_lexer *lexer, uint32_t i)
{
	for (;;) {
		enum class class = class_at(lexer, i);

		if (class == SPACE) {
			i = skip_class(lexer, i + 1, SPACE);
		} else if (class == HASH) {
			i = skip_comment(lexer, i);
		} else {
			return i;
		}
	}
}

/* Reads the token at i, where there is a byte that is not blank. Returns its end. */
static uint32_t scan_token(struct pol_lexer *lexer, uint32_t i, struct pol_token *token)
{
	switch (class_at(lexer, i)) {
	case OPEN:
		token->kind = POL_TOKEN_OPEN;
		return i + 1;
	case CLOSE:
		token->kind = POL_TOKEN_CLOSE;
		return i + 1;
	case COMMA:
		token->kind = POL_TOKEN_COMMA;
		return i + 1;
	case LINE:
		if (!is_line_end(lexer, i)) {
			return scan_word(lexer, i, token);
		}
		token->kind = POL_TOKEN_NL;
		lexer->line_start = i + (lexer->text.ptr[i] == '\r' ? 2 : 1);
		lexer->at_line_start = true;
		return lexer->line_start;
	case PLAIN:
	case OPERATOR:
	case SPACE:
	case HASH:
	case CONTROL:
	case HIGH:
	case QUOTE:
		break;
	}
	return scan_word(lexer, i, token);
}

/* A shortcut for words of plain characters, as most are: reads the one at i. Returns i if there is
 * none, or none that a space, a comma or a line feed ends. */
static uint32_t scan_plain(const struct pol_lexer *lexer, uint32_t i, struct pol_token *token)
{
	uint32_t end = skip_class(lexer, i, PLAIN);

	if (end == i || (class_at(lexer, end) != SPACE && class_at(lexer, end) != COMMA &&
				(end >= lexer->text.len || lexer->text.ptr[end] != '\n'))) {
		return i;
	}
	token->kind = POL_TOKEN_WORD;
	return end;
}

static bool is_operator(char c)
{
	return c == '<' || c == '>' || c == '=' || c == '!' || c == '&' || c == '|';
}

/* The end of the parenthesis or the run of operators at i; i if there is neither. A '!' begins a
 * run: `&&!` is two. */
static uint32_t operator_end(const struct pol_lexer *lexer, uint32_t i)
{
	const char *text = lexer->text.ptr;
	uint32_t end = i;

	if (text[i] == '(' || text[i] == ')') {
		return i + 1;
	}
	while (end < lexer->text.len && is_operator(text[end]) && (end == i || text[end] != '!')) {
		end++;
	}
	return end;
}

/* The offset of the operator or the parenthesis that ends the word or the string at i; the length
 * of the text if something else ends it. */
static size_t find_operator(const struct pol_lexer *lexer, uint32_t i)
{
	bool inside = false;

	for (; !is_line_end(lexer, i); i++) {
		char c = lexer->text.ptr[i];
		enum class class = class_at(lexer, i);

		if (c == '"') {
			inside = !inside;
		} else if (inside && c == '\\' && !is_line_end(lexer, i + 1)) {
			i++;
		} else if (!inside && class == OPERATOR) {
			return i;
		} else if (!inside && class != PLAIN && class != HIGH && class != CONTROL) {
			break;
		}
	}
	return lexer->text.len;
}

/* Reads the operator at i. Returns i if there is none; then the text ends, for the token at i, at
 * the operator that follows it. */
static uint32_t scan_operator(struct pol_lexer *lexer, uint32_t i, struct pol_token *token)
{
	uint32_t end = operator_end(lexer, i);
	bool bad = false;

	if (end == i) {
		lexer->text.len = find_operator(lexer, i);
		return i;
	}
	if (class_at(lexer, end) == HASH) {
		end = skip_glued_comment(lexer, end, &bad);
	}
	token->kind = bad ? POL_TOKEN_BAD : POL_TOKEN_WORD;
	return end;
}

/* Sets the fields one by one, which is faster than copying a whole structure: the parser reads them
 * at once. The only call of scan_token, so that it is inlined. */
void pol_lex(struct pol_lexer *lexer, struct pol_token *out)
{
	uint32_t i = skip_blank(lexer, lexer->pos);
	uint32_t end = i;
	size_t len = lexer->text.len;

	out->kind = POL_TOKEN_END;
	out->first = lexer->at_line_start;
	out->column1 = i == lexer->line_start;
	out->adjacent = i == lexer->pos && !lexer->at_line_start;
	out->quoted = false;
	out->escaped = false;
	out->param = false;
	out->at.file = lexer->file;
	out->at.offset = i;
	if (i < len) {
		lexer->at_line_start = false;
		end = scan_plain(lexer, i, out);
		if (end == i && lexer->in_condition) {
			end = scan_operator(lexer, i, out);
		}
		if (end == i) {
			end = scan_token(lexer, i, out);
		}
		lexer->text.len = len;
	} else {
		lexer->at_line_start = true;
	}
	out->at.length = end - i;
	out->raw.ptr = lexer->text.ptr + i;
	out->raw.len = end - i;
	lexer->pos = end;
}
