/* SPDX-License-Identifier: Apache-2.0 */
/* What shadow.h compares: the candidate, the running policy, the roles of the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/stored.h"
#include "tools/git.h"
#include "tools/live_internal.h"
#include "tools/record.h"
#include "tools/revision.h"
#include "tools/rpc.h"
#include "tools/shadow/shadow.h"

/* --- the running policy ----------------------------------------------------------------------- */

/* One line that git prints, without its end; NULL: it says no. */
static const char *ask_git(struct app *app, const char *folder, const char *const *words)
{
	char why[GIT_WHY], *out = NULL;
	const char *text;
	size_t len = 0;

	if (git_run(folder, words, &out, &len, why) < 0) {
		return NULL;
	}
	text = app_text(app, "%.*s", (int)strcspn(out, "\n"), out);
	free(out);
	return text;
}

/* Does the commit have the candidate's folder? */
static bool has_folder(struct app *app, const char *folder, const char *commit)
{
	const char *const where[] = { "rev-parse", "--show-prefix", NULL };
	const char *prefix = ask_git(app, folder, where);
	/* It ends with a slash, or is empty at the top. */
	size_t len = prefix != NULL && prefix[0] != '\0' ? strlen(prefix) - 1 : 0;
	const char *tree = app_text(app, "%s:%.*s", commit, (int)len, prefix != NULL ? prefix : "");
	const char *const words[] = { "rev-parse", "--verify", "--quiet", tree, NULL };

	return prefix != NULL && ask_git(app, folder, words) != NULL;
}

/* The commit that the daemon says its folder is at, or HEAD, of the work tree that DIR is in. */
static const char *guess_running(struct app *app, const char *dir, const char *commit)
{
	const char *const words[] = { "rev-parse", "--verify", "--quiet",
		app_text(app, "%s^{commit}", commit), NULL };

	if (!revision_is_folder(dir)) {
		return commit[0] != '\0' && ask_git(app, ".", words) != NULL ? commit : NULL;
	}
	if (commit[0] != '\0' && has_folder(app, dir, commit)) {
		return commit;
	}
	return has_folder(app, dir, "HEAD") ? "HEAD" : NULL;
}

static int load_candidate(struct shadow *shadow, const struct revision *revision)
{
	struct policy *policy = &shadow->policies[SHADOW_CANDIDATE];
	int status = revision_load(shadow->app, revision, policy);

	shadow->names[SHADOW_CANDIDATE] = revision_name(revision);
	return status == EXIT_YES
		       ? policy_be_valid(shadow->app, shadow->names[SHADOW_CANDIDATE], policy)
		       : status;
}

/* One that was not asked for may be invalid, or not be the one that the daemon runs. */
static int load_running(struct shadow *shadow, const struct revision *revision, bool asked_for)
{
	struct policy *policy = &shadow->policies[SHADOW_RUNNING];
	int status = revision_load(shadow->app, revision, policy);

	shadow->names[SHADOW_RUNNING] = revision_name(revision);
	if (status == EXIT_YES && asked_for) {
		status = policy_be_valid(shadow->app, shadow->names[SHADOW_RUNNING], policy);
	}
	shadow->knows_running =
		policy->snapshot != NULL &&
		strcmp(pol_snapshot_revision(policy->snapshot), shadow->revision) == 0;
	if (status == EXIT_YES && asked_for && !shadow->knows_running) {
		return app_fail(shadow->app, EXIT_NO, "conflict",
			"the daemon runs revision %s, and %s is %s", shadow->revision,
			shadow->names[SHADOW_RUNNING], pol_snapshot_revision(policy->snapshot));
	}
	return status;
}

static void warn_unknown(const struct shadow *shadow)
{
	app_warn(shadow->app,
		"the policy that answers, revision %s, is not known here: its statements are not "
		"named, and decisions of roles of the store and of quotas are not judged. "
		"--running names its folder or git revision",
		shadow->revision);
}

static bool lacks_a_role(const struct pol_snapshot *running, const struct pol_snapshot *candidate)
{
	for (uint32_t i = 0; i < pol_snapshot_role_count(candidate); i++) {
		if (pol_snapshot_role(running, pol_snapshot_role_name(candidate, i)) == POL_NONE) {
			return true;
		}
	}
	return false;
}

static int read_status(struct shadow *shadow, int64_t *out_snapshot, const char **out_commit)
{
	struct app *app = shadow->app;
	struct wire_cursor answer;
	struct params params;
	int status;

	params_begin(&params);
	status = rpc_call(app, "policy.status", &params, &answer);
	if (status != EXIT_YES) {
		return status;
	}
	*out_snapshot = record_int(answer, "snapshot", 0);
	*out_commit = record_text(&app->arena, answer, "commit");
	snprintf(shadow->revision, sizeof shadow->revision, "%s",
		record_text(&app->arena, answer, "revision"));
	return EXIT_YES;
}

int shadow_open(struct app *app, struct shadow *shadow)
{
	const char *words[2] = { app->args.values[FLAG_RUNNING], app->args.words[0] };
	bool asked_for = words[0] != NULL;
	struct revision revisions[2];
	const char *commit;
	int64_t snapshot;
	int status;

	*shadow = (struct shadow){ .app = app, .as_of = -1 };
	status = read_status(shadow, &snapshot, &commit);
	if (status != EXIT_YES) {
		return status;
	}
	if (!asked_for) {
		words[0] = guess_running(app, words[1], commit);
	}
	/* Without one, the candidate stands in both places, and its second meaning is not used. */
	words[0] = words[0] != NULL ? words[0] : words[1];
	status = revision_parse(app, words, revisions);
	if (status == EXIT_YES) {
		status = load_candidate(shadow, &revisions[1]);
	}
	if (status == EXIT_YES) {
		status = load_running(shadow, &revisions[0], asked_for);
	}
	if (status != EXIT_YES) {
		return status;
	}
	if (!shadow->knows_running) {
		warn_unknown(shadow);
	}
	shadow->adds_roles =
		!shadow->knows_running || lacks_a_role(shadow->policies[SHADOW_RUNNING].snapshot,
						  shadow->policies[SHADOW_CANDIDATE].snapshot);
	return shadow_refresh(shadow);
}

