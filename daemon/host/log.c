/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A line is cut here: longer than any path, shorter than a pipe's atomic write. */
enum { LINE = 4096, VALUE = 2048 };

static enum log_format format = LOG_TEXT;

void log_init(enum log_format wanted)
{
	format = wanted;
}

struct line {
	char *at;
	char *end; /* room for the closing brace and the newline stays behind it */
};

static void put(struct line *line, const char *bytes, size_t len)
{
	size_t room = (size_t)(line->end - line->at);

	if (len > room) {
		len = room;
	}
	memcpy(line->at, bytes, len);
	line->at += len;
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* What may stand between quotes. An escape is put whole or not at all. */
static void put_escaped(struct line *line, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && line->end - line->at > 6; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char escape[8];

		if (c == '"' || c == '\\') {
			char pair[2] = { '\\', (char)c };

			put(line, pair, 2);
		} else if (c == '\n') {
			put_text(line, "\\n");
		} else if (c < 0x20 || c >= 0x7f) {
			/* Bytes beyond ASCII too: the line must be ASCII whatever they were. */
			put(line, escape,
				(size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c));
		} else {
			put(line, bytes + i, 1);
		}
	}
}

static void put_quoted(struct line *line, const char *bytes, size_t len)
{
	put_text(line, "\"");
	put_escaped(line, bytes, len);
	put_text(line, "\"");
}

static bool is_plain(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '=') {
			return false;
		}
	}
	return len > 0;
}

enum size { SIZE_INT, SIZE_LONG, SIZE_LONG_LONG, SIZE_MAX_T, SIZE_SIZE };

static enum size read_size(const char **spec)
{
	switch (**spec) {
	case 'z':
		++*spec;
		return SIZE_SIZE;
	case 'j':
		++*spec;
		return SIZE_MAX_T;
	case 'l':
		++*spec;
		if (**spec != 'l') {
			return SIZE_LONG;
		}
		++*spec;
		return SIZE_LONG_LONG;
	default:
		return SIZE_INT;
	}
}

static intmax_t take_signed(va_list *args, enum size size)
{
	switch (size) {
	case SIZE_LONG:
		return va_arg(*args, long);
	case SIZE_LONG_LONG:
		return va_arg(*args, long long);
	case SIZE_MAX_T:
		return va_arg(*args, intmax_t);
	case SIZE_SIZE:
		return va_arg(*args, ssize_t);
	case SIZE_INT:
		break;
	}
	return va_arg(*args, int);
}

static uintmax_t take_unsigned(va_list *args, enum size size)
{
	switch (size) {
	case SIZE_LONG:
		return va_arg(*args, unsigned long);
	case SIZE_LONG_LONG:
		return va_arg(*args, unsigned long long);
	case SIZE_MAX_T:
		return va_arg(*args, uintmax_t);
	case SIZE_SIZE:
		return va_arg(*args, size_t);
	case SIZE_INT:
		break;
	}
	return va_arg(*args, unsigned);
}

static void put_string(struct line *value, const char *text, int precision)
{
	if (text == NULL) {
		text = "";
	}
	put(value, text, precision < 0 ? strlen(text) : strnlen(text, (size_t)precision));
}

/* One conversion; *spec stands behind its percent sign. Gives false for text. */
static bool put_conversion(struct line *value, const char **spec, va_list *args)
{
	char number[32];
	int precision = -1;
	enum size size;
	int n = 0;

	if (strncmp(*spec, ".*", 2) == 0) {
		precision = va_arg(*args, int);
		*spec += 2;
	}
	size = read_size(spec);
	switch (*(*spec)++) {
	case 's':
		put_string(value, va_arg(*args, const char *), precision);
		return false;
	case 'c':
		number[0] = (char)va_arg(*args, int);
		put(value, number, 1);
		return false;
	case 'd':
	case 'i':
		n = snprintf(number, sizeof number, "%jd", take_signed(args, size));
		break;
	case 'u':
		n = snprintf(number, sizeof number, "%ju", take_unsigned(args, size));
		break;
	case 'x':
		n = snprintf(number, sizeof number, "%jx", take_unsigned(args, size));
		put(value, number, (size_t)n);
		return false;
	default:
		return false;
	}
	put(value, number, (size_t)n);
	return true;
}

