/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/log_sink.h"

/* Bytes of a line, and of one value; longer ones are cut. A write of LINE bytes to a pipe is atomic
 * (PIPE_BUF). BUFFER: bytes of lines that wait for the reader, twice. */
enum { LINE = 4096, VALUE = 2048, BUFFER = 256 * 1024 };

static enum log_format format = LOG_TEXT;
/* NULL: before log_start and after log_stop. */
static struct log_sink *_Atomic sink;

void log_init(enum log_format wanted)
{
	format = wanted;
	/* gmtime_r(3) reads a file the first time, which a confined process cannot. */
	tzset();
}

struct line {
	char *at;
	char *end; /* the closing brace and the newline have room after it */
};

static void append(struct line *line, const char *bytes, size_t len)
{
	size_t room = (size_t)(line->end - line->at);

	if (len > room) {
		len = room;
	}
	memcpy(line->at, bytes, len);
	line->at += len;
}

static void append_text(struct line *line, const char *text)
{
	append(line, text, strlen(text));
}

/* Escapes what may not stand between quotes. An escape is appended whole or not at all. */
static void append_escaped(struct line *line, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && line->end - line->at > 6; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char escape[8];

		if (c == '"' || c == '\\') {
			char pair[2] = { '\\', (char)c };

			append(line, pair, 2);
		} else if (c == '\n') {
			append_text(line, "\\n");
		} else if (c < 0x20 || c >= 0x7f) {
			/* Bytes beyond ASCII too: a line is ASCII whatever the value is. */
			append(line, escape,
				(size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c));
		} else {
			append(line, bytes + i, 1);
		}
	}
}

static void append_quoted(struct line *line, const char *bytes, size_t len)
{
	append_text(line, "\"");
	append_escaped(line, bytes, len);
	append_text(line, "\"");
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

static void append_string(struct line *value, const char *text, int precision)
{
	if (text == NULL) {
		text = "";
	}
	append(value, text, precision < 0 ? strlen(text) : strnlen(text, (size_t)precision));
}

/* One conversion; *spec points after its percent sign. Returns true for a decimal number. */
static bool append_conversion(struct line *value, const char **spec, va_list *args)
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
		append_string(value, va_arg(*args, const char *), precision);
		return false;
	case 'c':
		number[0] = (char)va_arg(*args, int);
		append(value, number, 1);
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
		append(value, number, (size_t)n);
		return false;
	default:
		return false;
	}
	append(value, number, (size_t)n);
	return true;
}

static bool is_boolean(const char *bytes, size_t len)
{
	return (len == 4 && memcmp(bytes, "true", 4) == 0) ||
	       (len == 5 && memcmp(bytes, "false", 5) == 0);
}

/* Appends one `key=VALUE`, and returns the rest of the format. */
static const char *append_field(
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
			number = append_conversion(&value, &spec, args) && number;
		} else {
			append(&value, spec++, 1);
			number = false;
		}
	}
	len = (size_t)(value.at - bytes);
	if (shape == LOG_JSON) {
		append_text(line, ",\"");
		append(line, name, key);
		append_text(line, "\":");
	} else {
		append_text(line, " ");
		append(line, name, key);
		append_text(line, "=");
	}
	if (shape == LOG_JSON && literal && is_boolean(bytes, len)) {
		number = true;
	}
	if ((shape == LOG_JSON && number) || (shape == LOG_TEXT && is_plain(bytes, len))) {
		append(line, bytes, len);
	} else {
		append_quoted(line, bytes, len);
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

static void append_time(struct line *line)
{
	struct timespec now;
	struct tm utc;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc) == NULL) {
		return;
	}
	append(line, text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc));
	snprintf(text, sizeof text, ".%03dZ", (int)(now.tv_nsec / 1000000));
	append_text(line, text);
}

/* Returns the line's length. */
static size_t format_line(struct line line, enum log_level level, const char *message,
	const char *fields, va_list *args)
{
	char *begin = line.at;
	enum log_format shape = format;

	line.end -= 3;
	append_text(&line, shape == LOG_JSON ? "{\"time\":\"" : "");
	append_time(&line);
	append_text(&line, shape == LOG_JSON ? "\",\"level\":\"" : " ");
	append_text(&line, level_name(level));
	append_text(&line, shape == LOG_JSON ? "\",\"message\":\"" : ": ");
	append_escaped(&line, message, strlen(message));
	append_text(&line, shape == LOG_JSON ? "\"" : "");
	while (*fields != '\0') {
		fields = append_field(&line, fields, args, shape);
	}
	line.end += 3;
	append_text(&line, shape == LOG_JSON ? "}\n" : "\n");
	return (size_t)(line.at - begin);
}

/* now: written before it returns. */
static void put_line(
	bool now, enum log_level level, const char *message, const char *fields, va_list *args)
{
	int saved = errno;
	char bytes[LINE];
	size_t len = format_line(
		(struct line){ bytes, bytes + sizeof bytes }, level, message, fields, args);

	log_sink_put(now ? NULL : atomic_load(&sink), bytes, len);
	errno = saved;
}

void log_write(enum log_level level, const char *message, const char *fields, ...)
{
	va_list args;

	va_start(args, fields);
	put_line(false, level, message, fields, &args);
	va_end(args);
}

void log_write_now(enum log_level level, const char *message, const char *fields, ...)
{
	va_list args;

	va_start(args, fields);
	put_line(true, level, message, fields, &args);
	va_end(args);
}

void log_lines(char *lines, size_t len)
{
	log_sink_put(atomic_load(&sink), lines, len);
}

static size_t write_line(
	struct line line, enum log_level level, const char *message, const char *fields, ...)
{
	va_list args;
	size_t len;

	va_start(args, fields);
	len = format_line(line, level, message, fields, &args);
	va_end(args);
	return len;
}

static size_t format_dropped(char line[static LOG_SINK_DROPPED], uint64_t lines)
{
	return write_line((struct line){ line, line + LOG_SINK_DROPPED }, LOG_WARN,
		"lines of the log were dropped", "lines=%llu", (unsigned long long)lines);
}

int log_start(void)
{
	const struct log_sink_options options = {
		.fd = STDERR_FILENO, .buffer = BUFFER, .format_dropped = format_dropped
	};
	struct log_sink *made;
	int r = log_sink_create(&options, &made);

	if (r < 0) {
		return r;
	}
	r = log_sink_start(made);
	if (r < 0) {
		log_sink_destroy(made);
		return r;
	}
	atomic_store(&sink, made);
	return 0;
}

void log_stop(void)
{
	log_sink_destroy(atomic_exchange(&sink, NULL));
}

void log_count(struct log_sink_counts *out)
{
	struct log_sink *now = atomic_load(&sink);

	*out = (struct log_sink_counts){ 0 };
	if (now != NULL) {
		log_sink_count(now, out);
	}
}

void log_signal(const char *message, const char *name, unsigned number)
{
	bool json = format == LOG_JSON;
	char bytes[LINE], digits[16];
	struct line line = { bytes, bytes + sizeof bytes };
	char *at = digits + sizeof digits;

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	append_text(&line, json ? "{\"level\":\"error\",\"message\":\"" : "error: ");
	append_text(&line, message);
	append_text(&line, json ? "\",\"" : ": ");
	append_text(&line, name);
	append_text(&line, json ? "\":" : "=");
	append(&line, at, (size_t)(digits + sizeof digits - at));
	append_text(&line, json ? "}\n" : "\n");
	log_sink_put(NULL, bytes, (size_t)(line.at - bytes));
}
