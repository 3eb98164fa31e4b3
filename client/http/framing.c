/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/framing.h"

#include <string.h>
#include <strings.h>

enum { LINE_END = 2 }; /* CR and LF */

/* Does the field begin at `*at`? Moves it to the next one. */
static bool take_field(const struct http_field *field, const char **at)
{
	const char *gap = *at + field->name_len + 1; /* after the colon */

	if (field->name != *at || !http_request_is_word(field->name)) {
		return false;
	}
	/* Skips what may stand before a value. The value of an empty field may be NULL. */
	while (*gap == ' ' || *gap == '\t') {
		gap++;
	}
	*at = gap + field->len + LINE_END;
	return field->len == 0 || (field->value == gap && memchr(gap, '\r', field->len) == NULL);
}

static bool is_in_place(const struct http_line *line, const struct http_head *head)
{
	const char *at = line->method + strlen(line->method) + 1;

	if (line->target != at) {
		return false;
	}
	at += strlen(head->target) + 1;
	if (line->version != at) {
		return false;
	}
	at += strlen(line->version) + LINE_END;
	for (size_t i = 0; i < head->count; i++) {
		if (!take_field(&head->fields[i], &at)) {
			return false;
		}
	}
	return at + LINE_END == line->method + line->size;
}

/* Is there one length of the body, and one host? */
static bool is_single(const struct http_line *line, const struct http_head *head)
{
	size_t lengths = 0, codings = 0, hosts = 0;

	for (size_t i = 0; i < head->count; i++) {
		const struct http_field *field = &head->fields[i];

		if (http_field_is(field, "Content-Length")) {
			lengths++;
		} else if (http_field_is(field, "Transfer-Encoding")) {
			codings++;
			if (strcasecmp(field->value, "chunked") != 0) {
				return false;
			}
		} else if (http_field_is(field, "Host")) {
			hosts++;
		}
	}
	return lengths + codings <= 1 && hosts <= 1 &&
	       (codings == 0 || strcmp(line->version, "HTTP/1.1") == 0);
}

bool http_framing_is_plain(const struct http_line *line, const struct http_head *head)
{
	return is_in_place(line, head) && is_single(line, head);
}

bool http_framing_has_chunks(const struct http_head *head)
{
	for (size_t i = 0; i < head->count; i++) {
		if (http_field_is(&head->fields[i], "Transfer-Encoding")) {
			return true;
		}
	}
	return false;
}
