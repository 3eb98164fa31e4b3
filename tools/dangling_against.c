/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "policy/snapshot/condition.h"
#include "policy/snapshot/given.h"
#include "policy/snapshot/stored.h"
#include "policy/text/terms.h"
#include "tools/dangling.h"
#include "tools/document.h"
#include "tools/record.h"

/* What is asked of the daemon, and where it goes. */
struct against {
	struct app *app;
	const struct pol_snapshot *snapshot;
	struct dangling_found *found;
	const char *tenant;
	json_t *tenants;        /* names, in an array */
	json_t *roles;          /* of the store, in this tenant: by name, what each inherits */
	json_t *principals;     /* the same tenant's: ids */
	const char *principal;  /* whose assignments are listed; NULL: another list */
	enum pol_holder holder; /* or those of all; zero: another list */
	json_t *held;           /* names of that principal's roles */
	int64_t now;
	void (*seen)(struct against *against, struct wire_cursor item);
};

static json_t *json_of(struct pol_str text)
{
	return json_stringn(text.ptr != NULL ? text.ptr : "", text.len);
}

static void report(struct against *against, const char *holder, struct pol_str id, const char *what,
	struct pol_str name)
{
	/* Two equal keys cannot be in one object; a role that inherits is `role` and `inherits`. */
	json_t *item = json_object();

	json_object_set_new(item, holder, json_of(id));
	json_object_set_new(item, what, json_of(name));
	json_array_append_new(against->found->items, item);
	against->found->total++;
}

static bool is_role(const struct against *against, struct pol_str name)
{
	const char *text;

	if (pol_snapshot_role(against->snapshot, name) != POL_NONE) {
		return true;
	}
	text = app_text(against->app, "%.*s", POL_STR_ARGS(name));
	return json_object_get(against->roles, text) != NULL;
}

/* --- roles that exclude each other ------------------------------------------------------------ */

/* Adds the numbers of the policy's roles that a role is or, as one of the store, inherits. `seen`
 * has the roles that were visited. */
static void expand(const struct against *against, const char *name, json_t *seen, json_t *out)
{
	uint32_t number = pol_snapshot_role(against->snapshot, pol_str_of(name));
	const json_t *parents = json_object_get(against->roles, name);

	if (json_object_get(seen, name) != NULL) {
		return;
	}
	json_object_set_new(seen, name, json_true());
	if (number != POL_NONE) {
		json_array_append_new(out, json_integer(number));
		return;
	}
	for (size_t i = 0; i < json_array_size(parents); i++) {
		expand(against, json_string_value(json_array_get(parents, i)), seen, out);
	}
}

/* The caller decrefs it. */
static json_t *expanded(const struct against *against, const char *name)
{
	json_t *seen = json_object(), *numbers = json_array();

	expand(against, name, seen, numbers);
	json_decref(seen);
	return numbers;
}

static bool exclude(const struct against *against, const char *a, const char *b)
{
	json_t *left = expanded(against, a), *right = expanded(against, b);
	bool found = false;

	for (size_t i = 0; i < json_array_size(left); i++) {
		for (size_t k = 0; k < json_array_size(right); k++) {
			uint32_t one = (uint32_t)json_integer_value(json_array_get(left, i));
			uint32_t other = (uint32_t)json_integer_value(json_array_get(right, k));

			found = found ||
				pol_snapshot_exclusive(against->snapshot, one, other) != POL_NONE;
		}
	}
	json_decref(left);
	json_decref(right);
	return found;
}

/* Is the role, or one that it inherits, in an exclusive set? */
static bool is_member(const struct against *against, const char *name)
{
	json_t *roles = expanded(against, name);
	bool found = false;

	for (size_t i = 0; i < json_array_size(roles); i++) {
		found = found || pol_snapshot_is_exclusive(against->snapshot,
					 (uint32_t)json_integer_value(json_array_get(roles, i)));
	}
	json_decref(roles);
	return found;
}

static void check_exclusive(
	struct against *against, const char *holder, struct pol_str id, const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		for (size_t k = 0; k < i; k++) {
			const char *first = json_string_value(json_array_get(names, k));
			const char *second = json_string_value(json_array_get(names, i));

			if (exclude(against, first, second)) {
				report(against, holder, id, "exclusive",
					pol_str_of(
						app_text(against->app, "%s, %s", first, second)));
			}
		}
	}
}

static bool on_name(void *context, struct wire_cursor item)
{
	struct wire_str text;

	if (wire_read_text(&item, &text)) {
		json_array_append_new(context, json_of((struct pol_str){ text.ptr, text.len }));
	}
	return true;
}

/* The texts of a list in an answer. The caller decrefs it. */
static json_t *names_of(struct wire_cursor item, const char *list)
{
	json_t *names = json_array();

	record_each(item, list, on_name, names);
	return names;
}

