/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A text is not folded into less than this. */
#define FOLD_LEAST 20

/* What $COLUMNS may say: as much as a terminal can say of itself. */
#define COLUMNS_MAX 65535

static const char *const sequences[] = {
	[COLOUR_NONE] = "",
	[COLOUR_GREEN] = "\033[32m",
	[COLOUR_RED] = "\033[31m",
	[COLOUR_YELLOW] = "\033[33m",
	[COLOUR_BOLD] = "\033[1m",
	[COLOUR_DIM] = "\033[2m",
};

struct range {
	uint32_t first;
	uint32_t last;
};

/* Unicode 15: what moves or hides the text around it. */
static const struct range unsafe[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad }, /* soft hyphen */
	{ 0x061c, 0x061c },                                         /* Arabic letter mark */
	{ 0x180e, 0x180e }, { 0x200b, 0x200f }, /* zero width, direction marks */
	{ 0x2028, 0x202e },                     /* separators, embeddings, overrides */
	{ 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff }, /* tags */
};

/* The common combining blocks. */
static const struct range combining[] = {
	{ 0x0300, 0x036f },
	{ 0x0483, 0x0489 },
	{ 0x0591, 0x05bd },
	{ 0x0610, 0x061a },
	{ 0x064b, 0x065f },
	{ 0x0900, 0x0902 },
	{ 0x0941, 0x0948 },
	{ 0x0e31, 0x0e31 },
	{ 0x0e34, 0x0e3a },
	{ 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff },
	{ 0x20d0, 0x20ff },
	{ 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },
};

/* East Asian Width W and F, in blocks. */
static const struct range wide[] = {
	{ 0x1100, 0x115f },
	{ 0x2e80, 0x303e },
	{ 0x3041, 0x33ff },
	{ 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff },
	{ 0xa000, 0xa4cf },
	{ 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff },
	{ 0x1f900, 0x1f9ff },
	{ 0x20000, 0x3fffd },
};

static bool within(const struct range *ranges, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count; i++) {
		if (code >= ranges[i].first && code <= ranges[i].last) {
			return true;
		}
	}
	return false;
}

#define WITHIN(ranges, code) within((ranges), sizeof(ranges) / sizeof((ranges)[0]), (code))

bool text_wants_colour(FILE *file)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color != NULL && no_color[0] != '\0') {
		return false;
	}
	if (term == NULL || strcmp(term, "dumb") == 0) {
		return false;
	}
	return isatty(fileno(file)) == 1;
}

const char *text_begin(bool on, enum colour colour)
{
	return on ? sequences[colour] : "";
}

const char *text_end(bool on, enum colour colour)
{
	return on && colour != COLOUR_NONE ? "\033[0m" : "";
}

uint32_t text_decode(struct pol_str str, size_t *out_len)
{
	const unsigned char *bytes = (const unsigned char *)str.ptr;
	size_t len = 1;
	uint32_t code = bytes[0];

	if (code >= 0xc2 && code <= 0xdf) {
		len = 2;
		code &= 0x1f;
	} else if (code >= 0xe0 && code <= 0xef) {
		len = 3;
		code &= 0x0f;
	} else if (code >= 0xf0 && code <= 0xf4) {
		len = 4;
		code &= 0x07;
	}
	if (len > str.len || !pol_str_is_utf8((struct pol_str){ str.ptr, len })) {
		*out_len = 1;
		return 0xfffd;
	}
	for (size_t i = 1; i < len; i++) {
		code = code << 6 | (bytes[i] & 0x3f);
	}
	*out_len = len;
	return code;
}

/* Room for the longest escape, \u{10ffff}, and what printf could make of any number. */
#define ESCAPE_SIZE 16

/* Writes what stands for one character when it cannot stand for itself; false when it can. */
static bool escape(uint32_t code, size_t len, unsigned char first, char out[ESCAPE_SIZE])
{
	if (code == 0xfffd && len == 1) {
		snprintf(out, ESCAPE_SIZE, "\\x%02x", first);
	} else if (code == '\n') {
		snprintf(out, ESCAPE_SIZE, "\\n");
	} else if (code == '\t') {
		snprintf(out, ESCAPE_SIZE, "\\t");
	} else if (code < 0x80 && WITHIN(unsafe, code)) {
		snprintf(out, ESCAPE_SIZE, "\\x%02x", (unsigned)code);
	} else if (WITHIN(unsafe, code)) {
		snprintf(out, ESCAPE_SIZE, "\\u{%x}", (unsigned)code);
	} else {
		return false;
	}
	return true;
}

/* The next character as it is shown, in buf or in str itself; str then begins after it. */
static struct pol_str next_shown(struct pol_str *str, char buf[ESCAPE_SIZE])
{
	size_t len;
	uint32_t code = text_decode(*str, &len);
	struct pol_str out = { str->ptr, len };

