/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tools/page/page.h"
#include "tools/review/review.h"

/* --- text ------------------------------------------------------------------------------------- */

/* 2026-11-29T14:05:09Z as "2026-11-29 14:05", in a <time>. `none` where there is no time. */
static void put_time(const json_t *object, const char *name, const char *none, FILE *file)
{
	const char *text = review_text(object, name);

	fputs("<td class=time>", file);
	if (strlen(text) < sizeof "2026-11-29T14:05" - 1) {
		page_put_text(file, none);
	} else {
		fputs("<time datetime=\"", file);
		page_put_text(file, text);
		fprintf(file, "\">%.10s %.5s</time>", text, text + 11);
	}
	fputs("</td>", file);
}

static void put_cell(const char *text, FILE *file)
{
	fputs("<td>", file);
	page_put_text(file, text);
	fputs("</td>", file);
}

static void put_code(const char *text, FILE *file)
{
	fputs("<td class=word><code>", file);
	page_put_text(file, text);
	fputs("</code></td>", file);
}

static void put_tag(const char *class, const char *text, FILE *file)
{
	fprintf(file, "<span class=\"tag%s%s\">", class[0] != '\0' ? " " : "", class);
	page_put_text(file, text);
	fputs("</span>", file);
}

/* A list of texts as tags; `none` when it is empty. */
static void put_tags(const json_t *list, const char *class, const char *none, FILE *file)
{
	const json_t *item;
	size_t i;

	fputs("<td>", file);
	if (json_array_size(list) == 0) {
		page_put_text(file, none);
	}
	json_array_foreach(list, i, item)
	{
		put_tag(class, json_is_string(item) ? json_string_value(item) : "", file);
	}
	fputs("</td>", file);
}

/* Takes the notes over. */
static void put_notes(json_t *notes, const char *class, FILE *file)
{
	put_tags(notes, class, "", file);
	json_decref(notes);
}

/* caption: NULL under a heading that says it. */
static void begin_table(const char *caption, const char *const *titles, FILE *file)
{
	fputs("<div class=wide><table>", file);
	if (caption != NULL) {
		fprintf(file, "<caption>%s</caption>", caption);
	}
	fputs("<thead><tr>", file);
	for (; *titles != NULL; titles++) {
		fprintf(file, "<th scope=col>%s</th>", *titles);
	}
	fputs("</tr></thead><tbody>\n", file);
}

static void end_table(FILE *file)
{
	fputs("</tbody></table></div>\n", file);
}

/* --- roles and keys of somebody --------------------------------------------------------------- */

static void put_assignments(const json_t *list, FILE *file)
{
	static const char *const titles[] = { "Role", "Places", "Since", "Ends", "Notes", NULL };
	const json_t *item;
	size_t i;

	if (json_array_size(list) == 0) {
		return;
	}
	begin_table("Roles", titles, file);
	json_array_foreach(list, i, item)
	{
		fputs("<tr>", file);
		put_cell(review_text(item, "role"), file);
		put_tags(json_object_get(item, "at"), "", "everywhere", file);
		put_time(item, "created_at", "", file);
		put_time(item, "until", "never", file);
		put_notes(review_assignment_notes(item), "warn", file);
		fputs("</tr>\n", file);
	}
	end_table(file);
}

static bool holds(const json_t *list, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0) {
			return true;
		}
	}
	return false;
}

static void put_scopes(const json_t *key, FILE *file)
{
	const json_t *scopes = json_object_get(key, "scopes");
	const json_t *item;
	size_t i;

	fputs("<td>", file);
	if (json_array_size(scopes) == 0) {
		fputs("not narrowed", file);
	}
	json_array_foreach(scopes, i, item)
	{
		const char *scope = json_is_string(item) ? json_string_value(item) : "";
		bool unused = holds(json_object_get(key, "unused_scopes"), scope);

		put_tag(unused ? "unused" : "", scope, file);
		fputs(unused ? "<span class=soft>unused</span> " : "", file);
	}
	fputs("</td>", file);
}

static void put_key(const json_t *key, bool find, FILE *file)
{
	fputs(find ? "<tr data-find>" : "<tr>", file);
	put_code(review_text(key, "id"), file);
	put_cell(review_text(key, "name"), file);
	put_cell(review_text(key, "status"), file);
	put_scopes(key, file);
	put_tags(json_object_get(key, "at"), "", "everywhere", file);
	put_time(key, "created_at", "", file);
	put_time(key, "expires_at", "never", file);
	put_time(key, "last_used_at", "never", file);
	put_notes(review_key_notes(key), "warn", file);
	fputs("</tr>\n", file);
}

/* find: the search looks at each line of it. */
static void put_keys(const json_t *list, bool find, FILE *file)
{
	static const char *const titles[] = { "Key", "Name", "Status", "Scopes", "Places",
		"Created", "Expires", "Last used", "Notes", NULL };
	const json_t *key;
	size_t i;

	if (json_array_size(list) == 0) {
		return;
	}
	begin_table(find ? NULL : "Keys", titles, file);
	json_array_foreach(list, i, key)
	{
		put_key(key, find, file);
	}
	end_table(file);
}

