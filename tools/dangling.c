/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/dangling.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/snapshot/stored.h"
#include "policy/text/terms.h"
#include "tools/document.h"
#include "tools/record.h"
#include "tools/text.h"

/* The other lines of a name that is folded begin here. */
#define NAME_INDENT 6

static const char *const holders[] = { "principal", "key", "everyone", "anyone", "role" };

/* How a name is shown; each has two places for text. */
static const struct {
	const char *name;
	const char *before, *after;
} kinds[] = {
	{ "role", "holds role '", "', which the policy lacks" },
	{ "scope", "has scope '", "', which the policy lacks" },
	{ "at", "is limited to '", "', which the policy lacks" },
	{ "grant", "grants '", "', which the policy lacks" },
	{ "inherits", "inherits '", "', which the policy lacks" },
	{ "shadowed_in", "of tenant '", "' is shadowed by one of the policy" },
	{ "exclusive_member", "holds '", "', which is in an exclusive set" },
	{ "exclusive", "holds roles that exclude each other: '", "'" },
	{ "like", "differs from '", "' of the policy in case alone" },
	{ "declared", "is in the policy too, and in the store of tenant '", "'" },
};

/* "principal alice", "every principal". */
static const char *holder_text(struct app *app, const char *holder, struct pol_str id)
{
	const char *name = text_escape(&app->arena, id);

	return pol_terms_find_holder(pol_str_of(holder)) != POL_HOLDER_SUBJECT
		       ? name
		       : app_text(app, "%s %s", holder, name);
}

/* "principal alice holds role 'clerk', which the policy lacks"; NULL: another form. */
static const char *text_of(struct app *app, struct wire_cursor item)
{
	const char *holder = NULL;
	struct wire_cursor value;
	struct wire_str word;
	uint32_t pairs;

	/* The first pair is the holder, since `role` may also be what is held. */
	if (!wire_read_map(&item, &pairs) || pairs != 2 || !wire_read_text(&item, &word)) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++) {
		if (wire_str_equal(word, (struct wire_str){ holders[i], strlen(holders[i]) })) {
			holder = holders[i];
		}
	}
	value = item;
	if (holder == NULL || !wire_read_text(&value, &word)) {
		return NULL;
	}
	holder = holder_text(app, holder, (struct pol_str){ word.ptr, word.len });
	if (!wire_read_text(&value, &word)) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct wire_str name = word, text;

		if (wire_str_equal(
			    name, (struct wire_str){ kinds[i].name, strlen(kinds[i].name) }) &&
			wire_read_text(&value, &text)) {
			return app_text(app, "%s %s%s%s", holder, kinds[i].before,
				record_grant(app, (struct pol_str){ text.ptr, text.len }),
				kinds[i].after);
		}
	}
	return NULL;
}

struct printing {
	struct app *app;
	size_t count;
};

static bool on_item(void *context, struct wire_cursor item)
{
	struct printing *printing = context;
	const char *text = text_of(printing->app, item);

	if (text != NULL) {
		fputs("  ", stdout);
		text_fold(
			stdout, text, &(struct text_lines){ text_columns(stdout), 2, NAME_INDENT });
		putchar('\n');
		printing->count++;
	}
	return printing->count < DANGLING_SHOWN;
}

void dangling_print(struct app *app, struct wire_cursor answer)
{
	struct printing printing = { app, 0 };
	struct wire_cursor dangling;
	int64_t total;

	if (!record_find(answer, "dangling", &dangling)) {
		return;
	}
	total = record_int(dangling, "total", 0);
	if (total <= 0) {
		return;
	}
	printf("%s%" PRId64 " %s of the store %s not fit this policy%s:\n",
		text_begin(app->colour, COLOUR_YELLOW), total, total == 1 ? "name" : "names",
		total == 1 ? "does" : "do", text_end(app->colour, COLOUR_YELLOW));
	record_each(dangling, "items", on_item, &printing);
	if (printing.count == 0) {
		puts("  root and the daemon's own user see which");
	} else if ((int64_t)printing.count < total) {
		printf("  and %" PRId64 " more: --json lists up to 100\n",
			total - (int64_t)printing.count);
	}
}

/* --- against the store of a daemon -------------------------------------------------------------
 */

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

static void see_principal(struct against *against, struct wire_cursor item)
{
	struct pol_str id = record_str(item, "id");

	if (record_bool(item, "declared", false)) {
		return;
	}
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

static const char *json_text_of(struct app *app, const json_t *item)
{
	const char *holder = NULL, *id = NULL;

	for (size_t i = 0; i < sizeof holders / sizeof holders[0] && id == NULL; i++) {
		holder = holders[i];
		id = json_string_value(json_object_get(item, holder));
	}
	/* `role` alone is what a principal or a key holds. */
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const char *name = json_string_value(json_object_get(item, kinds[i].name));

		if (name != NULL && id != NULL && strcmp(kinds[i].name, holder) != 0) {
			return app_text(app, "%s %s%s%s", holder_text(app, holder, pol_str_of(id)),
				kinds[i].before, text_escape(&app->arena, pol_str_of(name)),
				kinds[i].after);
		}
	}
	return "";
}

void dangling_show(struct app *app, const struct dangling_found *found)
{
	for (size_t i = 0; i < json_array_size(found->items); i++) {
		printf("%swarning%s: %s\n", text_begin(app->colour, COLOUR_YELLOW),
			text_end(app->colour, COLOUR_YELLOW),
			json_text_of(app, json_array_get(found->items, i)));
	}
	if (found->total > 0) {
		printf("%zu %s of the store %s not fit this policy\n", found->total,
			found->total == 1 ? "name" : "names", found->total == 1 ? "does" : "do");
	}
}
