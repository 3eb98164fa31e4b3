/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/reload_attempt.h"

#include <sys/stat.h>

#include "daemon/keys/quota_counters.h"
#include "daemon/keys/usage.h"
#include "daemon/load/build.h"
#include "daemon/load/current.h"
#include "daemon/load/plugin.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/server.h"
#include "daemon/store/record.h"
#include "daemon/write/writer.h"
#include "tests/daemon/folder.h"

static char policy[128];
static struct config config;
static struct server server;
static struct reload_attempt attempt;

static void write_policy(const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof path, "%s/a.policy", policy);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
}

/* A server without listeners and workers: its store, its writer, and the policy that answers. */
static void setup(void)
{
	struct build_options options;
	struct build build;

	folder_make();
	folder_path(policy, sizeof policy, "policy");
	cr_assert_eq(mkdir(policy, 0700), 0);
	write_policy("role reader {\n}\n");
	config = (struct config){
		.policy = policy, .state = folder_name, .uid = geteuid(), .gid = getegid()
	};
	server.context.config = &config;
	server.notify = NOTIFY_NONE;
	server.context.store = folder_store();
	cr_assert_eq(usage_create(server.context.store, &server.context.usage), 0);
	cr_assert_eq(
		writer_create(server.context.store, server.context.usage, NULL, &server.writer), 0);
	cr_assert_eq(quota_counters_create(store_secrets(server.context.store), 64,
			     &server.context.quota_counters),
		0);
	cr_assert_eq(plugins_create(&server.plugins), 0);
	options = build_options_of(&config, NULL, server.plugins);
	build_run(&build, &options);
	cr_assert_not_null(build.snapshot, "%s", build.why);
	cr_assert_eq(current_init(&server.current, build.snapshot), 0);
	build.snapshot = NULL;
	cr_assert_eq(reload_attempt_init(&attempt, &server, &build), 0);
	build_finish(&build);
}

static void teardown(void)
{
	char path[160];

	reload_attempt_finish(&attempt);
	current_finish(&server.current);
	plugins_destroy(server.plugins);
	writer_destroy(server.writer);
	quota_counters_destroy(server.context.quota_counters);
	usage_destroy(server.context.usage);
	store_close(server.context.store);
	snprintf(path, sizeof path, "%s/a.policy", policy);
	unlink(path);
	rmdir(policy);
	folder_remove();
}

TestSuite(reload_attempt, .init = setup, .fini = teardown);

static const struct report_policy *last(void)
{
	return &attempt.attempts.last;
}

static uint64_t serial(void)
{
	return current_serial(&server.current);
}

Test(reload_attempt, a_folder_that_did_not_change_is_not_built_unless_a_reload_was_asked_for)
{
	int64_t at = last()->attempted_at;

	attempt.attempts.last.attempted_at = -1;
	cr_expect_eq(reload_attempt_run(&attempt, RELOAD_WATCH, NULL), 0);
	cr_expect_eq(last()->attempted_at, -1, "nothing was built");
	cr_expect_eq(reload_attempt_run(&attempt, RELOAD_SIGNAL, NULL), 0);
	cr_expect_geq(last()->attempted_at, at);
	cr_expect(last()->ok);
	cr_expect_eq(last()->reloads, 0, "the same policy is not exchanged for itself");
	cr_expect_eq(serial(), 1);
}

Test(reload_attempt, a_changed_policy_is_exchanged_once)
{
	char before[sizeof last()->revision];

	memcpy(before, last()->revision, sizeof before);
	write_policy("role reader {\n}\nrole writer {\n}\n");
	cr_expect_eq(reload_attempt_run(&attempt, RELOAD_WATCH, NULL), 0);
	cr_expect(last()->ok);
	cr_expect_eq(last()->reloads, 1);
	cr_expect_eq(serial(), 2);
	cr_expect_eq(last()->serial, 2);
	cr_expect_str_neq(last()->revision, before);
	cr_expect_str_eq(last()->revision, pol_snapshot_revision(server.current.snapshot));
	cr_expect_eq(reload_attempt_run(&attempt, RELOAD_WATCH, NULL), 0);
	cr_expect_eq(serial(), 2);
}