	if (escape(code, len, (unsigned char)str->ptr[0], buf)) {
		out = pol_str_of(buf);
	}
	str->ptr += len;
	str->len -= len;
	return out;
}

const char *text_escape(struct pol_arena *arena, struct pol_str str)
{
	char buf[ESCAPE_SIZE];
	struct pol_str rest = str;
	size_t size = 1;
	size_t at = 0;
	char *out;

	while (rest.len > 0) {
		size += next_shown(&rest, buf).len;
	}
	out = pol_arena_alloc(arena, size, 1);
	if (out == NULL) {
		return "";
	}
	while (str.len > 0) {
		struct pol_str shown = next_shown(&str, buf);

		memcpy(out + at, shown.ptr, shown.len);
		at += shown.len;
	}
	return out;
}

void text_put(FILE *file, struct pol_str str)
{
	char buf[ESCAPE_SIZE];

	while (str.len > 0) {
		struct pol_str shown = next_shown(&str, buf);

		fwrite(shown.ptr, 1, shown.len, file);
	}
}

/* The columns of one character. */
static size_t width_of(uint32_t code)
{
	if (WITHIN(wide, code)) {
		return 2;
	}
	return WITHIN(combining, code) || WITHIN(unsafe, code) ? 0 : 1;
}

size_t text_width(struct pol_str str)
{
	size_t width = 0;

	while (str.len > 0) {
		size_t len;

		width += width_of(text_decode(str, &len));
		str.ptr += len;
		str.len -= len;
	}
	return width;
}

size_t text_fit(struct pol_str str, size_t width)
{
	size_t fits = 0;

	while (fits < str.len) {
		size_t len;
		size_t own = width_of(
			text_decode((struct pol_str){ str.ptr + fits, str.len - fits }, &len));

		if (own > width) {
			break;
		}
		width -= own;
		fits += len;
	}
	return fits;
}

/* The bytes of the character at the beginning, or of a colour, which takes no column. */
static size_t next_width(struct pol_str text, size_t *out_width)
{
	const char *end = text.ptr[0] == '\033' ? memchr(text.ptr, 'm', text.len) : NULL;
	size_t len;

	if (end != NULL) {
		*out_width = 0;
		return (size_t)(end - text.ptr) + 1;
	}
	*out_width = width_of(text_decode(text, &len));
	return len;
}

size_t text_fold_at(struct pol_str text, size_t width)
{
	bool word = false;
	size_t blank = 0;
	size_t used = 0;

	for (size_t at = 0; at < text.len;) {
		size_t own;
		size_t len = next_width((struct pol_str){ text.ptr + at, text.len - at }, &own);

		blank = text.ptr[at] == ' ' && word ? at : blank;
		word = word || text.ptr[at] != ' ';
		if (used + own > width) {
			return blank > 0 ? blank : at > 0 ? at : len;
		}
		used += own;
		at += len;
	}
	return text.len;
}

static size_t shown_width(struct pol_str text)
{
	size_t width = 0;

	while (text.len > 0) {
		size_t own;
		size_t len = next_width(text, &own);

		width += own;
		text.ptr += len;
		text.len -= len;
	}
	return width;
}

size_t text_fold(FILE *file, const char *text, const struct text_lines *lines)
{
	bool folds = lines->width >= lines->indent + FOLD_LEAST &&
		     lines->width >= lines->begin + FOLD_LEAST;
	struct pol_str rest = pol_str_of(text);
	size_t begin = lines->begin;

	for (;;) {
		struct pol_str part = rest;

		if (folds) {
			part.len = text_fold_at(rest, lines->width - begin);
		}
		rest.ptr += part.len;
		rest.len -= part.len;
		while (rest.len > 0 && part.len > 0 && part.ptr[part.len - 1] == ' ') {
			part.len--;
		}
		fwrite(part.ptr, 1, part.len, file);
		while (rest.len > 0 && rest.ptr[0] == ' ') {
			rest.ptr++;
			rest.len--;
		}
		if (rest.len == 0) {
			return begin + shown_width(part);
		}
		begin = lines->indent;
		fprintf(file, "\n%*s", (int)begin, "");
	}
}

size_t text_columns(FILE *file)
{
	const char *text = getenv("COLUMNS");
	struct winsize size = { 0 };
	char *end;
	long columns;

	if (isatty(fileno(file)) != 1) {
		return 0;
	}
	if (text != NULL) {
		columns = strtol(text, &end, 10);
		if (end != text && *end == '\0' && columns > 0 && columns <= COLUMNS_MAX) {
			return (size_t)columns;
		}
	}
	return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
