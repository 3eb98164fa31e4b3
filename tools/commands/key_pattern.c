/* SPDX-License-Identifier: Apache-2.0 */

/* key pattern: the regular expression that finds leaked keys. */

#include <stdio.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/policy.h"

/* After the prefix: kid, which begins with the format's version, secret and checksum. RE2, PCRE and
 * POSIX accept it: it has no group but that of the prefixes, and no look-around. */
#define TAIL "1[0-9A-Za-z]{11}_[0-9A-Za-z]{38}"

/* Without a policy: any prefix. */
#define ANY_PREFIX "([0-9A-Za-z]+_)+"

static const char *prefixes(struct app *app, const struct policy *policy)
{
	const struct pol_environment *environments;
	size_t count = pol_snapshot_environments(policy->snapshot, &environments);
	const char *text = "(";

	for (size_t i = 0; i < count; i++) {
		/* Letters, digits and underscores: nothing to escape. */
		text = app_text(app, "%s%s%.*s", text, i > 0 ? "|" : "",
			POL_STR_ARGS(environments[i].prefix));
	}
	return app_text(app, "%s)", text);
}

static int print(struct app *app, const char *pattern, bool gitleaks)
{
	if (app->want_json) {
		app_document(app, json_pack("{s:s}", "pattern", pattern));
	} else if (gitleaks) {
		printf("[[rules]]\n"
		       "id = \"authz-key\"\n"
		       "description = \"A secret API key of authzd\"\n"
		       "regex = '''%s'''\n",
			pattern);
	} else {
		puts(pattern);
	}
	return EXIT_YES;
}

int key_pattern_run(struct app *app)
{
	bool gitleaks = app->format > 0; /* of text and gitleaks */
	const char *prefix = ANY_PREFIX;
	struct policy policy = { 0 };
	int status = EXIT_YES;

	if (app->args.word_count > 0) {
		status = policy_need(app, app->args.words[0], &policy);
		if (status == EXIT_YES) {
			prefix = prefixes(app, &policy);
		}
		policy_finish(&policy);
	}
	if (status != EXIT_YES) {
		return status;
	}
	return print(app, app_text(app, "\\b%s" TAIL "\\b", prefix), gitleaks);
}
