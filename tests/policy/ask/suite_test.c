/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/ask/suite.h"
#include "tests/policy/load.h"

struct seen {
	unsigned passed;
	unsigned failed;
	char failure[512];
	char name[128];
	uint32_t line;
};

static void on_test(void *context, struct pol_str test, struct pol_str file, uint32_t line,
	const struct pol_suite_failure *failure)
{
	struct seen *seen = context;

	cr_expect_gt(file.len, 0);
	snprintf(seen->name, sizeof seen->name, "%.*s", POL_STR_ARGS(test));
	seen->line = line;
	if (failure == NULL) {
		seen->passed++;
	} else {
		seen->failed++;
		snprintf(seen->failure, sizeof seen->failure, "%s", failure->text);
		cr_expect_not_null(failure->explanation);
	}
}

/* The policy has this many tests, all pass, and no warning comes. */
static void expect_passes(struct loaded loaded, unsigned tests)
{
	struct seen seen = { 0 };
	struct pol_suite_result result;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	cr_expect_str_eq(loaded.said, "", "%s", loaded.said);
	result = pol_suite_run(loaded.snapshot, &loaded.diags, on_test, &seen);
	render(&loaded);
	cr_expect_str_eq(loaded.said, "", "%s", loaded.said);
	cr_expect_eq(result.failed, 0, "%s", loaded.said);
	cr_expect_eq(result.passed, tests, "%zu", result.passed);
	cr_expect_eq(seen.passed, tests);
	unload(&loaded);
}

Test(suite, the_examples_pass_their_tests)
{
	expect_passes(load_folder("policy/examples/booking"), 9);
	expect_passes(load_folder("policy/examples/lendiq"), 5);
	expect_passes(load_folder("policy/examples/loanpro"), 10);
	expect_passes(load_folder("policy/examples/loop"), 3);
}

