/* SPDX-License-Identifier: Apache-2.0 */

/* policy mutate: the statements whose loss no test notices. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/commands/commands.h"
#include "tools/coverage.h"
#include "tools/mutate.h"
#include "tools/policy.h"
#include "tools/text.h"

struct mutating {
	struct app *app;
	struct policy policy;
	struct pol_coverage *coverage;
	struct pol_mutations mutations;
	enum pol_mutation_result *results;
	size_t counts[POL_MUTATION_INVALID + 1]; /* by result */
	unsigned jobs;
	int limit; /* of --fail-under; -1: none */
};

static int read_jobs(struct app *app, unsigned *out)
{
	const char *text = app->args.values[FLAG_JOBS];
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	long jobs;
	char *end;

	*out = processors < 1 ? 1 : processors > MUTATE_JOBS ? MUTATE_JOBS : (unsigned)processors;
	if (text == NULL) {
		return EXIT_YES;
	}
	jobs = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || jobs < 1 || jobs > MUTATE_JOBS) {
		return app_fail(app, EXIT_USAGE, "usage", "--jobs '%s': want a number from 1 to %d",
			text, MUTATE_JOBS);
	}
	*out = (unsigned)jobs;
	return EXIT_YES;
}

static const char *owner_kind(const struct pol_mutation *mutation)
{
	if (mutation->kind == POL_MUTATION_LINE) {
		return "stack";
	}
	return mutation->scope ? "scope" : "role";
}

/* --- what comes out --------------------------------------------------------------------------- */

static const char *const results[] = {
	[POL_MUTATION_NOTICED] = "noticed",
	[POL_MUTATION_SURVIVES] = "survives",
	[POL_MUTATION_REDUNDANT] = "redundant",
	[POL_MUTATION_INVALID] = "invalid",
};

/* Is it listed? What the tests notice, and what the policy does not compile without, is not. */
static bool is_listed(enum pol_mutation_result result)
{
	return result == POL_MUTATION_SURVIVES || result == POL_MUTATION_REDUNDANT;
}

static void put_item(const struct mutating *mutating, size_t i)
{
	const struct pol_mutation *mutation = &mutating->mutations.items[i];
	struct app *app = mutating->app;
	bool survives = mutating->results[i] == POL_MUTATION_SURVIVES;
	enum colour colour = survives ? COLOUR_RED : COLOUR_YELLOW;

	printf("%s:%" PRIu32 ": %s%s%s: %s %s: %s\n",
		text_escape(&app->arena, mutation->position.file), mutation->position.line,
		text_begin(app->colour, colour), survives ? "not noticed" : "redundant",
		text_end(app->colour, colour), owner_kind(mutation),
		text_escape(&app->arena, mutation->name), text_escape(&app->arena, mutation->text));
}

static void put_text(const struct mutating *mutating)
{
	struct app *app = mutating->app;
	const size_t *counts = mutating->counts;
	size_t judged = counts[POL_MUTATION_NOTICED] + counts[POL_MUTATION_SURVIVES];

	for (size_t i = 0; i < mutating->mutations.count; i++) {
		if (is_listed(mutating->results[i])) {
			put_item(mutating, i);
		}
	}
	printf("statements noticed: %s", coverage_share(app, counts[POL_MUTATION_NOTICED], judged));
	if (counts[POL_MUTATION_REDUNDANT] > 0) {
		printf("; %zu redundant", counts[POL_MUTATION_REDUNDANT]);
	}
	if (counts[POL_MUTATION_INVALID] > 0) {
		printf("; %zu needed to compile", counts[POL_MUTATION_INVALID]);
	}
	putchar('\n');
}

static json_t *json_item(const struct mutating *mutating, size_t i)
{
	static const char *const kinds[] = {
		[POL_MUTATION_ALLOW] = "allow",
		[POL_MUTATION_DENY] = "deny",
		[POL_MUTATION_EXCEPT] = "except",
		[POL_MUTATION_LINE] = "line",
	};
	const struct pol_mutation *mutation = &mutating->mutations.items[i];

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I}", "result", results[mutating->results[i]],
		"kind", kinds[mutation->kind], owner_kind(mutation), document_str(mutation->name),
		"text", document_str(mutation->text), "file", document_str(mutation->position.file),
		"line", (json_int_t)mutation->position.line);
}

static void put_json(const struct mutating *mutating)
{
	struct app *app = mutating->app;
	const size_t *counts = mutating->counts;
	json_t *items = json_array();

	for (size_t i = 0; i < mutating->mutations.count; i++) {
		if (is_listed(mutating->results[i])) {
			app_append(app, items, json_item(mutating, i));
		}
	}
	app_document(app, json_pack("{s:I, s:I, s:I, s:I, s:o}", "noticed",
				  (json_int_t)counts[POL_MUTATION_NOTICED], "survive",
				  (json_int_t)counts[POL_MUTATION_SURVIVES], "redundant",
				  (json_int_t)counts[POL_MUTATION_REDUNDANT], "invalid",
				  (json_int_t)counts[POL_MUTATION_INVALID], "items", items));
}

