/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/live.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/stored.h"
#include "policy/text/timetext.h"
#include "tools/live_internal.h"
#include "tools/record.h"
#include "tools/text.h"

/* --- lists of the daemon ---------------------------------------------------------------------- */

static bool on_item(void *context, struct wire_cursor item)
{
	struct live *live = context;

	app_append(live->app, live->listed, document_wire(item));
	return true;
}

static int on_page(void *context, struct wire_cursor result)
{
	record_each(result, "items", on_item, context);
	return EXIT_YES;
}

static int fill(void *context, struct params *params)
{
	const struct live *live = context;

	if (live->tenant != NULL) {
		params_text(params, "tenant", live->tenant);
	}
	if (live->principal != NULL) {
		params_text(params, "principal", live->principal);
	}
	if (live->holder != POL_HOLDER_SUBJECT) {
		params_bool(params, pol_terms_holder(live->holder), true);
	}
	return EXIT_YES;
}

/* The items of a list, as an array that the caller decrefs. */
static int list(struct live *live, const char *method, const char *what, json_t **out)
{
	const struct pages pages = { method, fill, on_page, live, what };

	live->listed = json_array();
	*out = live->listed;
	return rpc_pages(live->app, &pages);
}

/* --- roles of the store ----------------------------------------------------------------------- */

const char *live_text(const json_t *item, const char *name)
{
	const char *text = json_string_value(json_object_get(item, name));

	return text != NULL ? text : "";
}

static bool is_declared(const json_t *item)
{
	return json_is_true(json_object_get(item, "declared"));
}

static int list_roles(struct live *live)
{
	json_t *all;
	int status = list(live, "roles.list", "roles", &all);

	for (size_t i = 0; status == EXIT_YES && i < json_array_size(all); i++) {
		json_t *item = json_array_get(all, i);

		if (!is_declared(item)) {
			json_array_append(live->roles, item);
			json_object_set_new(live->numbers, live_text(item, "name"),
				json_integer((json_int_t)json_array_size(live->roles)));
		}
	}
	json_decref(all);
	return status;
}

static enum pol_status compare_roles(struct live *live)
{
	enum pol_status status = POL_OK;

	for (size_t i = 0; status == POL_OK && i < json_array_size(live->roles); i++) {
		uint32_t numbers[2], members[2];
		struct pol_difference difference;
		const char *name = live_text(json_array_get(live->roles, i), "name");

		for (int side = 0; side < 2; side++) {
			numbers[side] = pol_stored_find(live->sides[side], i + 1, LIVE_TENANT);
		}
		status = pol_compare_roles(live->compare, numbers[0], numbers[1], &difference);
		difference.name = pol_str_of(name);
		if (status == POL_OK && difference.count > 0) {
			differences_show(live->differences, &difference);
		}
		if (pol_stored_breaches(live->sides[1], numbers[1], members) &&
			!pol_stored_breaches(live->sides[0], numbers[0], members)) {
			live_add_exclusive(live, "role", name, members);
		}
	}
	return status;
}

void live_add_exclusive(
	struct live *live, const char *holder, const char *id, const uint32_t members[2])
{
	const struct pol_snapshot *after = live->sides[1];
	const char *both = app_text(live->app, "%.*s, %.*s",
		POL_STR_ARGS(pol_snapshot_role_name(after, members[0])),
		POL_STR_ARGS(pol_snapshot_role_name(after, members[1])));

	json_array_append_new(live->found->exclusive.items,
		json_pack("{s:s, s:s}", holder, id, "exclusive", both));
}

/* --- one tenant ------------------------------------------------------------------------------- */

static int fail(struct live *live, enum pol_status status)
{
	return status == POL_EINVALID
		       ? app_fail(live->app, EXIT_NO, "invalid_policy",
				 "roles of the store inherit in a circle, tenant '%s'",
				 live->tenant)
		       : app_fail(live->app, EXIT_DAEMON, "internal", "out of memory");
}

/* What all are assigned. It is compared by itself, and then with what each principal and key has.
 */
static int look_at_all(struct live *live)
{
	int status = EXIT_YES;

	for (int i = POL_HOLDER_EVERYONE; status == EXIT_YES && i < POL_HOLDERS; i++) {
		live->holder = (enum pol_holder)i;
		status = list(live, "assignments.list", "assignments", &live->all[i]);
	}
	live->holder = POL_HOLDER_SUBJECT;
	for (int i = POL_HOLDER_EVERYONE; status == EXIT_YES && i < POL_HOLDERS; i++) {
		enum pol_status compared = live_compare_all(live, (enum pol_holder)i);

		status = compared == POL_OK ? EXIT_YES : fail(live, compared);
	}
	return status;
}

static int look_at_principals(struct live *live)
{
	json_t *all;
	int status = list(live, "principals.list", "principals", &all);

	for (size_t i = 0; status == EXIT_YES && i < json_array_size(all); i++) {
		const json_t *item = json_array_get(all, i);
		enum pol_status compared;
		json_t *held;

		live->principal = live_text(item, "id");
		/* What the files declare was compared with them. */
		if (is_declared(item)) {
			continue;
		}
		status = list(live, "assignments.list", "assignments", &held);
		json_object_set_new(live->held, live->principal, held);
		json_object_set(live->records, live->principal, json_array_get(all, i));
		if (status != EXIT_YES) {
			break;
		}
		compared = live_compare_principal(live, live->principal, held);
		status = compared == POL_OK ? EXIT_YES : fail(live, compared);
	}
	live->principal = NULL;
	json_decref(all);
	return status;
}

