/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_names.h"

#include "policy/text/nearest.h"

struct names {
	const char *what; /* "role" */
	size_t count;
	struct pol_str (*name)(const struct pol_snapshot *snapshot, uint32_t number);
};

static int found(struct app *app, const struct pol_snapshot *snapshot, const struct names *names,
	struct pol_str name, uint32_t number)
{
	struct pol_nearest nearest = pol_nearest_to(name);

	if (number != POL_NONE) {
		return EXIT_YES;
	}
	for (uint32_t i = 0; i < names->count && i < POL_NEAREST_OFFERS; i++) {
		pol_nearest_offer(&nearest, names->name(snapshot, i));
	}
	return app_fail(app, EXIT_USAGE, "not_found", "unknown %s '%.*s'" POL_NEAREST, names->what,
		POL_STR_ARGS(name), POL_NEAREST_ARGS(nearest));
}

int policy_find_role(
	struct app *app, const struct pol_snapshot *snapshot, struct pol_str name, uint32_t *out)
{
	const struct names names = { "role", pol_snapshot_role_count(snapshot),
		pol_snapshot_role_name };

	*out = pol_snapshot_role(snapshot, name);
	return found(app, snapshot, &names, name, *out);
}

int policy_find_scope(
	struct app *app, const struct pol_snapshot *snapshot, struct pol_str name, uint32_t *out)
{
	const struct names names = { "scope", pol_snapshot_counts(snapshot).scopes,
		pol_snapshot_scope_name };

	*out = pol_snapshot_scope(snapshot, name);
	return found(app, snapshot, &names, name, *out);
}

int policy_find_principal(
	struct app *app, const struct pol_snapshot *snapshot, struct pol_str name, uint32_t *out)
{
	const struct names names = { "principal", pol_snapshot_principal_count(snapshot),
		pol_snapshot_principal_id };

	*out = pol_snapshot_principal(snapshot, name);
	return found(app, snapshot, &names, name, *out);
}
