/* SPDX-License-Identifier: Apache-2.0 */

/* policy diff: what a change of the policy changes. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/ask/suite.h"
#include "tools/commands/commands.h"
#include "tools/differences.h"
#include "tools/live.h"
#include "tools/policy.h"
#include "tools/record.h"
#include "tools/revision.h"
#include "tools/rpc.h"
#include "tools/text.h"

enum { BEFORE, AFTER, SIDES };

struct sides {
	struct revision revisions[SIDES];
	struct policy policies[SIDES];
	struct pol_suite_result tests; /* of the policy after, its own */
	const char *running;     /* the revision that the policy before stands for; NULL: none */
	bool against;            /* a store is compared, too */
	struct live_found found; /* in it */
};

/* When a difference is a failure. */
enum fail_on { FAIL_ON_ANY = 0, FAIL_ON_GAIN, FAIL_ON_LOSS };

/* The policy that the daemon runs, as its folder has it: the daemon answers with revisions, not
 * with texts. */
static int ask_for_folder(struct app *app, struct sides *sides, const char **out)
{
	struct wire_cursor answer;
	struct params params;
	int status;

	params_begin(&params);
	status = rpc_call(app, "policy.status", &params, &answer);
	if (status != EXIT_YES) {
		return status;
	}
	sides->running = record_text(&app->arena, answer, "revision");
	*out = record_text(&app->arena, answer, "folder");
	if (access(*out, R_OK | X_OK) == 0) {
		return EXIT_YES;
	}
	return app_fail(app, EXIT_USAGE, "unreadable",
		"the policy folder of the daemon, '%.512s', cannot be read here (%s): name OLD",
		*out, strerror(errno));
}

/* Says what OLD and NEW are. OLD may be left out where a daemon is named. */
static int read_words(struct app *app, struct sides *sides)
{
	const char *words[SIDES] = { app->args.words[0], app->args.words[1] };
	int status = EXIT_YES;

	if (app->args.values[FLAG_AGAINST] != NULL) {
		app->args.values[FLAG_SOCKET] = app->args.values[FLAG_AGAINST];
	}
	sides->against = app->args.values[FLAG_SOCKET] != NULL;
	if (app->args.word_count < SIDES && !sides->against) {
		return app_fail(app, EXIT_USAGE, "usage",
			"policy diff needs OLD NEW, or NEW alone with --against (see 'authzcheck "
			"policy diff --help')");
	}
	if (app->args.word_count < SIDES) {
		words[AFTER] = words[BEFORE];
		status = ask_for_folder(app, sides, &words[BEFORE]);
	}
	return status == EXIT_YES ? revision_parse(app, words, sides->revisions) : status;
}

/* What the daemon's folder has must be what it runs, when it stands for that. */
static int check_running(struct app *app, const struct sides *sides)
{
	const char *revision = pol_snapshot_revision(sides->policies[BEFORE].snapshot);

	if (sides->running == NULL || strcmp(sides->running, revision) == 0) {
		return EXIT_YES;
	}
	return app_fail(app, EXIT_NO, "conflict",
		"the daemon runs revision %s, and its folder %s has %s, which was not taken "
		"('authzcheck status' says why): name OLD",
		sides->running, revision_name(&sides->revisions[BEFORE]), revision);
}

static int load_both(struct app *app, struct sides *sides)
{
	int status = read_words(app, sides);

	for (int side = 0; status == EXIT_YES && side < SIDES; side++) {
		const struct revision *revision = &sides->revisions[side];
		struct policy *policy = &sides->policies[side];

		status = revision_load(app, revision, policy);
		if (status == EXIT_YES) {
			status = policy_be_valid(app, revision_name(revision), policy);
		}
	}
	return status == EXIT_YES ? check_running(app, sides) : status;
}

static int read_fail_on(struct app *app, enum fail_on *out)
{
	static const char *const fails[] = { "any", "gain", "loss" };
	const char *fail = app->args.values[FLAG_FAIL_ON];
	size_t i = 0;

	while (fail != NULL && i < 3 && strcmp(fail, fails[i]) != 0) {
		i++;
	}
	if (i == 3) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--fail-on '%.64s' is unknown: any, gain or loss", fail);
	}
	*out = (enum fail_on)i;
	return EXIT_YES;
}

static json_t *json_side(const struct sides *sides, int side)
{
	return json_pack("{s:o, s:s}", "name",
		document_text(revision_name(&sides->revisions[side])), "revision",
		pol_snapshot_revision(sides->policies[side].snapshot));
}

static int compare(struct app *app, const struct sides *sides, struct differences *out)
{
	struct pol_compare *comparison;
	enum pol_status status = pol_compare_open(
		sides->policies[BEFORE].snapshot, sides->policies[AFTER].snapshot, &comparison);

	if (status == POL_OK) {
		status = pol_compare_policies(comparison, app->now, differences_show, out);
		pol_compare_close(comparison);
	}
	if (status == POL_ELIMIT) {
		return app_fail(
			app, EXIT_NO, "limit_reached", "the policies are too large to be compared");
	}
	return status == POL_OK ? EXIT_YES
				: app_fail(app, EXIT_DAEMON, "internal", "out of memory");
}

