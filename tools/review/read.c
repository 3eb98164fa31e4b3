/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/text/terms.h"
#include "policy/text/timetext.h"
#include "tools/record.h"
#include "tools/review/review.h"
#include "tools/rpc.h"
#include "tools/when.h"

/* Changes of one review; about a kilobyte of memory each. */
#define MAX_CHANGES 100000

/* Without --since: a quarter of a year, the usual time between two reviews. */
#define DEFAULT_SINCE (INT64_C(90) * 86400)

struct reading {
	struct app *app;
	json_t *review;
	/* By TENANT/ID and TENANT/NAME, neither part of which has a slash; the tenant of a role of
	 * the files is empty. */
	json_t *principals;
	json_t *roles;
	json_t *keys;       /* by id */
	json_t *tenants;    /* with --tenant '*': the ids of all */
	const char *tenant; /* that is read now; NULL: the caller's own */
	json_t *holder;     /* whose assignments are read now */
	const char *all;    /* "everyone" or "anyone": theirs; NULL: a principal's */
	int64_t since;
};

const char *review_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static const char *address(struct app *app, const json_t *item, const char *name)
{
	return app_text(app, "%s/%s", review_text(item, "tenant"), review_text(item, name));
}

/* --- lists ------------------------------------------------------------------------------------ */

/* One list of the daemon: take(reading, item) borrows each item. */
struct source {
	struct reading *reading;
	bool of_holder; /* the assignments of one principal, or of all */
	bool with_since;
	bool (*take)(struct reading *reading, json_t *item);
};

static int fill(void *context, struct params *params)
{
	const struct source *source = context;

	if (source->reading->tenant != NULL) {
		params_text(params, "tenant", source->reading->tenant);
	}
	if (source->of_holder && source->reading->all != NULL) {
		params_bool(params, source->reading->all, true);
	} else if (source->of_holder) {
		params_text(params, "principal", review_text(source->reading->holder, "id"));
	}
	if (source->with_since) {
		params_int(params, "since", source->reading->since);
	}
	return EXIT_YES;
}

static int on_page(void *context, struct wire_cursor result)
{
	const struct source *source = context;
	struct app *app = source->reading->app;
	json_t *page = document_wire(result);
	const json_t *items = json_object_get(page, "items");
	json_t *item;
	size_t i;
	bool taken = page != NULL;

	json_array_foreach(items, i, item)
	{
		taken = taken && source->take(source->reading, item);
	}
	json_decref(page);
	if (!taken && !app->failed) {
		return app_fail(app, EXIT_DAEMON, "internal", "out of memory");
	}
	return taken ? EXIT_YES : EXIT_USAGE;
}

static int read_list(struct source *source, const char *method, const char *what)
{
	const struct pages pages = { method, fill, on_page, source, what };

	return rpc_pages(source->reading->app, &pages);
}

/* --- what is taken from them ------------------------------------------------------------------ */

static bool append(json_t *object, const char *array, json_t *item)
{
	return json_array_append(json_object_get(object, array), item) == 0;
}

static bool take_principal(struct reading *reading, json_t *item)
{
	return json_object_set_new(item, "assignments", json_array()) == 0 &&
	       json_object_set_new(item, "keys", json_array()) == 0 &&
	       json_object_set(reading->principals, address(reading->app, item, "id"), item) == 0 &&
	       append(reading->review, "principals", item);
}

/* The role that an assignment of the holder names: of the store, or of the files. */
static json_t *role_of(const struct reading *reading, const json_t *assignment)
{
	const char *name = review_text(assignment, "role");
	json_t *role = json_object_get(reading->roles,
		app_text(reading->app, "%s/%s", review_text(reading->holder, "tenant"), name));

	return role != NULL ? role
			    : json_object_get(reading->roles, app_text(reading->app, "/%s", name));
}

static bool take_assignment(struct reading *reading, json_t *item)
{
	json_t *role = role_of(reading, item);
	json_int_t holders = json_integer_value(json_object_get(role, "holders"));

	/* A role that was made or removed meanwhile is not among them. */
	if (role != NULL && json_object_set_new(role, "holders", json_integer(holders + 1)) != 0) {
		return false;
	}
	return append(reading->holder, "assignments", item);
}

