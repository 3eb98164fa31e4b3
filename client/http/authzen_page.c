/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/authzen_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/http/authzen.h"

/* Hex digits of a print. */
#define PRINT 16

/* FNV-1a of 64 bits. */
static uint64_t hash(const char *text)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; text[i] != '\0'; i++) {
		value = (value ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	}
	return value;
}

/* The entities that count, in an object of their own. NULL: no memory. */
static json_t *select_entities(const json_t *request, enum authzen_sought sought)
{
	static const struct {
		const char *name;
		enum authzen_sought sought;
	} parts[] = {
		{ "subject", AUTHZEN_SUBJECT },
		{ "action", AUTHZEN_ACTION },
		{ "resource", AUTHZEN_RESOURCE },
		{ "context", AUTHZEN_NOTHING },
	};
	json_t *selected = json_object();

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		json_t *given = json_object_get(request, parts[i].name), *part = json_copy(given);

		if (sought != AUTHZEN_NOTHING && sought == parts[i].sought) {
			json_object_del(part, "id");
		}
		if (given != NULL && json_object_set_new(selected, parts[i].name, part) != 0) {
			json_decref(selected);
			return NULL;
		}
	}
	return selected;
}

bool authzen_page_print(const json_t *request, enum authzen_sought sought, uint64_t *out,
	struct authzen_fault *fault)
{
	json_t *selected = select_entities(request, sought);
	char *text = json_dumps(selected, JSON_SORT_KEYS | JSON_COMPACT);

	json_decref(selected);
	if (text == NULL) {
		fault->text[0] = '\0';
		return false;
	}
	*out = hash(text);
	authzen_free_text(text);
	return true;
}

static bool read_limit(const json_t *page, size_t *out, struct authzen_fault *fault)
{
	json_t *value;
	json_int_t limit;

	*out = AUTHZEN_DEFAULT_PAGE;
	if (!authzen_member(page, "page.", "limit", JSON_INTEGER, &value, fault)) {
		return false;
	}
	if (value == NULL) {
		return true;
	}
	limit = json_integer_value(value);
	if (limit < 0) {
		return authzen_fault(fault, "page.limit: must not be negative");
	}
	*out = limit < AUTHZEN_MAX_PAGE ? (size_t)limit : AUTHZEN_MAX_PAGE;
	return true;
}

bool authzen_page_read(const json_t *request, uint64_t print, struct authzen_page *out,
	struct authzen_fault *fault)
{
	json_t *page, *token, *properties;
	char expected[PRINT + 1];

	*out = (struct authzen_page){ .limit = AUTHZEN_DEFAULT_PAGE, .cursor = "" };
	if (!authzen_member(request, "", "page", JSON_OBJECT, &page, fault) ||
		!authzen_member(page, "page.", "token", JSON_STRING, &token, fault) ||
		!authzen_member(page, "page.", "properties", JSON_OBJECT, &properties, fault) ||
		!read_limit(page, &out->limit, fault)) {
		return false;
	}
	out->given = page != NULL;
	if (token == NULL || json_string_length(token) == 0) {
		return true;
	}
	snprintf(expected, sizeof expected, "%016" PRIx64, print);
	if (strncmp(json_string_value(token), expected, PRINT) != 0) {
		return authzen_fault(fault, "page.token: is of no page of this search: send the "
					    "same entities with it, or begin without one");
	}
	out->cursor = json_string_value(token) + PRINT;
	return true;
}

char *authzen_page_token(uint64_t print, const char *cursor)
{
	size_t size = PRINT + strlen(cursor) + 1;
	char *token = malloc(size);

	if (token != NULL) {
		snprintf(token, size, "%016" PRIx64 "%s", print, cursor);
	}
	return token;
}