/* Each line of a test means what the page says, shown by a policy that says it of itself. */
static const char lines_policy[] =
	"environment live prefix a_live_\n"
	"environment test prefix a_test_\n"
	"tree api { /loans { list GET, create POST, /{loan} { read GET, update PUT PATCH } }\n"
	"    /health { GET } }\n"
	"role anyone { allow GET on api:/health }\n"
	"role reader { allow GET on api:/loans/** }\n"
	"role writer { allow create on api:/loans\n allow update on api:/loans/{loan} }\n"
	"scope read { allow GET on api:/loans/** }\n"
	"scope health { allow GET on api:/health }\n"
	"principal worker { role reader at api:/loans/7 until 2026-01-01\n role writer }\n"
	"stack open { authenticate required key anonymous=allow\n authorize required role }\n"
	"stack office { authenticate sufficient key\n authenticate required principal\n"
	"    account required network allow=10.0.0.0/8\n account required mfa max_age=1h\n"
	"    authorize required role }\n"
	"test \"it begins with a key that holds nothing\" {\n"
	"    deny GET api:/loans because role\n"
	"    allow GET api:/health\n"
	"}\n"
	"test \"as replaces, and adds\" {\n"
	"    as role reader\n allow GET api:/loans\n deny POST api:/loans because role\n"
	"    and role writer at api:/loans\n allow GET, POST api:/loans\n"
	"    as role writer\n allow POST api:/loans\n deny GET api:/loans because role\n"
	"}\n"
	"test \"a role ends at the time of the test\" {\n"
	"    as role reader until 2026-06-01\n allow GET api:/loans\n"
	"    time 2026-05-31T23:59:59Z\n allow GET api:/loans\n"
	"    time 2026-06-01T00:00:00Z\n deny GET api:/loans because role\n"
	"}\n"
	"test \"a declared principal has no key, and its roles' places and times\" {\n"
	"    as principal worker\n"
	"    allow GET api:/loans/7\n deny GET api:/loans/8 because role\n"
	"    allow update api:/loans/8\n"
	"    time 2026-01-01T00:00:00Z\n deny GET api:/loans/7 because role\n"
	"    service open\n allow update api:/loans/8\n"
	"}\n"
	"test \"nobody has neither\" {\n"
	"    as role reader\n with scope read\n as nobody\n"
	"    deny GET api:/loans because missing_token\n"
	"    service open\n deny GET api:/loans because role\n allow GET api:/health\n"
	"    as role reader\n allow GET api:/loans\n"
	"}\n"
	"test \"a switched-off principal, and on again\" {\n"
	"    as role reader\n as principal inactive\n"
	"    deny GET api:/loans because inactive_principal\n"
	"    as role reader\n allow GET api:/loans\n"
	"}\n"
	"test \"scopes alone, and scopes that narrow\" {\n"
	"    with scope read\n allow GET api:/loans\n deny POST api:/loans because scope\n"
	"    as role writer\n deny GET api:/loans because role\n"
	"    deny POST api:/loans because scope\n"
	"    with scope health, read\n deny POST api:/loans because scope\n"
	"}\n"
	"test \"a key's places\" {\n"
	"    as role reader\n key at api:/loans/7, api:/loans/8\n"
	"    allow GET api:/loans/7, api:/loans/8\n deny GET api:/loans/9 because scope\n"
	"    key at api:/loans\n allow GET api:/loans/9\n"
	"}\n"
	"test \"a key's states\" {\n"
	"    as role reader\n"
	"    key inactive\n deny GET api:/loans because inactive_key\n"
	"    key expired\n deny GET api:/loans because expired_key\n"
	"    key revoked\n deny GET api:/loans because revoked_key\n"
	"    key unknown\n deny GET api:/loans because unknown_key\n"
	"    key missing\n deny GET api:/loans because missing_token\n"
	"    service open\n allow GET api:/health\n deny GET api:/loans because role\n"
	"    key active\n allow GET api:/loans\n"
	"}\n"
	"test \"the key's environment\" {\n"
	"    as role reader\n environment test\n deny GET api:/loans because wrong_environment\n"
	"    environment live\n allow GET api:/loans\n"
	"}\n"
	"test \"address and second factor\" {\n"
	"    as role reader\n service office\n deny GET api:/loans because network\n"
	"    from 10.0.0.1\n deny GET api:/loans because mfa\n"
	"    mfa\n allow GET api:/loans\n"
	"    time 2026-01-01T12:00:00Z\n deny GET api:/loans because mfa\n"
	"    mfa\n time 2026-01-01T13:00:00Z\n allow GET api:/loans\n"
	"    time 2026-01-01T13:00:01Z\n deny GET api:/loans because mfa\n"
	"    as principal worker\n mfa\n allow POST api:/loans\n"
	"}\n"
	"test \"services\" {\n"
	"    service nothing\n deny GET api:/health because unknown_service\n"
	"}\n"
	"test \"paths as the web server saw them\" {\n"
	"    as role reader\n"
	"    allow GET api:/loans/, api:/loans/a%20b, \"api:/loans/a b\"\n"
	"    deny GET api:/loans//7, api:/loans/%2e%2e because malformed_path\n"
	"    deny GET api:/nothing because unknown_resource\n"
	"    deny DELETE api:/loans because unknown_action\n"
	"    allow HEAD api:/loans\n"
	"}\n";

Test(suite, each_line_means_what_the_page_says)
{
	struct loaded loaded = load_text(lines_policy);
	struct pol_suite_result result;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	result = pol_suite_run(loaded.snapshot, &loaded.diags, NULL, NULL);
	render(&loaded);
	cr_expect_eq(result.failed, 0, "%s", loaded.said);
	cr_expect_eq(result.passed, 13, "%zu", result.passed);
	unload(&loaded);
}