static bool take_role(struct reading *reading, json_t *item)
{
	return json_object_set_new(item, "holders", json_integer(0)) == 0 &&
	       json_object_set(reading->roles, address(reading->app, item, "name"), item) == 0 &&
	       append(reading->review, "roles", item);
}

static bool take_key(struct reading *reading, json_t *item)
{
	const char *holder = review_text(item, "principal");
	const char *used = review_text(item, "last_used_at");
	json_t *principal = holder[0] == '\0' ? NULL
					      : json_object_get(reading->principals,
							address(reading->app, item, "principal"));

	if (json_object_set(reading->keys, review_text(item, "id"), item) != 0) {
		return false;
	}
	/* The daemon compares the scopes of keys that were used. */
	if (used[0] == '\0' && json_array_size(json_object_get(item, "scopes")) > 0 &&
		json_object_set(item, "unused_scopes", json_object_get(item, "scopes")) != 0) {
		return false;
	}
	if (principal == NULL) {
		return append(reading->review, "keys", item);
	}
	/* Times in UTC are ordered as their texts are. */
	if (strcmp(used, review_text(principal, "last_used_at")) > 0 &&
		json_object_set_new(principal, "last_used_at", json_string(used)) != 0) {
		return false;
	}
	return append(principal, "keys", item);
}

static bool take_finding(struct reading *reading, json_t *item)
{
	json_t *key = json_object_get(reading->keys, review_text(item, "id"));

	return key == NULL || json_object_update_missing(key, item) == 0;
}

static bool take_change(struct reading *reading, json_t *item)
{
	if (json_array_size(json_object_get(reading->review, "changes")) == MAX_CHANGES) {
		app_fail(reading->app, EXIT_USAGE, "usage",
			"more than %d changes: choose a later --since", MAX_CHANGES);
		return false;
	}
	return append(reading->review, "changes", item);
}

/* --- one tenant ------------------------------------------------------------------------------- */

/* The daemon lists those of one principal or one role. `first` is the tenant's first principal. */
static int read_assignments(struct reading *reading, size_t first)
{
	const json_t *principals = json_object_get(reading->review, "principals");
	int status = EXIT_YES;

	for (size_t i = first; status == EXIT_YES && i < json_array_size(principals); i++) {
		struct source source = {
			.reading = reading, .of_holder = true, .take = take_assignment
		};

		reading->holder = json_array_get(principals, i);
		status = read_list(&source, "assignments.list", NULL);
	}
	return status;
}

/* What every principal, and every caller, of the tenant holds: in the form of a principal. */
static int read_all(struct reading *reading)
{
	int status = EXIT_YES;

	for (int i = POL_HOLDER_EVERYONE; status == EXIT_YES && i < POL_HOLDERS; i++) {
		struct source source = {
			.reading = reading, .of_holder = true, .take = take_assignment
		};
		const char *word = pol_terms_holder((enum pol_holder)i);

		reading->all = word;
		reading->holder = json_pack("{s:s, s:s, s:s, s:s, s:[], s:[]}", "id",
			i == POL_HOLDER_EVERYONE ? "every principal" : "every caller", "kind", word,
			"tenant", reading->tenant != NULL ? reading->tenant : "default", "status",
			"active", "assignments", "keys");
		status = read_list(&source, "assignments.list", NULL);
		if (json_array_size(json_object_get(reading->holder, "assignments")) > 0) {
			append(reading->review, "everyone", reading->holder);
		}
		json_decref(reading->holder);
	}
	reading->holder = NULL;
	reading->all = NULL;
	return status;
}

