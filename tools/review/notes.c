/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tools/review/review.h"

/* "a, b" after `before`, as one note; nothing for an empty list. */
static void add_list(json_t *notes, const char *before, const json_t *list)
{
	const char *separator = before;
	char text[1024] = "";
	size_t len = 0;
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		int added = snprintf(text + len, sizeof text - len, "%s%s", separator,
			json_is_string(item) ? json_string_value(item) : "");

		len += (size_t)added;
		if (len >= sizeof text) {
			break; /* what is cut stands in --json */
		}
		separator = ", ";
	}
	if (text[0] != '\0') {
		json_array_append_new(notes, document_text(text));
	}
}

json_t *review_assignment_notes(const json_t *assignment)
{
	json_t *notes = json_array();

	add_list(notes, "not in the policy: ", json_object_get(assignment, "dangling"));
	if (json_is_true(json_object_get(assignment, "shadowed"))) {
		json_array_append_new(notes, json_string("shadowed by a role of the policy"));
	}
	if (json_is_true(json_object_get(assignment, "declared"))) {
		json_array_append_new(notes, json_string("in the policy's files"));
	}
	return notes;
}

json_t *review_key_notes(const json_t *key)
{
	const json_t *findings = json_object_get(key, "findings");
	json_t *notes = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach(findings, i, item)
	{
		char text[64];

		snprintf(text, sizeof text, "%s",
			json_is_string(item) ? json_string_value(item) : "");
		for (char *at = strchr(text, '_'); at != NULL; at = strchr(at, '_')) {
			*at = ' ';
		}
		json_array_append_new(notes, document_text(text));
	}
	add_list(notes, "roles of its own: ", json_object_get(key, "roles"));
	add_list(notes, "would be enough: ", json_object_get(key, "narrower"));
	return notes;
}

json_t *review_change_notes(const json_t *change)
{
	const json_t *changes = json_object_get(change, "changes");
	json_t *notes = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach(changes, i, item)
	{
		const char *from = review_text(item, "from");
		const char *to = review_text(item, "to");
		char text[1024]; /* the trail cuts a value at 256 bytes */

		snprintf(text, sizeof text, "%s: %s%s%s", review_text(item, "field"), from,
			from[0] != '\0' ? " → " : "", to[0] != '\0' ? to : "none");
		json_array_append_new(notes, document_text(text));
	}
	return notes;
}