Test(reload_attempt, an_empty_file_waits_before_it_is_believed_for_an_editor_may_be_writing_it)
{
	uint64_t again;

	write_policy("");
	again = reload_attempt_run(&attempt, RELOAD_WATCH, NULL);
	cr_expect_gt(again, 0);
	cr_expect_leq(again, RELOAD_EMPTY);
	cr_expect_eq(serial(), 1, "the policy that answers stays");
	cr_expect(last()->ok);
	write_policy("role reader {\n}\nrole writer {\n}\n");
	cr_expect_eq(reload_attempt_run(&attempt, RELOAD_WATCH, NULL), 0);
	cr_expect_eq(serial(), 2);
	cr_expect_eq(pol_snapshot_role_count(server.current.snapshot), 2);
}

Test(reload_attempt, a_file_that_stays_empty_is_believed)
{
	write_policy("");
	cr_expect_gt(reload_attempt_run(&attempt, RELOAD_WATCH, NULL), 0);
	/* Its time is over. */
	attempt.empty_since -= RELOAD_EMPTY * UINT64_C(1000000);
	cr_expect_eq(reload_attempt_run(&attempt, RELOAD_WATCH, NULL), 0);
	cr_expect_eq(serial(), 2);
	cr_expect_eq(pol_snapshot_role_count(server.current.snapshot), 0);
}

Test(reload_attempt, a_reload_that_was_asked_for_believes_an_empty_file_at_once)
{
	write_policy("");
	cr_expect_eq(reload_attempt_run(&attempt, RELOAD_SIGNAL, NULL), 0);
	cr_expect_eq(serial(), 2);
	cr_expect_eq(reload_attempt_run(&attempt, RELOAD_WATCH, NULL), 0, "it was empty before");
	cr_expect_eq(serial(), 2);
}

Test(reload_attempt, a_policy_with_an_error_is_refused_and_the_running_one_stays)
{
	struct pol_snapshot *running = server.current.snapshot;

	write_policy("role reader {\n}\nrole reader {\n}\n");
	reload_attempt_run(&attempt, RELOAD_WATCH, NULL);
	cr_expect_not(last()->ok);
	cr_expect_eq(last()->errors, 1);
	cr_expect_eq(last()->refused, 1);
	cr_expect_eq(serial(), 1);
	cr_expect_eq(server.current.snapshot, running);
	cr_expect_str_eq(last()->revision, pol_snapshot_revision(running), "what answers");

	write_policy("role reader {\n}\nrole other {\n}\n");
	reload_attempt_run(&attempt, RELOAD_WATCH, NULL);
	cr_expect(last()->ok);
	cr_expect_eq(serial(), 2);
}

static void store_principal(const char *id)
{
	const struct store_principal principal = { .id = pol_str_of(id),
		.tenant = STORE_TENANT_DEFAULT,
		.created_at = 1000,
		.created_by = POL_STR("uid:0") };
	struct store_write *write;

	cr_assert_eq(store_write_begin(server.context.store, &write), 0);
	cr_assert_eq(store_put_principal(write, &principal), 0);
	cr_assert_eq(folder_enter(write, principal.id), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

/* Found in the writer, after a build without errors. */
Test(reload_attempt, a_policy_that_names_a_principal_of_the_store_is_refused)
{
	store_principal("alice");
	write_policy("role reader {\n}\nprincipal alice {\n    role reader\n}\n");
	reload_attempt_run(&attempt, RELOAD_WATCH, NULL);
	cr_expect_not(last()->ok);
	cr_expect_eq(last()->errors, 1);
	cr_expect_eq(serial(), 1);
}

Test(reload_attempt, a_folder_that_cannot_be_listed_keeps_the_running_policy)
{
	char aside[160];

	snprintf(aside, sizeof aside, "%s-aside", policy);
	cr_assert_eq(rename(policy, aside), 0);
	reload_attempt_run(&attempt, RELOAD_WATCH, NULL);
	cr_expect_not(last()->ok);
	cr_expect_str_neq(attempt.attempts.why, "");
	cr_expect_eq(serial(), 1);
	cr_assert_eq(rename(aside, policy), 0);
	reload_attempt_run(&attempt, RELOAD_WATCH, NULL);
	cr_expect(last()->ok);
	cr_expect_eq(serial(), 1);
}
