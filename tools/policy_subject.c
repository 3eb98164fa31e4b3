/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_subject.h"

#include "policy/ask/who.h"
#include "policy/text/path.h"
#include "tools/fact.h"
#include "tools/policy_names.h"

/* The places of --at in canonical spelling, for every role. */
static int read_places(struct app *app, const struct pol_snapshot *snapshot, struct pol_held *out)
{
	const struct args_list *list = &app->args.lists[FLAG_AT];
	struct pol_str *places = pol_arena_alloc(&app->arena, list->count, sizeof *places);

	for (size_t i = 0; places != NULL && i < list->count; i++) {
		struct pol_str place = list->items[i];
		char *buffer = pol_arena_alloc(&app->arena, place.len, 1);

		if (buffer == NULL) {
			return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
		}
		if (pol_path_place_normalise(place, buffer, &places[i]) != POL_OK ||
			pol_snapshot_check_place(snapshot, place) != POL_OK) {
			return app_fail(app, EXIT_USAGE, "invalid_request",
				"--at '%.*s' is not a place that the policy has: want TREE:/PATH",
				POL_STR_ARGS(place));
		}
	}
	out->places = places;
	out->place_count = (uint32_t)list->count;
	return EXIT_YES;
}

static int read_roles(
	struct app *app, const struct pol_snapshot *snapshot, struct policy_subject *out)
{
	const struct args_list *list = &app->args.lists[FLAG_ROLE];
	struct pol_held held = { .role = POL_NONE };
	int status = read_places(app, snapshot, &held);

	if (status == EXIT_YES && list->count > POL_PRINCIPAL_ROLES) {
		return app_fail(
			app, EXIT_USAGE, "usage", "more than %d roles", POL_PRINCIPAL_ROLES);
	}
	for (size_t i = 0; status == EXIT_YES && i < list->count; i++) {
		status = policy_find_role(app, snapshot, list->items[i], &held.role);
		out->held[i] = held;
	}
	out->facts.binding = POL_BOUND_TO_ROLES;
	out->facts.held = out->held;
	out->facts.held_count = (uint32_t)list->count;
	return status;
}

static int read_scopes(
	struct app *app, const struct pol_snapshot *snapshot, struct policy_subject *out)
{
	const struct args_list *list = &app->args.lists[FLAG_SCOPE];
	uint32_t *scopes = pol_arena_alloc(&app->arena, list->count, sizeof *scopes);
	int status = EXIT_YES;

	if (scopes == NULL) {
		return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
	}
	for (size_t i = 0; status == EXIT_YES && i < list->count; i++) {
		status = policy_find_scope(app, snapshot, list->items[i], &scopes[i]);
	}
	out->facts.scopes = scopes;
	out->facts.scope_count = (uint32_t)list->count;
	out->facts.narrowed = out->facts.narrowed_by_scopes = list->count > 0;
	return status;
}

static int read_principal(
	struct app *app, const struct pol_snapshot *snapshot, struct policy_subject *out)
{
	uint32_t principal;
	int status = policy_find_principal(
		app, snapshot, pol_str_of(app->args.values[FLAG_PRINCIPAL]), &principal);

	if (status == EXIT_YES) {
		uint32_t count = (uint32_t)pol_snapshot_principal_held(
			snapshot, principal, app->now, out->held);

		out->facts = pol_who_declared(snapshot, principal, out->held, count);
		out->facts.key_state = POL_KEY_ACTIVE;
		out->facts.binding = POL_BOUND_TO_PRINCIPAL;
		out->facts.now = app->now;
	}
	return status;
}

int policy_subject_read(
	struct app *app, const struct pol_snapshot *snapshot, struct policy_subject *out)
{
	bool principal = app->args.given[FLAG_PRINCIPAL];
	bool roles = app->args.given[FLAG_ROLE];
	int status = EXIT_YES;

	if (principal && roles) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--principal and --role exclude each other");
	}
	if (app->args.given[FLAG_AT] && !roles) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--at is where roles are held: give --role");
	}
	if (!principal && !roles && !app->args.given[FLAG_SCOPE]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"for whom? give --role A,B, --scope S,T or --principal ID");
	}
	out->facts = (struct pol_facts){
		.key_state = POL_KEY_ACTIVE, .binding = POL_BOUND_TO_SCOPES, .now = app->now
	};
	if (principal) {
		status = read_principal(app, snapshot, out);
	} else if (roles) {
		status = read_roles(app, snapshot, out);
	}
	out->any_principal = roles;
	if (status == EXIT_YES) {
		status = fact_read(app, snapshot, &out->given);
		out->facts.given = &out->given;
	}
	return status == EXIT_YES ? read_scopes(app, snapshot, out) : status;
}