static const char peer_policy[] =
	"tree api { /loans { list GET, create POST } }\n"
	"role reader { allow GET on api:/loans }\n"
	"role writer { allow create on api:/loans }\n"
	"principal worker { role writer }\n"
	"principal biller { peer user bill\n peer group bills\n role reader until 2026-01-01 }\n"
	"stack local { authenticate sufficient key\n authenticate required peer\n"
	"    authorize required role }\n"
	"stack other { authenticate required deny\n authorize required deny }\n"
	"test \"a principal's own peer, and others\" {\n"
	"    as nobody\n service local\n peer bill\n allow GET api:/loans\n"
	"    peer bull\n deny GET api:/loans because missing_token\n"
	"    peer bills\n deny GET api:/loans because missing_token\n"
	"    as principal biller\n deny GET api:/loans because missing_token\n"
	"    peer bill\n allow GET api:/loans\n"
	"    time 2026-01-01\n deny GET api:/loans because role\n"
	"    as principal worker\n deny GET api:/loans because missing_token\n"
	"    as role writer\n deny GET api:/loans because role\n allow POST api:/loans\n"
	"}\n";

Test(suite, a_peer_is_the_principal_that_declares_it_when_no_other_is_named)
{
	expect_passes(load_text(peer_policy), 1);
}

Test(suite, a_failure_says_what_was_expected_and_what_came)
{
	struct loaded loaded = load_text("tree api { /a { GET, POST } }\n"
					 "role r { allow GET on api:/a }\n"
					 "test \"good\" { as role r\n allow GET api:/a }\n"
					 "test \"bad\" { as role r\n"
					 "    deny GET api:/a because role\n"
					 "    allow GET, POST api:/a\n"
					 "}\n");
	struct seen seen = { 0 };
	struct pol_suite_result result;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	result = pol_suite_run(loaded.snapshot, NULL, on_test, &seen);
	cr_expect_eq(result.passed, 1);
	cr_expect_eq(result.failed, 1);
	cr_expect_eq(seen.passed, 1);
	cr_expect_str_eq(seen.name, "bad");
	cr_expect_eq(seen.line, 5);
	cr_expect_str_eq(seen.failure, "expected deny because role for GET api:/a, got allow");
	result = pol_suite_run(loaded.snapshot, &loaded.diags, NULL, NULL);
	render(&loaded);
	cr_expect_eq(result.failed, 1);
	cr_expect_not_null(
		strstr(loaded.said,
			"test.policy:6:14: error: test \"bad\": expected deny because role for GET "
			"api:/a, got allow"),
		"%s", loaded.said);
	cr_expect_not_null(strstr(loaded.said, "test.policy:7:21: error: test \"bad\": expected "
					       "allow for POST api:/a, got deny "
					       "because role"),
		"%s", loaded.said);
	unload(&loaded);
}

Test(suite, a_policy_without_tests_passes)
{
	struct loaded loaded = load_text("tree api { /a { GET } }\n");
	struct pol_suite_result result;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	result = pol_suite_run(loaded.snapshot, &loaded.diags, NULL, NULL);
	cr_expect_eq(result.passed + result.failed, 0);
	unload(&loaded);
}