static int read_tenant(struct reading *reading)
{
	static const struct {
		const char *method, *what;
		bool (*take)(struct reading *reading, json_t *item);
	} lists[] = {
		{ "principals.list", "principals", take_principal },
		{ "roles.list", "roles", take_role },
		{ "keys.list", "keys", take_key },
		{ "keys.audit", "keys", take_finding },
	};
	size_t first = json_array_size(json_object_get(reading->review, "principals"));
	int status = EXIT_YES;

	for (size_t i = 0; status == EXIT_YES && i < sizeof lists / sizeof lists[0]; i++) {
		struct source source = { .reading = reading, .take = lists[i].take };

		status = read_list(&source, lists[i].method, lists[i].what);
	}
	if (status == EXIT_YES) {
		status = read_all(reading);
	}
	return status == EXIT_YES ? read_assignments(reading, first) : status;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool take_tenant(struct reading *reading, json_t *item)
{
	return json_array_append(reading->tenants, json_object_get(item, "id")) == 0;
}

static int read_changes(struct reading *reading)
{
	struct source source = { .reading = reading, .with_since = true, .take = take_change };

	return read_list(&source, "audit.list", "changes");
}

/* All tenants have one trail, which also has what belongs to none of them. */
static int read_tenants(struct reading *reading)
{
	struct source source = { .reading = reading, .take = take_tenant };
	const json_t *tenant;
	size_t i;
	int status;

	reading->tenants = json_array();
	status = read_list(&source, "tenants.list", "tenants");
	json_array_foreach(reading->tenants, i, tenant)
	{
		reading->tenant = json_string_value(tenant);
		status = status == EXIT_YES ? read_tenant(reading) : status;
	}
	reading->tenant = NULL;
	return status == EXIT_YES ? read_changes(reading) : status;
}

static int read_lists(struct reading *reading)
{
	int status;

	if (record_all_tenants(reading->app)) {
		return read_tenants(reading);
	}
	reading->tenant = reading->app->args.values[FLAG_TENANT];
	status = read_tenant(reading);
	return status == EXIT_YES ? read_changes(reading) : status;
}

static int read_revision(struct reading *reading)
{
	struct app *app = reading->app;
	struct wire_cursor result;
	struct params params;
	json_t *policy;
	int status;

	if (app->token_len > 0) {
		return EXIT_YES;
	}
	params_begin(&params);
	status = rpc_call(app, "policy.status", &params, &result);
	if (status == EXIT_YES) {
		policy = document_wire(result);
		json_object_set(reading->review, "revision", json_object_get(policy, "revision"));
		json_decref(policy);
	}
	return status;
}

static int compare_principals(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a;
	const json_t *y = *(json_t *const *)b;
	int order = strcmp(review_text(x, "tenant"), review_text(y, "tenant"));

	return order != 0 ? order : strcmp(review_text(x, "id"), review_text(y, "id"));
}

/* Those of the files come last in the daemon's list. */
static void sort_principals(struct reading *reading)
{
	json_t *principals = json_object_get(reading->review, "principals");
	size_t count = json_array_size(principals);
	json_t **items = pol_arena_alloc(&reading->app->arena, count, sizeof *items);

	if (items == NULL) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		items[i] = json_incref(json_array_get(principals, i));
	}
	qsort(items, count, sizeof *items, compare_principals);
	for (size_t i = 0; i < count; i++) {
		json_array_set_new(principals, i, items[i]);
	}
}

static json_t *time_value(int64_t time)
{
	char text[POL_TIME_TEXT];

	return pol_timetext_format(time, text) == POL_OK ? json_string(text) : json_null();
}

static json_t *begin(const struct reading *reading)
{
	const char *tenant = reading->app->args.values[FLAG_TENANT];

	return json_pack("{s:s, s:o, s:o, s:[], s:[], s:[], s:[], s:[]}", "tenant",
		tenant != NULL ? tenant : "default", "made_at", time_value(reading->app->now),
		"since", time_value(reading->since), "everyone", "principals", "keys", "roles",
		"changes");
}

int review_read(struct app *app, json_t **out)
{
	struct reading reading = { .app = app, .since = app->now - DEFAULT_SINCE };
	int status = EXIT_YES;

	if (app->args.given[FLAG_SINCE]) {
		status = when_option(app, FLAG_SINCE, WHEN_AGO, &reading.since);
	}
	if (status != EXIT_YES) {
		return status;
	}
	reading.principals = json_object();
	reading.keys = json_object();
	reading.roles = json_object();
	reading.review = begin(&reading);
	status = reading.review != NULL ? read_revision(&reading)
					: app_fail(app, EXIT_DAEMON, "internal", "out of memory");
	if (status == EXIT_YES) {
		status = read_lists(&reading);
	}
	json_decref(reading.tenants);
	json_decref(reading.principals);
	json_decref(reading.keys);
	json_decref(reading.roles);
	if (status != EXIT_YES) {
		json_decref(reading.review);
		return status;
	}
	sort_principals(&reading);
	*out = reading.review;
	return EXIT_YES;
}
