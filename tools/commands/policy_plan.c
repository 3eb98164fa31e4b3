/* SPDX-License-Identifier: Apache-2.0 */

/* policy plan: for which resources of a node a request would be allowed, without a daemon. */

#include "daemon/decide/plan_encode.h"
#include "policy/text/cidr.h"
#include "tools/commands/commands.h"
#include "tools/plan_show.h"
#include "tools/policy.h"
#include "tools/policy_subject.h"
#include "tools/rpc.h"
#include "tools/sql.h"
#include "tools/text.h"
#include "tools/when.h"

/* Any tenant that is known: all that a folder declares is of one. */
#define TENANT 1

/* --- the question ----------------------------------------------------------------------------- */

/* A trusted peer names the principal, as in `plan`: it has no key. */
static void name_principal(struct pol_facts *facts)
{
	facts->key_state = POL_KEY_MISSING;
	facts->principal_state = POL_PRINCIPAL_ACTIVE;
}

static int read_request(
	struct app *app, const struct pol_snapshot *snapshot, struct pol_facts *facts)
{
	const struct pol_environment *environments;
	const char *service = app->args.values[FLAG_SERVICE];
	const char *ip = app->args.values[FLAG_IP];
	int status = EXIT_YES;

	facts->tenant = TENANT;
	facts->tenant_name = POL_STR("default");
	(void)pol_snapshot_environments(snapshot, &environments);
	facts->environment = environments[0].name;
	facts->now = app->now;
	if (service != NULL) {
		facts->service = pol_str_of(service);
	}
	if (ip != NULL && pol_cidr_parse_ip(pol_str_of(ip), &facts->ip) != POL_OK) {
		return app_fail(
			app, EXIT_USAGE, "invalid_request", "--ip '%s' is not an IP address", ip);
	}
	if (app->args.given[FLAG_TIME]) {
		status = when_option(app, FLAG_TIME, WHEN_EXACT, &facts->time);
	}
	if (status == EXIT_YES && app->args.given[FLAG_MFA_AT]) {
		status = when_option(app, FLAG_MFA_AT, WHEN_AGO, &facts->mfa_at);
	}
	return status;
}

/* A path alone is one of the tree `api`, or of --tree, and a request's: the verb is a method. */
static int read_resource(struct app *app, struct pol_facts *facts, const char **out_what)
{
	const char *verb = app->args.words[1];
	const char *what = app->args.words[2];
	const char *tree = app->args.values[FLAG_TREE];

	facts->http = what[0] == '/';
	if (!facts->http && tree != NULL) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--tree is for a path: '%s' has its tree", what);
	}
	facts->verb = pol_str_of(verb);
	facts->path = pol_str_of(what);
	if (facts->http) {
		facts->tree = pol_str_of(tree != NULL ? tree : "api");
		what = app_text(app, "%.*s:%s", POL_STR_ARGS(facts->tree), what);
	}
	*out_what = text_escape(&app->arena, pol_str_of(app_text(app, "%s on %s", verb, what)));
	return EXIT_YES;
}

/* --- the answer, as the daemon's -------------------------------------------------------------- */

static int refuse(struct app *app, enum pol_plan_fault fault)
{
	enum wire_code code = plan_encode_code(fault);

	return app_fail(
		app, rpc_exit_status(code), wire_code_name(code), "%s", pol_plan_fault_text(fault));
}

static int show(struct app *app, const struct pol_snapshot *snapshot, const struct pol_plan *plan,
	struct pol_arena *arena, const char *what)
{
	struct wire_buf out;
	enum pol_plan_fault fault;
	int status;

	wire_buf_init(&out, WIRE_MAX_RESPONSE);
	fault = plan_encode(&out, snapshot, plan, arena);
	if (fault != POL_PLAN_MADE) {
		status = refuse(app, fault);
	} else if (out.status != WIRE_OK) {
		status = app_fail(app, EXIT_DAEMON, "internal", "no memory left");
	} else {
		status = plan_show(app, wire_cursor_of(out.data, out.len), what);
	}
	wire_buf_finish(&out);
	return status;
}

static int make(struct app *app, const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const char *what)
{
	struct pol_arena arena;
	struct pol_plan plan;
	enum pol_plan_fault fault;
	int status;

	pol_arena_init(&arena, PLAN_ENCODE_MEMORY);
	fault = pol_plan_make(snapshot, facts, &arena, &plan);
	status = fault == POL_PLAN_MADE ? show(app, snapshot, &plan, &arena, what)
					: refuse(app, fault);
	pol_arena_finish(&arena);
	return status;
}

static int ask(struct app *app, const struct pol_snapshot *snapshot)
{
	struct policy_subject subject;
	const char *what = "";
	int status = policy_subject_read(app, snapshot, &subject);

	if (status == EXIT_YES && app->args.given[FLAG_PRINCIPAL] && !app->args.given[FLAG_SCOPE]) {
		name_principal(&subject.facts);
	}
	if (status == EXIT_YES) {
		status = read_request(app, snapshot, &subject.facts);
	}
	if (status == EXIT_YES) {
		status = read_resource(app, &subject.facts, &what);
	}
	return status == EXIT_YES ? make(app, snapshot, &subject.facts, what) : status;
}

static int run(struct app *app)
{
	struct policy policy = { 0 };
	int status = sql_check(app);

	if (status == EXIT_YES) {
		status = policy_need(app, app->args.words[0], &policy);
	}
	if (status == EXIT_YES) {
		status = ask(app, policy.snapshot);
	}
	policy_finish(&policy);
	return status;
}

const struct command command_policy_plan = {
	.name = "policy plan",
	.words = "DIR ACTION TREE:/PATH",
	.summary = "Show for which resources a request would be allowed, by a folder",
	.text = "As 'plan', without a daemon: stacks included, for a principal that the\n"
		"folder declares, as a trusted peer names it, or for a key with roles,\n"
		"scopes or both. The path is one as declared, with parameters. Facts that\n"
		"are not given are absent, but those of the resource. Exit status 1 when\n"
		"it is never allowed.\n",
	.examples = "  authzcheck policy plan policy/ --principal ann \\\n"
		    "      list 'bookings:/bookings/{booking}' --sql postgresql\n"
		    "  authzcheck policy plan policy/ --role desk \\\n"
		    "      --fact principal.branch=north list 'bookings:/bookings/{booking}'\n",
	.flags = { FLAG_PRINCIPAL, FLAG_ROLE, FLAG_AT, FLAG_SCOPE, FLAG_SERVICE, FLAG_TREE, FLAG_IP,
		FLAG_MFA_AT, FLAG_TIME, FLAG_FACT, FLAG_SQL, FLAG_COLUMN, FLAG_MODULES },
	.min_words = 3,
	.run = run,
};
