/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tools/review/review.h"

enum column {
	TENANT = 0,
	PRINCIPAL,
	NAME,
	KIND,
	STATUS,
	HOLDS, /* role, key, nothing, or change for a line of the trail */
	WHAT,  /* the role, the key's id, or the method */
	KEY_NAME,
	SCOPES,
	UNUSED_SCOPES,
	PLACES,
	MADE_AT,
	ENDS_AT,
	LAST_USED_AT,
	NOTES,
	ACTOR,
	COLUMNS,
};

static const char *const titles[COLUMNS] = { "tenant", "principal", "name", "kind", "status",
	"holds", "what", "key_name", "scopes", "unused_scopes", "places", "made_at", "ends_at",
	"last_used_at", "notes", "actor" };

/* A spreadsheet takes a cell that begins so for a formula; some also take the wide forms. */
static bool is_formula(const char *text)
{
	static const char *const wide[] = { "\uff1d", "\uff0b", "\uff0d", "\uff20" };

	for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
		if (strncmp(text, wide[i], strlen(wide[i])) == 0) {
			return true;
		}
	}
	return text[0] != '\0' && strchr("=+-@\t\r\n", text[0]) != NULL;
}

static void put_text(const char *text, FILE *file)
{
	for (; *text != '\0'; text++) {
		if (*text == '"') {
			fputc('"', file);
		}
		fputc(*text, file);
	}
}

/* Every cell is quoted, so none needs to be looked at for commas and new lines. */
static void put_text_cell(const char *text, FILE *file)
{
	fputs(is_formula(text) ? "\"'" : "\"", file);
	put_text(text, file);
	fputc('"', file);
}

/* A list as "a; b". */
static void put_list_cell(const json_t *list, FILE *file)
{
	const json_t *item;
	size_t i;

	fputc('"', file);
	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);

		text = text != NULL ? text : "";
		fputs(i > 0 ? "; " : is_formula(text) ? "'" : "", file);
		put_text(text, file);
	}
	fputc('"', file);
}

/* A cell is a text or a list; NULL is empty. */
static void put_line(const json_t *const cells[static COLUMNS], FILE *file)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		if (i > 0) {
			fputc(',', file);
		}
		if (json_is_array(cells[i])) {
			put_list_cell(cells[i], file);
		} else if (json_is_string(cells[i])) {
			put_text_cell(json_string_value(cells[i]), file);
		}
	}
	fputs("\r\n", file);
}

static void put_holder(const json_t *principal, const json_t *cells[static COLUMNS])
{
	cells[PRINCIPAL] = json_object_get(principal, "id");
	cells[NAME] = json_object_get(principal, "name");
	cells[KIND] = json_object_get(principal, "kind");
}

static void put_roles(const json_t *principal, FILE *file)
{
	const json_t *list = json_object_get(principal, "assignments");
	json_t *role = json_string("role");
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		json_t *notes = review_assignment_notes(item);
		const json_t *cells[COLUMNS] = { [TENANT] = json_object_get(principal, "tenant"),
			[STATUS] = json_object_get(principal, "status"),
			[HOLDS] = role,
			[WHAT] = json_object_get(item, "role"),
			[PLACES] = json_object_get(item, "at"),
			[MADE_AT] = json_object_get(item, "created_at"),
			[ENDS_AT] = json_object_get(item, "until"),
			[LAST_USED_AT] = json_object_get(principal, "last_used_at"),
			[NOTES] = notes };

		put_holder(principal, cells);
		put_line(cells, file);
		json_decref(notes);
	}
	json_decref(role);
}

/* principal: NULL for keys that belong to no principal. */
static void put_keys(const json_t *list, const json_t *principal, FILE *file)
{
	json_t *word = json_string("key");
	const json_t *key;
	size_t i;

	json_array_foreach(list, i, key)
	{
		json_t *notes = review_key_notes(key);
		const json_t *cells[COLUMNS] = { [TENANT] = json_object_get(key, "tenant"),
			[STATUS] = json_object_get(key, "status"),
			[HOLDS] = word,
			[WHAT] = json_object_get(key, "id"),
			[KEY_NAME] = json_object_get(key, "name"),
			[SCOPES] = json_object_get(key, "scopes"),
			[UNUSED_SCOPES] = json_object_get(key, "unused_scopes"),
			[PLACES] = json_object_get(key, "at"),
			[MADE_AT] = json_object_get(key, "created_at"),
			[ENDS_AT] = json_object_get(key, "expires_at"),
			[LAST_USED_AT] = json_object_get(key, "last_used_at"),
			[NOTES] = notes };

		put_holder(principal, cells);
		put_line(cells, file);
		json_decref(notes);
	}
	json_decref(word);
}

static void put_principal(const json_t *principal, FILE *file)
{
	const json_t *roles = json_object_get(principal, "assignments");
	const json_t *keys = json_object_get(principal, "keys");
	json_t *nothing = json_string("nothing");

	put_roles(principal, file);
	put_keys(keys, principal, file);
	if (json_array_size(roles) == 0 && json_array_size(keys) == 0) {
		const json_t *cells[COLUMNS] = { [TENANT] = json_object_get(principal, "tenant"),
			[STATUS] = json_object_get(principal, "status"),
			[HOLDS] = nothing };

		put_holder(principal, cells);
		put_line(cells, file);
	}
	json_decref(nothing);
}

static void put_changes(const json_t *changes, FILE *file)
{
	json_t *word = json_string("change");
	const json_t *change;
	size_t i;

	json_array_foreach(changes, i, change)
	{
		json_t *notes = review_change_notes(change);
		const json_t *cells[COLUMNS] = { [TENANT] = json_object_get(change, "tenant"),
			[PRINCIPAL] = json_object_get(change, "target"),
			[KIND] = json_object_get(change, "kind"),
			[HOLDS] = word,
			[WHAT] = json_object_get(change, "action"),
			[MADE_AT] = json_object_get(change, "time"),
			[NOTES] = notes,
			[ACTOR] = json_object_get(change, "actor") };

		put_line(cells, file);
		json_decref(notes);
	}
	json_decref(word);
}

void review_put_csv(const json_t *review, FILE *file)
{
	const json_t *principals = json_object_get(review, "principals");
	const json_t *everyone = json_object_get(review, "everyone");
	const json_t *principal;
	size_t i;

	for (i = 0; i < COLUMNS; i++) {
		fprintf(file, "%s%s", i > 0 ? "," : "", titles[i]);
	}
	fputs("\r\n", file);
	json_array_foreach(everyone, i, principal)
	{
		put_principal(principal, file);
	}
	json_array_foreach(principals, i, principal)
	{
		put_principal(principal, file);
	}
	put_keys(json_object_get(review, "keys"), NULL, file);
	put_changes(json_object_get(review, "changes"), file);
}