Test(suite, a_failure_has_notes_at_what_was_why)
{
	static const struct {
		const char *expectation;
		const char *notes[3]; /* in this order; NULL: no more */
	} rows[] = {
		{ "as role reader\n\tallow POST api:/a",
			{ "11:2: note: 'authorize required role' answered 'deny': role",
				"3:15: note: role writer would allow it" } },
		{ "as role heir\n\tdeny GET api:/a",
			{ "2:15: note: role heir <- reader allows it" } },
		{ "as role writer at api:/a\n\tallow POST api:/b",
			{ "11:2: note: 'authorize required role' answered 'deny': role",
				"3:15: note: role writer allows it elsewhere, but not here" } },
		{ "as role writer, mute\n\tallow POST api:/a",
			{ "5:13: note: role mute denies it" } },
		{ "as role writer\n\tfrom 192.0.2.1\n\tallow POST api:/a",
			{ "10:2: note: 'account required network' answered 'deny': network "
			  "(192.0.2.1)" } },
		{ "as nobody\n\tallow GET api:/nowhere", { "8:2: note: 'authenticate required key' "
							   "answered 'deny': missing_token" } },
		{ "as role reader\n\tallow GET api:/nowhere", { NULL } },
		{ "as role reader\n\twith scope reads\n\tallow POST api:/a",
			{ "3:15: note: role writer would allow it, together with a scope",
				"14:16: note: scope writes would allow it, together with the "
				"role" } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char policy[1024];
		struct loaded loaded;
		const char *from;
		size_t notes = 0;

		snprintf(policy, sizeof policy,
			"tree api { /a, /b { GET, POST } }\n"
			"role reader { allow GET on api:/** }\n"
			"role writer { allow POST on api:/** }\n"
			"role heir inherits reader\n"
			"role mute { deny POST on api:/** }\n"
			"\n"
			"stack other {\n"
			"\tauthenticate required key\n"
			"\taccount sufficient deny\n"
			"\taccount required network deny=192.0.2.0/24\n"
			"\tauthorize required role\n"
			"}\n"
			"scope reads { allow GET on api:/** }\n"
			"scope writes { allow POST on api:/** }\n"
			"test \"t\" {\n\tfrom 127.0.0.1\n\t%s\n}\n",
			rows[i].expectation);
		loaded = load_text(policy);
		cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
		cr_assert_eq(pol_suite_run(loaded.snapshot, &loaded.diags, NULL, NULL).failed, 1);
		render(&loaded);
		from = loaded.said;
		for (size_t k = 0; k < 3 && rows[i].notes[k] != NULL; k++) {
			from = strstr(from, rows[i].notes[k]);
			cr_assert_not_null(from, "%zu: %s", i, loaded.said);
			notes++;
		}
		for (from = loaded.said; (from = strstr(from, ": note: ")) != NULL; from++) {
			notes--;
		}
		cr_expect_eq(notes, 0, "%zu: %s", i, loaded.said);
		unload(&loaded);
	}
}

struct decided {
	size_t count, failed;
	char text[1024];
	const struct pol_snapshot *snapshot;
};

static void on_decided(void *context, const struct pol_suite_decided *decided)
{
	struct decided *seen = context;
	size_t used = strlen(seen->text);
	struct pol_str role =
		decided->facts->held_count > 0
			? pol_snapshot_role_name(seen->snapshot, decided->facts->held[0].role)
			: POL_STR("nobody");

	seen->count++;
	seen->failed += decided->failure != NULL;
	snprintf(seen->text + used, sizeof seen->text - used, "%u %.*s %.*s %.*s%s%s\n",
		(unsigned)decided->position.line, POL_STR_ARGS(role), POL_STR_ARGS(decided->verb),
		POL_STR_ARGS(decided->resource), decided->failure != NULL ? ": " : "",
		decided->failure != NULL ? decided->failure : "");
}

Test(suite, each_expectation_comes_with_its_line_and_what_failed_of_it)
{
	struct loaded loaded = load_text("tree api { /loans { GET, POST } }\n"
					 "role reader { allow GET on api:/loans }\n"
					 "test \"the first\" {\n"
					 "    as role reader\n"
					 "    allow GET, POST api:/loans\n"
					 "    deny POST api:/loans\n"
					 "}\n"
					 "test \"the second\" {\n"
					 "    as nobody\n"
					 "    deny GET api:/loans because missing_token\n"
					 "}\n");
	struct decided seen = { .snapshot = loaded.snapshot };
	const struct pol_suite_options options = { .decided = on_decided, .context = &seen };
	struct pol_suite_result result;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	result = pol_suite_run_some(loaded.snapshot, &options, NULL, NULL, NULL);
	cr_expect_eq(result.failed, 1);
	cr_expect_str_eq(seen.text,
		"5 reader GET api:/loans\n"
		"5 reader POST api:/loans: expected allow for POST api:/loans, got deny because "
		"role\n"
		"6 reader POST api:/loans\n"
		"10 nobody GET api:/loans\n");
	cr_expect_eq(seen.count, 4);
	cr_expect_eq(seen.failed, 1);
	unload(&loaded);
}