/* --- what is listed --------------------------------------------------------------------------- */

/* The items of a list of texts. */
struct texts {
	struct against *against;
	const char *holder;
	struct pol_str id;
};

static bool on_role_name(void *context, struct wire_cursor item)
{
	struct texts *texts = context;
	struct wire_str text;

	if (wire_read_text(&item, &text) &&
		!is_role(texts->against, (struct pol_str){ text.ptr, text.len })) {
		report(texts->against, texts->holder, texts->id,
			strcmp(texts->holder, "role") == 0 ? "inherits" : "role",
			(struct pol_str){ text.ptr, text.len });
	}
	return true;
}

static bool on_scope_name(void *context, struct wire_cursor item)
{
	struct texts *texts = context;
	struct wire_str text;

	if (wire_read_text(&item, &text) &&
		pol_snapshot_scope(texts->against->snapshot,
			(struct pol_str){ text.ptr, text.len }) == POL_NONE) {
		report(texts->against, texts->holder, texts->id, "scope",
			(struct pol_str){ text.ptr, text.len });
	}
	return true;
}

static bool on_place(void *context, struct wire_cursor item)
{
	struct texts *texts = context;
	struct wire_str text;

	if (wire_read_text(&item, &text) &&
		pol_snapshot_check_place(texts->against->snapshot,
			(struct pol_str){ text.ptr, text.len }) != POL_OK) {
		report(texts->against, texts->holder, texts->id, "at",
			(struct pol_str){ text.ptr, text.len });
	}
	return true;
}

static void see_tenant(struct against *against, struct wire_cursor item)
{
	json_array_append_new(against->tenants, json_of(record_str(item, "id")));
}

static void see_role_name(struct against *against, struct wire_cursor item)
{
	if (!record_bool(item, "declared", false)) {
		json_object_set_new(against->roles, record_text(&against->app->arena, item, "name"),
			names_of(item, "inherits"));
	}
}

static bool on_grant(void *context, struct wire_cursor item)
{
	struct texts *texts = context;
	struct pol_stored_fault fault;
	struct pol_stored *own = NULL;
	struct wire_str text;
	struct pol_str grant;

	if (!wire_read_text(&item, &text)) {
		return true;
	}
	grant = (struct pol_str){ text.ptr, text.len };
	if (pol_stored_text_parse(texts->against->snapshot, &grant, 1, &fault, &own) ==
		POL_EINVALID) {
		report(texts->against, "role", texts->id, "grant", grant);
	}
	pol_stored_unref(own);
	return true;
}

static void see_role(struct against *against, struct wire_cursor item)
{
	struct texts texts = { against, "role", record_str(item, "name") };

	if (record_bool(item, "declared", false)) {
		return;
	}
	if (pol_snapshot_role(against->snapshot, texts.id) != POL_NONE) {
		report(against, "role", texts.id, "shadowed_in", pol_str_of(against->tenant));
	}
	record_each(item, "inherits", on_role_name, &texts);
	record_each(item, "grants", on_grant, &texts);
	check_exclusive(against, "role", texts.id,
		json_object_get(against->roles, record_text(&against->app->arena, item, "name")));
}

/* An attribute that is not of the type that the policy declares is unknown. */
static void check_attributes(struct against *against, struct pol_str id, struct wire_cursor item)
{
	struct pol_str room[POL_GIVEN_MEMBERS];
	struct wire_cursor attributes;
	struct wire_str name, text;
	char why[POL_GIVEN_WHY];
	uint32_t pairs = 0;

	if (!record_find(item, "attributes", &attributes) || !wire_read_map(&attributes, &pairs)) {
		return;
	}
	while (pairs-- > 0 && wire_read_text(&attributes, &name) &&
		wire_read_text(&attributes, &text)) {
		struct pol_str attribute = { name.ptr, name.len };
		struct pol_given_fact given = { .fact = pol_given_attribute(
							against->snapshot, attribute) };

		if (given.fact != POL_NONE && given.fact >= POL_FACT_KNOWN &&
			pol_given_read_text(against->snapshot,
				(struct pol_str){ text.ptr, text.len }, room, &given,
				why) != POL_OK) {
			report(against, "principal", id, "attribute", attribute);
		}
	}
}

static void see_principal(struct against *against, struct wire_cursor item)
{
	struct pol_str id = record_str(item, "id");

	if (record_bool(item, "declared", false)) {
		return;
	}
	check_attributes(against, id, item);
	json_array_append_new(against->principals, json_of(id));
	if (strcmp(against->tenant, "default") != 0) {
		return;
	}
	for (uint32_t i = 0; i < pol_snapshot_principal_count(against->snapshot); i++) {
		if (pol_str_equal(pol_snapshot_principal_id(against->snapshot, i), id)) {
			report(against, "principal", id, "declared", pol_str_of(against->tenant));
			against->found->conflicts++;
		}
	}
}

