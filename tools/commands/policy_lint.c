/* SPDX-License-Identifier: Apache-2.0 */

/* policy lint: what is legal in a policy and surely not meant. */

#include <stdio.h>
#include <string.h>

#include "policy/lint/lint.h"
#include "policy/text/warning.h"
#include "tools/commands/commands.h"
#include "tools/policy.h"
#include "tools/text.h"

/* Findings shown of one file; the rest are counted. A program reads them all at once, so there are
 * more than of a load, whose messages are for people. */
#define MOST_SHOWN 10000

/* --- codes ------------------------------------------------------------------------------------ */

static json_t *json_kind(const struct pol_warning_kind *kind)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b}", "code", kind->code, "summary", kind->summary,
		"text", kind->text, "by_lint", kind->by_lint, "silenceable", !kind->fixed);
}

static int list_codes(struct app *app)
{
	json_t *codes = app->want_json ? json_array() : NULL;

	for (unsigned i = 1; i < POL_WARNING_COUNT; i++) {
		const struct pol_warning_kind *kind = pol_warning_kind((enum pol_warning)i);

		if (app->want_json) {
			app_append(app, codes, json_kind(kind));
		} else {
			printf("%-21s  %s%s\n", kind->code, kind->summary,
				kind->by_lint ? "" : " (at every load, too)");
		}
	}
	if (app->want_json) {
		app_document(app, json_pack("{s:o}", "codes", codes));
	}
	return EXIT_YES;
}

static int fail_unknown(struct app *app, const char *code)
{
	const char *names[POL_WARNING_COUNT];
	const char *nearest;

	for (unsigned i = 1; i < POL_WARNING_COUNT; i++) {
		names[i - 1] = pol_warning_code((enum pol_warning)i);
	}
	nearest = args_nearest(code, names, POL_WARNING_COUNT - 1);
	return app_fail(app, EXIT_USAGE, "not_found",
		"unknown code '%s'%s%s%s (see 'authzcheck policy lint --list')", code,
		nearest != NULL ? ": did you mean '" : "", nearest != NULL ? nearest : "",
		nearest != NULL ? "'?" : "");
}

static int explain_code(struct app *app, const char *code)
{
	enum pol_warning warning = pol_warning_find(pol_str_of(code));
	const struct pol_warning_kind *kind = pol_warning_kind(warning);

	if (warning == POL_WARNING_NONE) {
		return fail_unknown(app, code);
	}
	if (app->want_json) {
		app_document(app, json_kind(kind));
		return EXIT_YES;
	}
	printf("%s%s%s: %s\n\n%s", text_begin(app->colour, COLOUR_BOLD), kind->code,
		text_end(app->colour, COLOUR_BOLD), kind->summary, kind->text);
	if (!kind->by_lint) {
		printf("\nIt is reported whenever the policy is loaded, by 'policy check' too.\n");
	}
	if (!kind->fixed) {
		printf("\nTo silence it on one line, at its end or alone above it:\n\n"
		       "    # lint: allow %s REASON\n",
			kind->code);
	}
	return EXIT_YES;
}

/* --- findings --------------------------------------------------------------------------------- */

static void put_json(struct app *app, const struct policy *policy)
{
	app_document(app, json_pack("{s:b, s:s, s:I, s:I, s:o}", "valid", true, "revision",
				  pol_snapshot_revision(policy->snapshot), "found",
				  (json_int_t)policy->diags.warnings, "silenced",
				  (json_int_t)policy->diags.silenced_count, "diagnostics",
				  policy_json_diags(app, policy)));
}

static void put_summary(struct app *app, const struct policy *policy, const char *path)
{
	size_t found = policy->diags.warnings;

	fflush(stderr);
	printf("%s%s%s: ", text_begin(app->colour, COLOUR_BOLD),
		text_escape(&app->arena, pol_str_of(path)), text_end(app->colour, COLOUR_BOLD));
	if (found == 0) {
		printf("%sclean%s", text_begin(app->colour, COLOUR_GREEN),
			text_end(app->colour, COLOUR_GREEN));
	} else {
		printf("%s", app_count(app, found, "finding"));
	}
	if (policy->diags.silenced_count > 0) {
		printf(", %zu silenced", policy->diags.silenced_count);
	}
	putchar('\n');
}

static int lint(struct app *app, const char *path, bool github, struct policy *policy)
{
	int status = policy_need(app, path, policy);

	if (status != EXIT_YES) {
		return status;
	}
	if (pol_lint(policy->snapshot, &policy->diags) != POL_OK) {
		return app_fail(app, EXIT_DAEMON, "internal", "%s: no memory left", path);
	}
	if (app->want_json) {
		put_json(app, policy);
	} else if (github) {
		policy_show_github(policy);
	} else {
		policy_show_diags(policy);
		put_summary(app, policy, path);
	}
	return policy->diags.warnings > 0 ? EXIT_NO : EXIT_YES;
}

static int run(struct app *app)
{
	const char *code = app->args.values[FLAG_EXPLAIN_CODE];
	bool list = app->args.given[FLAG_LIST_CODES];
	bool folder = app->args.word_count > 0;
	struct policy policy = { .most_shown = MOST_SHOWN };
	int status;

	if ((code != NULL) + list + folder != 1) {
		return app_fail(app, EXIT_USAGE, "usage",
			"policy lint needs one of DIR, --explain CODE and --list (see 'authzcheck "
			"policy lint --help')");
	}
	if (!folder) {
		return list ? list_codes(app) : explain_code(app, code);
	}
	status = lint(app, app->args.words[0], app->format == POLICY_FORMAT_GITHUB, &policy);
	policy_finish(&policy);
	return status;
}

const struct command command_policy_lint = {
	.name = "policy lint",
	.words = "[DIR]",
	.summary = "Find what is legal in a policy folder and surely not meant",
	.text = "Compares what rules, roles and scopes allow as sets, not as text: rules\n"
		"that change nothing, roles that nobody can use, scopes wider than any\n"
		"role, nodes that no request reaches or no rule allows, writing methods\n"
		"granted by a wildcard, tests that prove nothing, stacks that nothing\n"
		"includes. Each finding has a code. A comment silences it, alone above\n"
		"the line or at its end:\n"
		"\n"
		"  # lint: allow CODE, CODE reason\n"
		"\n"
		"A silence that silences nothing is a finding. Exit status 1 when\n"
		"something was found or the policy does not compile.\n",
	.examples = "  authzcheck policy lint policy/\n"
		    "  authzcheck policy lint --format github policy/   # annotations in a "
		    "workflow\n"
		    "  authzcheck policy lint --explain rule-covered\n"
		    "  authzcheck policy lint --list                    # every code\n",
	.flags = { FLAG_MODULES, FLAG_FORMAT, FLAG_EXPLAIN_CODE, FLAG_LIST_CODES },
	.formats = POLICY_FORMATS,
	.max_words = 1,
	.run = run,
};