static bool is_boolean(const char *bytes, size_t len)
{
	return (len == 4 && memcmp(bytes, "true", 4) == 0) ||
	       (len == 5 && memcmp(bytes, "false", 5) == 0);
}

/* Puts one `key=VALUE`, and gives what stands behind it. */
static const char *put_field(
	struct line *line, const char *spec, va_list *args, enum log_format shape)
{
	char bytes[VALUE];
	struct line value = { bytes, bytes + sizeof bytes };
	size_t key = strcspn(spec, "=");
	const char *name = spec;
	bool number = true, literal = true;
	size_t len;

	for (spec += key + (spec[key] == '='); *spec != '\0' && *spec != ' ';) {
		if (*spec == '%') {
			spec++;
			literal = false;
			number = put_conversion(&value, &spec, args) && number;
		} else {
			put(&value, spec++, 1);
			number = false;
		}
	}
	len = (size_t)(value.at - bytes);
	if (shape == LOG_JSON) {
		put_text(line, ",\"");
		put(line, name, key);
		put_text(line, "\":");
	} else {
		put_text(line, " ");
		put(line, name, key);
		put_text(line, "=");
	}
	if (shape == LOG_JSON && literal && is_boolean(bytes, len)) {
		number = true;
	}
	if ((shape == LOG_JSON && number) || (shape == LOG_TEXT && is_plain(bytes, len))) {
		put(line, bytes, len);
	} else {
		put_quoted(line, bytes, len);
	}
	return *spec == ' ' ? spec + 1 : spec;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_WARN:
		return "warn";
	case LOG_INFO:
		return "info";
	case LOG_ERROR:
		break;
	}
	return "error";
}

static void put_time(struct line *line)
{
	struct timespec now;
	struct tm utc;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc) == NULL) {
		return;
	}
	put(line, text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc));
	snprintf(text, sizeof text, ".%03dZ", (int)(now.tv_nsec / 1000000));
	put_text(line, text);
}

/* Returns how far the line goes. size holds at least the closing brace and the newline. */
static size_t make_line(struct line line, enum log_level level, const char *message,
	const char *fields, va_list *args)
{
	char *begin = line.at;
	enum log_format shape = format;

	line.end -= 3;
	put_text(&line, shape == LOG_JSON ? "{\"time\":\"" : "");
	put_time(&line);
	put_text(&line, shape == LOG_JSON ? "\",\"level\":\"" : " ");
	put_text(&line, level_name(level));
	put_text(&line, shape == LOG_JSON ? "\",\"message\":\"" : ": ");
	put_escaped(&line, message, strlen(message));
	put_text(&line, shape == LOG_JSON ? "\"" : "");
	while (*fields != '\0') {
		fields = put_field(&line, fields, args, shape);
	}
	line.end += 3;
	put_text(&line, shape == LOG_JSON ? "}\n" : "\n");
	return (size_t)(line.at - begin);
}

void log_write(enum log_level level, const char *message, const char *fields, ...)
{
	int kept = errno;
	char bytes[LINE];
	va_list args;
	size_t len;
	ssize_t n;

	va_start(args, fields);
	len = make_line(
		(struct line){ bytes, bytes + sizeof bytes }, level, message, fields, &args);
	va_end(args);
	do {
		n = write(STDERR_FILENO, bytes, len);
	} while (n < 0 && errno == EINTR);
	errno = kept;
}

unsigned log_line(char *line, unsigned size, enum log_level level, const char *message,
	const char *fields, ...)
{
	va_list args;
	size_t len;

	va_start(args, fields);
	len = make_line((struct line){ line, line + size }, level, message, fields, &args);
	va_end(args);
	return (unsigned)len;
}