/* --- the run ---------------------------------------------------------------------------------- */

/* Runs the tests as they are, for what they reach; all must pass. */
static int run_tests(struct mutating *mutating)
{
	struct app *app = mutating->app;
	struct pol_suite_options options = { 0 };
	struct pol_suite_result tests;

	mutating->coverage = pol_coverage_create(mutating->policy.snapshot);
	if (mutating->coverage == NULL) {
		app->no_memory = true;
		return EXIT_DAEMON;
	}
	options.coverage = mutating->coverage;
	tests = pol_suite_run_some(
		mutating->policy.snapshot, &options, &mutating->policy.diags, NULL, NULL);
	if (tests.failed > 0) {
		policy_show_diags(&mutating->policy);
		return app_fail(app, EXIT_NO, "invalid_policy",
			"%s in the unchanged policy: mend that first, nothing was left out",
			app_text(app, "%s failed", app_count(app, tests.failed, "test")));
	}
	return EXIT_YES;
}

static int list(struct mutating *mutating)
{
	struct app *app = mutating->app;
	const struct folder_sources sources = policy_sources(&mutating->policy);
	enum pol_status status =
		pol_mutations_list(sources.items, sources.count, &app->arena, &mutating->mutations);

	if (status != POL_OK) {
		app->no_memory = true;
		return EXIT_DAEMON;
	}
	if (mutating->mutations.count > MUTATE_STATEMENTS) {
		return app_fail(app, EXIT_USAGE, "limit_reached",
			"the policy has %zu statements to leave out; at most %d can be tried",
			mutating->mutations.count, MUTATE_STATEMENTS);
	}
	mutating->results =
		pol_arena_alloc(&app->arena, mutating->mutations.count, sizeof *mutating->results);
	return mutating->results != NULL ? EXIT_YES : EXIT_DAEMON;
}

static int try_all(struct mutating *mutating)
{
	const struct folder_sources sources = policy_sources(&mutating->policy);
	const struct pol_mutation_base base = { .sources = sources.items,
		.source_count = sources.count,
		.host = &mutating->policy.host.asked,
		.snapshot = mutating->policy.snapshot,
		.coverage = mutating->coverage };
	int status = mutate_run(
		mutating->app, &base, &mutating->mutations, mutating->jobs, mutating->results);

	for (size_t i = 0; status == EXIT_YES && i < mutating->mutations.count; i++) {
		mutating->counts[mutating->results[i]]++;
	}
	return status;
}

static int judge(const struct mutating *mutating)
{
	size_t noticed = mutating->counts[POL_MUTATION_NOTICED];
	size_t survive = mutating->counts[POL_MUTATION_SURVIVES];

	if (mutating->limit < 0) {
		return survive > 0 ? EXIT_NO : EXIT_YES;
	}
	return coverage_is_under(noticed, noticed + survive, mutating->limit) ? EXIT_NO : EXIT_YES;
}

static int mutate(struct mutating *mutating)
{
	int (*const steps[])(struct mutating *) = { run_tests, list, try_all };
	int status = policy_need(mutating->app, mutating->app->args.words[0], &mutating->policy);

	for (size_t i = 0; status == EXIT_YES && i < sizeof steps / sizeof steps[0]; i++) {
		status = steps[i](mutating);
	}
	if (status != EXIT_YES) {
		return status;
	}
	if (mutating->app->want_json) {
		put_json(mutating);
	} else {
		put_text(mutating);
	}
	return judge(mutating);
}

static int run(struct app *app)
{
	struct mutating mutating = { .app = app };
	int status = read_jobs(app, &mutating.jobs);

	if (status == EXIT_YES) {
		status = coverage_limit(app, &mutating.limit);
	}
	if (status == EXIT_YES) {
		status = mutate(&mutating);
	}
	pol_coverage_destroy(mutating.coverage);
	policy_finish(&mutating.policy);
	return status;
}

const struct command command_policy_mutate = {
	.name = "policy mutate",
	.words = "DIR",
	.summary = "Find the statements of a policy whose loss no test notices",
	.text = "Leaves out each grant, denial, except and line of a stack in turn,\n"
		"compiles what is left and runs the tests. Lists the statements without\n"
		"which every test passes; exit status 1 when there is one, or with\n"
		"--fail-under when the tests notice a smaller share. Those that change\n"
		"nothing are listed as redundant and not counted.\n",
	.examples = "  authzcheck policy mutate policy/\n"
		    "  authzcheck policy mutate --fail-under 80 policy/\n"
		    "  authzcheck policy mutate --json policy/ | jq '.items[].text'\n",
	.flags = { FLAG_MODULES, FLAG_FAIL_UNDER, FLAG_JOBS },
	.min_words = 1,
	.run = run,
};