static int look_at_keys(struct live *live)
{
	json_t *all;
	int status = list(live, "keys.list", "keys", &all);

	for (size_t i = 0; status == EXIT_YES && i < json_array_size(all); i++) {
		enum pol_status compared = live_compare_key(live, json_array_get(all, i));

		status = compared == POL_OK ? EXIT_YES : fail(live, compared);
	}
	json_decref(all);
	return status;
}

int live_extend(struct live *live)
{
	enum pol_status extended;
	int status = list_roles(live);

	if (status != EXIT_YES) {
		return status;
	}
	extended = live_roles_extend(live);
	return extended == POL_OK ? EXIT_YES : fail(live, extended);
}

static int look_at_tenant(struct live *live)
{
	enum pol_status compared = POL_OK;
	int status = live_extend(live);

	if (status == EXIT_YES) {
		compared = pol_compare_open(live->sides[0], live->sides[1], &live->compare);
	}
	if (status == EXIT_YES && compared == POL_OK) {
		compared = compare_roles(live);
	}
	if (status == EXIT_YES) {
		status = compared == POL_OK ? look_at_all(live) : fail(live, compared);
	}
	if (status == EXIT_YES) {
		status = look_at_principals(live);
	}
	return status == EXIT_YES ? look_at_keys(live) : status;
}

static int compare_tenant(struct live *live, const char *tenant)
{
	int status;

	live->tenant = tenant;
	live->roles = json_array();
	live->numbers = json_object();
	live->held = json_object();
	live->records = json_object();
	live->differences->tenant = tenant;
	status = look_at_tenant(live);
	pol_compare_close(live->compare);
	live->compare = NULL;
	for (int side = 0; side < 2; side++) {
		pol_snapshot_unref(live->sides[side]);
		live->sides[side] = NULL;
	}
	for (int i = 0; i < POL_HOLDERS; i++) {
		json_decref(live->all[i]);
		live->all[i] = NULL;
	}
	json_decref(live->records);
	json_decref(live->held);
	json_decref(live->numbers);
	json_decref(live->roles);
	live->differences->tenant = NULL;
	return status;
}

/* --- all -------------------------------------------------------------------------------------- */

/* What only the policy after lacks. */
static int find_dangling(struct live *live)
{
	struct app *app = live->app;
	struct dangling_found *out = &live->found->dangling;
	struct dangling_found before = { 0 }, after = { 0 };
	json_t *known = json_object();
	int status = dangling_against(app, &live->policies[0], &before);

	if (status == EXIT_YES) {
		status = dangling_against(app, &live->policies[1], &after);
	}
	for (size_t i = 0; i < json_array_size(before.items); i++) {
		char *text = json_dumps(json_array_get(before.items, i), JSON_COMPACT);

		json_object_set_new(known, text != NULL ? text : "", json_true());
		free(text);
	}
	out->items = json_array();
	out->conflicts = after.conflicts;
	for (size_t i = 0; i < json_array_size(after.items); i++) {
		json_t *item = json_array_get(after.items, i);
		char *text = json_dumps(item, JSON_COMPACT);

		/* Who would hold roles that exclude each other is in a list of its own. */
		if (text != NULL && json_object_get(known, text) == NULL &&
			json_object_get(item, "exclusive") == NULL) {
			json_array_append(out->items, item);
			out->total++;
		}
		free(text);
	}
	json_decref(known);
	json_decref(before.items);
	json_decref(after.items);
	return status;
}

/* Warns if the daemon runs another policy than the one before. */
static int check_revision(struct live *live)
{
	struct app *app = live->app;
	struct wire_cursor answer;
	struct params params;
	int status;

	params_begin(&params);
	status = rpc_call(app, "policy.status", &params, &answer);
	if (status != EXIT_YES) {
		return status;
	}
	live->found->running = record_text(&app->arena, answer, "revision");
	if (strcmp(live->found->running, pol_snapshot_revision(live->policies[0].snapshot)) != 0) {
		app_warn(app,
			"the daemon runs revision %s, and OLD is %s: the store is compared as if "
			"the daemon ran OLD",
			live->found->running, pol_snapshot_revision(live->policies[0].snapshot));
	}
	return EXIT_YES;
}

int live_compare(struct app *app, const struct policy policies[2], struct differences *differences,
	struct live_found *out)
{
	struct live live = {
		.app = app, .policies = policies, .differences = differences, .found = out
	};
	json_t *tenants;
	int status;

	*out = (struct live_found){ .exclusive = { .items = json_array() }, .running = "" };
	status = check_revision(&live);
	if (status != EXIT_YES) {
		return status;
	}
	status = list(&live, "tenants.list", "tenants", &tenants);
	for (size_t i = 0; status == EXIT_YES && i < json_array_size(tenants); i++) {
		/* It is shown after the list is gone. */
		status = compare_tenant(
			&live, app_text(app, "%s", live_text(json_array_get(tenants, i), "id")));
	}
	json_decref(tenants);
	return status == EXIT_YES ? find_dangling(&live) : status;
}

void live_finish(struct live_found *found)
{
	json_decref(found->dangling.items);
	json_decref(found->exclusive.items);
}

void live_show(const struct differences *differences, const struct live_found *found)
{
	bool fenced = differences->form == DIFFERENCES_MARKDOWN;

	if (json_array_size(found->exclusive.items) + json_array_size(found->dangling.items) == 0) {
		return;
	}
	puts(fenced ? "\n```" : "");
	dangling_show(differences->app, &found->exclusive);
	dangling_show(differences->app, &found->dangling);
	if (fenced) {
		puts("```");
	}
}