static void put_principal(const json_t *principal, bool with_tenant, FILE *file)
{
	const json_t *roles = json_object_get(principal, "assignments");
	const json_t *keys = json_object_get(principal, "keys");
	const char *used = review_text(principal, "last_used_at");
	const char *status = review_text(principal, "status");
	const json_t *item;
	size_t i;

	fputs("<details data-find><summary><b>", file);
	page_put_text(file, review_text(principal, "id"));
	fputs("</b><span>", file);
	page_put_text(file, review_text(principal, "name"));
	fputs("</span><span class=soft>", file);
	page_put_text(file, review_text(principal, "kind"));
	if (with_tenant) {
		fputs(" of ", file);
		page_put_text(file, review_text(principal, "tenant"));
	}
	fputs("</span><span>", file);
	if (status[0] != '\0' && strcmp(status, "active") != 0) {
		put_tag("warn", status, file);
	}
	json_array_foreach(roles, i, item)
	{
		put_tag("", review_text(item, "role"), file);
	}
	fprintf(file, "</span><span class=soft>%zu %s, ", json_array_size(keys),
		json_array_size(keys) == 1 ? "key" : "keys");
	fprintf(file, used[0] != '\0' ? "last used %.10s" : "never used", used);
	fputs("</span></summary><div>\n", file);
	put_assignments(roles, file);
	put_keys(keys, false, file);
	if (json_array_size(roles) == 0 && json_array_size(keys) == 0) {
		fputs("<p>Holds no role and no key.</p>\n", file);
	}
	fputs("</div></details>\n", file);
}

/* --- roles and changes ------------------------------------------------------------------------ */

static void put_roles(const json_t *list, FILE *file)
{
	static const char *const titles[] = { "Role", "Description", "Inherits", "Source",
		"Holders", NULL };
	const json_t *role;
	size_t i;

	begin_table(NULL, titles, file);
	json_array_foreach(list, i, role)
	{
		fputs("<tr data-find>", file);
		put_cell(review_text(role, "name"), file);
		put_cell(review_text(role, "description"), file);
		put_tags(json_object_get(role, "inherits"), "", "", file);
		put_cell(json_is_true(json_object_get(role, "declared"))   ? "policy"
			 : json_is_true(json_object_get(role, "shadowed")) ? "store, shadowed"
									   : "store",
			file);
		fprintf(file, "<td>%lld</td></tr>\n",
			(long long)json_integer_value(json_object_get(role, "holders")));
	}
	end_table(file);
}

static void put_changes(const json_t *list, FILE *file)
{
	static const char *const titles[] = { "Record", "Time", "Actor", "Action", "Target",
		"Change", NULL };
	const json_t *change;
	size_t i;

	begin_table(NULL, titles, file);
	json_array_foreach(list, i, change)
	{
		fprintf(file, "<tr data-find><td>%lld</td>",
			(long long)json_integer_value(json_object_get(change, "sequence")));
		put_time(change, "time", "", file);
		put_cell(review_text(change, "actor"), file);
		put_cell(review_text(change, "action"), file);
		put_cell(review_text(change, "target"), file);
		put_notes(review_change_notes(change), "", file);
		fputs("</tr>\n", file);
	}
	end_table(file);
}

/* --- the page --------------------------------------------------------------------------------- */

static void put_card(const json_t *review, const char *array, const char *title, FILE *file)
{
	fprintf(file, "<li><b>%zu</b>%s</li>\n", json_array_size(json_object_get(review, array)),
		title);
}

static void put_header(const json_t *review, FILE *file)
{
	const char *revision = review_text(review, "revision");

	fputs("<header><h1>Access review</h1><p class=soft>Tenant ", file);
	page_put_text(file, review_text(review, "tenant"));
	fprintf(file, ", made at %s", review_text(review, "made_at"));
	if (revision[0] != '\0') {
		fputs(", policy revision ", file);
		page_put_text(file, revision);
	}
	fprintf(file, ". Changes since %s. All times are in UTC.</p></header>\n<ul class=cards>\n",
		review_text(review, "since"));
	put_card(review, "principals", "principals", file);
	put_card(review, "keys", "keys of no principal", file);
	put_card(review, "roles", "roles", file);
	put_card(review, "changes", "changes", file);
	fputs("</ul>\n<p class=search><label for=search>Search</label><br>"
	      "<input id=search type=search autocomplete=off> "
	      "<span id=found class=soft role=status></span></p>\n",
		file);
}

void review_put_html(const json_t *review, FILE *file)
{
	const json_t *principals = json_object_get(review, "principals");
	const json_t *everyone = json_object_get(review, "everyone");
	bool with_tenant = strcmp(review_text(review, "tenant"), "*") == 0;
	const json_t *principal;
	size_t i;

	page_put_part(file, page_review.to_title);
	fputs("Access review of ", file);
	page_put_text(file, review_text(review, "tenant"));
	page_put_part(file, page_review.to_data);
	put_header(review, file);
	fputs("<main>", file);
	if (json_array_size(everyone) > 0) {
		fputs("<h2>Everyone</h2>\n", file);
	}
	json_array_foreach(everyone, i, principal)
	{
		put_principal(principal, with_tenant, file);
	}
	fputs("<h2>Principals</h2>\n", file);
	json_array_foreach(principals, i, principal)
	{
		put_principal(principal, with_tenant, file);
	}
	fputs("<h2>Keys of no principal</h2>\n", file);
	if (json_array_size(json_object_get(review, "keys")) == 0) {
		fputs("<p>None.</p>\n", file);
	}
	put_keys(json_object_get(review, "keys"), true, file);
	fputs("<h2>Roles</h2>\n", file);
	put_roles(json_object_get(review, "roles"), file);
	fputs("<h2>Changes in the audit trail</h2>\n", file);
	put_changes(json_object_get(review, "changes"), file);
	fputs("</main>\n", file);
	page_put_part(file, page_review.to_end);
}
