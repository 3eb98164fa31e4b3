/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/frame.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Reads more when everything was taken. False: the end. */
static bool fill(struct lsp_reader *reader)
{
	ssize_t n;

	if (reader->begin < reader->end) {
		return true;
	}
	do {
		n = read(reader->fd, reader->bytes, sizeof reader->bytes);
	} while (n < 0 && errno == EINTR);
	reader->begin = 0;
	reader->end = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* Takes a line without its end; what is longer than the array is cut. False: the end. */
static bool take_line(struct lsp_reader *reader, char line[static LSP_HEADER_MAX])
{
	size_t len = 0;

	for (;;) {
		char c;

		if (!fill(reader)) {
			return false;
		}
		c = reader->bytes[reader->begin++];
		if (c == '\n') {
			break;
		}
		if (len < LSP_HEADER_MAX - 1) {
			line[len++] = c;
		}
	}
	if (len > 0 && line[len - 1] == '\r') {
		len--;
	}
	line[len] = '\0';
	return true;
}

/* Reads the number of a Content-Length field. False: it is not a number, or too large. */
static bool read_length(const char *value, size_t *out)
{
	size_t length = 0;

	value += strspn(value, " \t");
	if (*value < '0' || *value > '9') {
		return false;
	}
	for (; *value >= '0' && *value <= '9'; value++) {
		if (length > (SIZE_MAX - 9) / 10) {
			return false;
		}
		length = length * 10 + (size_t)(*value - '0');
	}
	*out = length;
	return value[strspn(value, " \t")] == '\0';
}

/* Takes the bytes of a message; body NULL: drops them. False: the end. */
static bool take_body(struct lsp_reader *reader, char *body, size_t length)
{
	while (length > 0) {
		size_t n;

		if (!fill(reader)) {
			return false;
		}
		n = reader->end - reader->begin;
		n = n < length ? n : length;
		if (body != NULL) {
			memcpy(body, reader->bytes + reader->begin, n);
			body += n;
		}
		reader->begin += n;
		length -= n;
	}
	return true;
}

enum lsp_frame lsp_frame_read(struct lsp_reader *reader)
{
	static const char name[] = "Content-Length:";
	char line[LSP_HEADER_MAX];
	bool known = false;
	char *body;

	for (;;) {
		if (!take_line(reader, line)) {
			return LSP_FRAME_END;
		}
		if (line[0] == '\0') {
			break;
		}
		if (strncasecmp(line, name, sizeof name - 1) == 0) {
			known = read_length(line + sizeof name - 1, &reader->length);
		}
	}
	if (!known) {
		return LSP_FRAME_HEADER;
	}
	body = reader->length <= LSP_FRAME_MAX ? realloc(reader->body, reader->length + 1) : NULL;
	if (body != NULL) {
		reader->body = body;
		body[reader->length] = '\0';
	}
	if (!take_body(reader, body, reader->length)) {
		return LSP_FRAME_END;
	}
	if (body != NULL) {
		return LSP_FRAME_MESSAGE;
	}
	return reader->length > LSP_FRAME_MAX ? LSP_FRAME_LARGE : LSP_FRAME_MEMORY;
}

bool lsp_frame_buffered(const struct lsp_reader *reader)
{
	return reader->begin < reader->end;
}

void lsp_frame_finish(struct lsp_reader *reader)
{
	free(reader->body);
	reader->body = NULL;
}