static void end_json(
	struct app *app, const struct sides *sides, const struct differences *differences)
{
	json_t *end = json_pack("{s:I, s:I, s:I, s:{s:I, s:I}}", "total",
		(json_int_t)differences->count, "gaining", (json_int_t)differences->gaining,
		"losing", (json_int_t)differences->losing, "tests", "passed",
		(json_int_t)sides->tests.passed, "failed", (json_int_t)sides->tests.failed);

	if (sides->against && end != NULL) {
		json_object_update_new(
			end, json_pack("{s:s, s:{s:I, s:O}, s:O}", "running", sides->found.running,
				     "dangling", "total", (json_int_t)sides->found.dangling.total,
				     "items", sides->found.dangling.items, "exclusive",
				     sides->found.exclusive.items));
	}
	app_document(app, end);
}

/* The daemon refuses a policy whose tests fail. */
static void show_tests(const struct sides *sides, const struct differences *differences)
{
	struct app *app = differences->app;
	size_t failed = sides->tests.failed;
	bool markdown = differences->form == DIFFERENCES_MARKDOWN;
	bool red = app->colour && !markdown;

	if (failed == 0) {
		return;
	}
	printf("%s%s%zu of %s %s%s: the daemon would refuse %s\n",
		differences->count > 0 || markdown ? "\n" : "",
		markdown ? "**" : text_begin(red, COLOUR_RED), failed,
		app_count(app, sides->tests.passed + failed, "test"),
		failed == 1 ? "fails" : "fail", markdown ? "**" : text_end(red, COLOUR_RED),
		markdown ? "this policy"
			 : text_escape(&app->arena,
				   pol_str_of(revision_name(&sides->revisions[AFTER]))));
}

static bool is_failure(
	enum fail_on fail_on, const struct sides *sides, const struct differences *differences)
{
	switch (fail_on) {
	case FAIL_ON_ANY:
		break;
	case FAIL_ON_GAIN:
		return differences->gaining > 0;
	case FAIL_ON_LOSS:
		return differences->losing > 0;
	}
	return differences->count > 0 || json_array_size(sides->found.dangling.items) > 0 ||
	       json_array_size(sides->found.exclusive.items) > 0;
}

static int diff(struct app *app, struct sides *sides)
{
	struct differences differences = { .app = app, .form = (enum differences_form)app->format };
	enum fail_on fail_on = FAIL_ON_ANY;
	int status = read_fail_on(app, &fail_on);

	if (status == EXIT_YES) {
		status = load_both(app, sides);
	}
	if (status != EXIT_YES) {
		return status;
	}
	sides->tests = pol_suite_run(sides->policies[AFTER].snapshot, NULL, NULL, NULL);
	if (app->want_json) {
		app_list(app,
			json_pack("{s:o, s:o}", "before", json_side(sides, BEFORE), "after",
				json_side(sides, AFTER)),
			"differences");
	}
	status = compare(app, sides, &differences);
	if (status == EXIT_YES && sides->against) {
		status = live_compare(app, sides->policies, &differences, &sides->found);
	}
	if (status != EXIT_YES) {
		return status;
	}
	if (app->want_json) {
		end_json(app, sides, &differences);
	} else {
		differences_end(&differences);
		live_show(&differences, &sides->found);
		show_tests(sides, &differences);
	}
	/* The daemon refuses a policy whose tests fail, or that declares a principal of the store.
	 */
	return is_failure(fail_on, sides, &differences) || sides->tests.failed > 0 ||
			       sides->found.dangling.conflicts > 0
		       ? EXIT_NO
		       : EXIT_YES;
}

static int run(struct app *app)
{
	struct sides sides = { 0 };
	int status = diff(app, &sides);

	live_finish(&sides.found);
	for (int side = 0; side < SIDES; side++) {
		policy_finish(&sides.policies[side]);
	}
	return status;
}

const struct command command_policy_diff = {
	.name = "policy diff",
	.words = "[OLD] NEW",
	.summary = "Say who gains and who loses what by a change of the policy",
	.text = "OLD and NEW are folders or git revisions: REV:PATH with PATH from the\n"
		"top of the work tree, or REV alone, which has the PATH of the other one.\n"
		"No checkout is touched. What is compared is what both policies decide,\n"
		"not their text: a rewriting that changes nothing prints nothing. Exit\n"
		"status 1 when anything differs; with --fail-on gain or loss only when\n"
		"somebody may gain, or may lose. A changed line of a stack may do both.\n"
		"When a test of NEW fails, which the daemon would refuse, that is said,\n"
		"and the exit status is 1 in any case.\n"
		"With --against (or --socket) the store of that daemon is compared, too:\n"
		"which principals, keys and roles in it gain or lose, what will have no\n"
		"effect, and who would hold roles that exclude each other. OLD is then\n"
		"the policy that the daemon runs, and may be left out: its folder is read.\n",
	.examples =
		"  authzcheck policy diff HEAD policy/            # what is not committed yet\n"
		"  authzcheck policy diff main:policy HEAD:policy\n"
		"  authzcheck policy diff --fail-on gain --format markdown origin/main policy/\n"
		"  authzcheck policy diff --against /run/authz/admin.sock policy/\n",
	.flags = { FLAG_FORMAT, FLAG_FAIL_ON, FLAG_AGAINST, FLAG_MODULES },
	.formats = { [DIFFERENCES_TEXT] = "text",
		[DIFFERENCES_MARKDOWN] = "markdown",
		[DIFFERENCES_JSON] = "json" },
	.min_words = 1,
	.max_words = 2,
	.run = run,
};