/* --- the roles of the store ------------------------------------------------------------------- */

static void forget(struct shadow *shadow)
{
	for (size_t i = 0; i < shadow->tenant_count; i++) {
		struct shadow_tenant *tenant = &shadow->tenants[i];

		for (int side = 0; side < SHADOW_SIDES; side++) {
			pol_snapshot_unref(tenant->sides[side]);
		}
		json_decref(tenant->roles);
		json_decref(tenant->numbers);
		json_decref(tenant->inexact);
	}
	shadow->tenant_count = 0;
}

void shadow_finish(struct shadow *shadow)
{
	forget(shadow);
	for (int side = 0; side < SHADOW_SIDES; side++) {
		policy_finish(&shadow->policies[side]);
	}
}

/* A role whose grants select, by the running policy, not what the daemon has kept of it: a later
 * policy does not widen a role of the store. */
static void find_inexact(struct shadow_tenant *tenant)
{
	for (size_t i = 0; i < json_array_size(tenant->roles); i++) {
		const json_t *item = json_array_get(tenant->roles, i);
		const struct pol_snapshot *running = tenant->sides[SHADOW_RUNNING];
		size_t allowed = 0, denied = 0;
		struct pol_stored *own =
			pol_stored_own(running, pol_stored_find(running, i + 1, LIVE_TENANT));

		if (own != NULL) {
			pol_stored_count(own, &allowed, &denied);
		}
		if ((json_int_t)allowed != json_integer_value(json_object_get(item, "allowed")) ||
			(json_int_t)denied != json_integer_value(json_object_get(item, "denied"))) {
			json_object_set_new(tenant->inexact, live_text(item, "name"), json_true());
		}
	}
}

static int read_tenant(struct shadow *shadow, const char *name)
{
	struct shadow_tenant *tenant = &shadow->tenants[shadow->tenant_count];
	struct live live = { .app = shadow->app, .policies = shadow->policies, .tenant = name };
	int status;

	*tenant = (struct shadow_tenant){ .name = name,
		.roles = json_array(),
		.numbers = json_object(),
		.inexact = json_object() };
	shadow->tenant_count++;
	live.roles = tenant->roles;
	live.numbers = tenant->numbers;
	status = live_extend(&live);
	if (status == EXIT_YES) {
		memcpy(tenant->sides, live.sides, sizeof tenant->sides);
		find_inexact(tenant);
	}
	return status;
}

struct tenants {
	struct shadow *shadow;
	const char **names;
	size_t count, capacity;
};

static bool on_tenant(void *context, struct wire_cursor item)
{
	struct tenants *tenants = context;
	struct app *app = tenants->shadow->app;
	size_t used = tenants->count;
	const char **grown = tenants->names;

	if (used == tenants->capacity) {
		grown = pol_arena_grow(&app->arena, tenants->names, used, used + 1, sizeof *grown,
			&tenants->capacity);
	}
	if (grown == NULL) {
		return false;
	}
	tenants->names = grown;
	tenants->names[tenants->count++] =
		app_text(app, "%s", record_text(&app->arena, item, "id"));
	return true;
}

static int on_page(void *context, struct wire_cursor result)
{
	record_each(result, "items", on_tenant, context);
	return EXIT_YES;
}

static int read_roles(struct shadow *shadow)
{
	struct tenants tenants = { .shadow = shadow };
	const struct pages pages = { "tenants.list", NULL, on_page, &tenants, "tenants" };
	int status = rpc_pages(shadow->app, &pages);

	forget(shadow);
	shadow->tenants =
		pol_arena_alloc(&shadow->app->arena, tenants.count, sizeof *shadow->tenants);
	if (status == EXIT_YES && shadow->tenants == NULL) {
		return app_fail(shadow->app, EXIT_DAEMON, "internal", "out of memory");
	}
	for (size_t i = 0; status == EXIT_YES && i < tenants.count; i++) {
		status = read_tenant(shadow, tenants.names[i]);
	}
	return status;
}

/* How often it is begun again when a policy or a role changes meanwhile. */
#define TRIES 5

int shadow_refresh(struct shadow *shadow)
{
	const char *commit;
	int64_t before = 0, after = -1;
	int status = read_status(shadow, &before, &commit);

	for (int i = 0; status == EXIT_YES && before != after && i < TRIES; i++) {
		before = i > 0 ? after : before;
		shadow->is_running =
			shadow->knows_running &&
			strcmp(shadow->revision,
				pol_snapshot_revision(shadow->policies[SHADOW_RUNNING].snapshot)) ==
				0;
		/* Grants of the store are read by the running policy. */
		status = shadow->is_running ? read_roles(shadow) : EXIT_YES;
		if (!shadow->is_running) {
			forget(shadow);
		}
		if (status == EXIT_YES) {
			status = read_status(shadow, &after, &commit);
		}
	}
	shadow->as_of = before == after ? after : -1;
	return status;
}
