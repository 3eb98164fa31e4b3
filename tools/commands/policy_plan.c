/* SPDX-License-Identifier: Apache-2.0 */

/* policy plan: of which resources of a node a request would be allowed, without a daemon. */

#include "daemon/decide/missing.h"
#include "daemon/decide/plan_encode.h"
#include "policy/ask/plan.h"
#include "policy/snapshot/resource.h"
#include "policy/text/cidr.h"
#include "tools/commands/commands.h"
#include "tools/plan_show.h"
#include "tools/policy.h"
#include "tools/policy_subject.h"
#include "tools/sql.h"
#include "tools/text.h"
#include "tools/when.h"

/* As much as the daemon allows a plan. */
#define PLAN_MEMORY ((size_t)1 << 20)

/* Any tenant that is known: all that a folder declares is of one. */
#define TENANT 1

static struct wire_str view(struct pol_str text)
{
	return (struct wire_str){ text.ptr, text.len };
}

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
			app, EXIT_USAGE, "invalid_request", "--ip '%s' is no IP address", ip);
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

static void put_text(struct wire_buf *out, const char *name, struct pol_str text)
{
	wire_put_cstr(out, name);
	wire_put_str(out, view(text));
}

static uint32_t put_when(struct app *app, const struct pol_snapshot *snapshot,
	const struct pol_plan *plan, struct wire_buf *out)
{
	size_t len = pol_formula_format(snapshot, plan->when, NULL, 0);
	char *text = pol_arena_alloc(&app->arena, len + 1, 1);

	if (text == NULL) {
		return 0;
	}
	(void)pol_formula_format(snapshot, plan->when, text, len + 1);
	put_text(out, "plan", POL_STR("when"));
	put_text(out, "when", (struct pol_str){ text, len });
	wire_put_cstr(out, "tree");
	plan_encode(out, snapshot, plan->when);
	return 3;
}

static uint32_t put_kind(struct app *app, const struct pol_snapshot *snapshot,
	const struct pol_plan *plan, struct wire_buf *out)
{
	if (plan->kind == POL_PLAN_WHEN) {
		return put_when(app, snapshot, plan, out);
	}
	if (plan->kind == POL_PLAN_ALWAYS) {
		put_text(out, "plan", POL_STR("always"));
		return 1;
	}
	put_text(out, "plan", POL_STR("never"));
	put_text(out, "reason", plan->reason);
	wire_put_cstr(out, "status");
	wire_put_int(out, plan->status);
	return 3;
}

static void put(struct app *app, const struct pol_snapshot *snapshot, const struct pol_plan *plan,
	struct wire_buf *out)
{
	struct pol_str names[MISSING_FACTS];
	uint32_t missing = missing_names(snapshot, &plan->missing, names);
	char text[POL_RESOURCE_TEXT];
	struct pol_resource resource = { .text = text };
	size_t map = wire_open_map(out);
	uint32_t count = put_kind(app, snapshot, plan, out);

	if (plan->node != POL_NONE) {
		put_text(out, "node", pol_resource_of_node(&resource, snapshot, plan->node));
		count++;
	}
	if (missing > 0) {
		wire_put_cstr(out, "missing");
		wire_put_array(out, missing);
		for (uint32_t i = 0; i < missing; i++) {
			wire_put_str(out, view(names[i]));
		}
		count++;
	}
	put_text(out, "revision", pol_str_of(pol_snapshot_revision(snapshot)));
	wire_close_map(out, map, count + 1);
}

static int show(struct app *app, const struct pol_snapshot *snapshot, const struct pol_plan *plan,
	const char *what)
{
	struct wire_buf out;
	int status;

	if (plan->kind == POL_PLAN_WHEN && plan_encode_is_deep(plan->when)) {
		return app_fail(app, EXIT_NO, "conflict",
			"the plan would be larger than the daemon's may be");
	}
	wire_buf_init(&out, WIRE_MAX_RESPONSE);
	put(app, snapshot, plan, &out);
	if (out.status != WIRE_OK || app->arena.status != POL_OK) {
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

	pol_arena_init(&arena, PLAN_MEMORY);
	fault = pol_plan_make(snapshot, facts, &arena, &plan);
	status = fault == POL_PLAN_MADE ? show(app, snapshot, &plan, what)
					: app_fail(app, EXIT_USAGE, "invalid_request", "%s",
						  pol_plan_fault_text(fault));
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
	.summary = "Show of which resources a request would be allowed, by a folder",
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