static void see_assignment(struct against *against, struct wire_cursor item)
{
	const char *holder = against->holder != POL_HOLDER_SUBJECT
				     ? pol_terms_holder(against->holder)
				     : "principal";
	struct texts texts = { against, holder, record_str(item, "principal") };
	struct pol_str role = record_str(item, "role");
	int64_t until = record_int(item, "until", 0);

	if (record_bool(item, "declared", false) || (until != 0 && until <= against->now)) {
		return;
	}
	if (against->holder != POL_HOLDER_SUBJECT) {
		texts.id = pol_str_of(against->holder == POL_HOLDER_EVERYONE ? "every principal"
									     : "every caller");
	}
	json_array_append_new(against->held, json_of(role));
	if (!is_role(against, role)) {
		report(against, holder, texts.id, "role", role);
	}
	if (against->holder != POL_HOLDER_SUBJECT &&
		is_member(against, record_text(&against->app->arena, item, "role"))) {
		report(against, holder, texts.id, "exclusive_member", role);
	}
	record_each(item, "at", on_place, &texts);
}

static void see_key(struct against *against, struct wire_cursor item)
{
	struct texts texts = { against, "key", record_str(item, "id") };
	json_t *roles;

	if (pol_str_equal(record_str(item, "status"), POL_STR("revoked"))) {
		return;
	}
	roles = names_of(item, "roles");
	record_each(item, "roles", on_role_name, &texts);
	record_each(item, "scopes", on_scope_name, &texts);
	check_exclusive(against, "key", texts.id, roles);
	record_each(item, "at", on_place, &texts);
	json_decref(roles);
}

static bool on_listed(void *context, struct wire_cursor item)
{
	struct against *against = context;

	against->seen(against, item);
	return true;
}

static int on_page(void *context, struct wire_cursor result)
{
	record_each(result, "items", on_listed, context);
	return EXIT_YES;
}

static int fill(void *context, struct params *params)
{
	const struct against *against = context;

	if (against->tenant != NULL) {
		params_text(params, "tenant", against->tenant);
	}
	if (against->principal != NULL) {
		params_text(params, "principal", against->principal);
	}
	if (against->holder != POL_HOLDER_SUBJECT) {
		params_bool(params, pol_terms_holder(against->holder), true);
	}
	return EXIT_YES;
}

static int list(struct against *against, const char *method, const char *what,
	void (*seen)(struct against *against, struct wire_cursor item))
{
	const struct pages pages = { method, fill, on_page, against, what };

	against->seen = seen;
	return rpc_pages(against->app, &pages);
}

static int look_at_tenant(struct against *against)
{
	int status = list(against, "roles.list", "roles", see_role_name);

	if (status == EXIT_YES) {
		status = list(against, "roles.list", "roles", see_role);
	}
	for (int i = POL_HOLDER_EVERYONE; i < POL_HOLDERS && status == EXIT_YES; i++) {
		against->holder = (enum pol_holder)i;
		status = list(against, "assignments.list", "assignments", see_assignment);
	}
	against->holder = POL_HOLDER_SUBJECT;
	if (status == EXIT_YES) {
		status = list(against, "principals.list", "principals", see_principal);
	}
	for (size_t i = 0; i < json_array_size(against->principals) && status == EXIT_YES; i++) {
		against->principal = json_string_value(json_array_get(against->principals, i));
		json_array_clear(against->held);
		status = list(against, "assignments.list", "assignments", see_assignment);
		check_exclusive(
			against, "principal", pol_str_of(against->principal), against->held);
	}
	against->principal = NULL;
	return status == EXIT_YES ? list(against, "keys.list", "keys", see_key) : status;
}

int dangling_against(struct app *app, const struct policy *policy, struct dangling_found *out)
{
	struct against against = { .app = app,
		.snapshot = policy->snapshot,
		.found = out,
		.tenants = json_array(),
		.held = json_array(),
		.now = (int64_t)time(NULL) };
	int status;

	*out = (struct dangling_found){ .items = json_array() };
	status = list(&against, "tenants.list", "tenants", see_tenant);
	for (size_t i = 0; i < json_array_size(against.tenants) && status == EXIT_YES; i++) {
		against.tenant = json_string_value(json_array_get(against.tenants, i));
		against.roles = json_object();
		against.principals = json_array();
		status = look_at_tenant(&against);
		json_decref(against.principals);
		json_decref(against.roles);
	}
	json_decref(against.tenants);
	json_decref(against.held);
	return status;
}
