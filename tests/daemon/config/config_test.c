/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/config/peer.h"

struct row {
	char pattern[48];
	char resource[48];
	bool matches;
};

ParameterizedTestParameters(config, a_pattern_matches_its_segments_and_no_more)
{
	static struct row rows[] = {
		{ "authz:/keys", "authz:/keys", true },
		{ "authz:/keys", "authz:/keys/1abc", false },
		{ "authz:/keys", "authz:/keysx", false },
		{ "authz:/keys/*", "authz:/keys/1abc", true },
		{ "authz:/keys/*", "authz:/keys", false },
		{ "authz:/keys/*", "authz:/keys/1abc/x", false },
		{ "authz:/keys/**", "authz:/keys", true },
		{ "authz:/keys/**", "authz:/keys/1abc", true },
		{ "authz:/keys/**", "authz:/keys/1abc/x", true },
		{ "authz:/keys/**", "authz:/principals", false },
		{ "authz:/**", "authz:/grants/roles/viewer", true },
		{ "authz:/**", "api:/loans", false },
		{ "authz:/grants/*/viewer", "authz:/grants/roles/viewer", true },
		{ "authz:/grants/*/viewer", "authz:/grants/roles/admin", false },
		{ "authz:/**/viewer", "authz:/grants/roles/viewer", false },
		{ "authz:/keys/1*", "authz:/keys/1abc", false },
	};

	return cr_make_param_array(struct row, rows, sizeof rows / sizeof rows[0]);
}

ParameterizedTest(struct row *row, config, a_pattern_matches_its_segments_and_no_more)
{
	struct config_manager line = { { false, 1000 }, pol_str_of(row->pattern), NULL, 0 };
	const struct config config = { .managers = &line, .manager_count = 1 };
	const struct peer peer = { .uid = 1000, .gid = 1000 };

	cr_assert_eq(config_match_manager_allows(
			     &config, &peer, pol_str_of(row->resource), POL_STR("read")),
		row->matches, "%s %s", row->pattern, row->resource);
}

Test(config, a_manage_line_allows_its_subject_its_actions_alone)
{
	struct pol_str actions[] = { POL_STR_INIT("list"), POL_STR_INIT("read") };
	struct config_manager lines[] = {
		{ { false, 1000 }, POL_STR_INIT("authz:/keys/**"), actions, 2 },
		{ { true, 50 }, POL_STR_INIT("authz:/principals/**"), NULL, 0 },
	};
	struct config config = { .managers = lines, .manager_count = 2 };
	struct peer user = { .uid = 1000, .gid = 1000 };
	struct peer member = { .uid = 1001, .gid = 1001, .groups = { 7, 50 }, .group_count = 2 };
	struct peer nobody = { .uid = 65534, .gid = 50 };

	cr_assert(config_match_manager_allows(
		&config, &user, POL_STR("authz:/keys/1abc"), POL_STR("read")));
	cr_assert_not(config_match_manager_allows(
		&config, &user, POL_STR("authz:/keys/1abc"), POL_STR("revoke")));
	cr_assert_not(config_match_manager_allows(
		&config, &user, POL_STR("authz:/principals/p"), POL_STR("read")));
	cr_assert(config_match_manager_allows(
		&config, &member, POL_STR("authz:/principals/p"), POL_STR("delete")));
	cr_assert_not(config_match_manager_allows(
		&config, &member, POL_STR("authz:/keys"), POL_STR("list")));
	cr_assert_not(config_match_manager_allows(
		&config, &nobody, POL_STR("authz:/principals/p"), POL_STR("read")));
	cr_assert(config_match_manager(&config, &member));
	cr_assert_not(config_match_manager(&config, &nobody));
}

Test(config, all_actions_on_the_whole_tree_are_everything_and_nothing_less_is)
{
	static const struct {
		const char *pattern;
		size_t actions;
		bool is_group, everything;
	} rows[] = {
		{ "authz:/**", 0, false, true },
		{ "authz:/**", 0, true, true },
		{ "authz:/**", 1, false, false },
		{ "authz:/keys/**", 0, false, false },
		{ "authz:/*/**", 0, false, false },
		{ "authz:/*", 0, false, false },
	};
	static struct pol_str read = POL_STR_INIT("read");
	const struct peer peer = { .uid = 1000, .gid = 1000 }, other = { .uid = 1001 };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct config_manager line = { { rows[i].is_group, 1000 },
			pol_str_of(rows[i].pattern), &read, rows[i].actions };
		const struct config config = { .managers = &line, .manager_count = 1 };

		cr_expect_eq(
			config_match_manager_all(&config, &peer), rows[i].everything, "row %zu", i);
		cr_expect_not(config_match_manager_all(&config, &other));
		cr_expect_eq(config_match_uid_all(&config, 1000),
			rows[i].everything && !rows[i].is_group, "row %zu", i);
		cr_expect_not(config_match_uid_all(&config, 1001));
	}
}

Test(config, subordinate_uids_are_of_their_user)
{
	static const char text[] = "1000:100000:65536\n"
				   "root:165536:1\n"
				   "no-such-user-here:200000:10\n"
				   "1001:4294967295:1\n"
				   "# 1:2:3\n1002:5\n1002::7\n1002:7:\n1002:x:7\n1002:7:x\n"
				   "1002:0:5\n1002:5:0\n1002:4294967295:2\n1002:-1:5\n\n:\n::\n";
	char path[] = "/tmp/subuid_XXXXXX", why[CONFIG_WHY] = "";
	int fd = mkstemp(path);
	struct config config;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, sizeof text - 1), (ssize_t)(sizeof text - 1));
	config_init(&config);
	config.subuid = path;
	cr_assert_eq(config_subuid_read(&config, why), 0, "%s", why);
	cr_expect_eq(config.subuid_count, 4);
	cr_expect_eq(config_subuid_owner(&config, 99999), 99999);
	cr_expect_eq(config_subuid_owner(&config, 100000), 1000);
	cr_expect_eq(config_subuid_owner(&config, 165535), 1000);
	cr_expect_eq(config_subuid_owner(&config, 165536), 0);
	cr_expect_eq(config_subuid_owner(&config, 165537), 165537);
	cr_expect_eq(config_subuid_owner(&config, 200009), 200000);
	cr_expect_eq(config_subuid_owner(&config, 200010), 200010);
	cr_expect_eq(config_subuid_owner(&config, UINT32_MAX), 1001);
	cr_expect_eq(config_subuid_owner(&config, 5), 5);
	close(fd);
	unlink(path);
	cr_expect_eq(
		config_subuid_read(&config, why), -ENOENT, "a file that is named must be there");
	config.subuid = NULL;
	cr_expect_eq(config_subuid_read(&config, why), 0);
	config_finish(&config);
}

Test(config, an_empty_configuration_allows_nobody_anything)
{
	struct config config = { .policy = NULL };
	struct peer peer = { .uid = 0 };

	cr_assert_not(config_match_manager_allows(
		&config, &peer, POL_STR("authz:/keys"), POL_STR("list")));
	cr_assert_not(config_match_trusts(&config, &peer));
}

/* A file of these lines. */
static int read_lines(struct config *config, const char *text)
{
	char path[] = "/tmp/config_XXXXXX";
	int fd = mkstemp(path);
	int r;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	r = config_read(config, path);
	unlink(path);
	return r;
}

Test(config, shared_is_the_words_of_its_line)
{
	struct config config;

	config_init(&config);
	cr_assert_eq(read_lines(&config, "shared host=db1,db2 dbname=authz user=authz\n"
					 "host web-1.eu\nstart_stale yes\n"),
		0);
	cr_expect_str_eq(config.shared, "host=db1,db2 dbname=authz user=authz");
	cr_expect_str_eq(config.host, "web-1.eu");
	cr_expect(config.start_stale);
	config_finish(&config);

	config_init(&config);
	cr_assert_eq(read_lines(&config, "shared \"host=/run/postgresql dbname='a b'\"\n"), 0);
	cr_expect_str_eq(config.shared, "host=/run/postgresql dbname='a b'");
	cr_expect_not(config.start_stale);
	config_finish(&config);
}

Test(config, a_host_is_named_after_its_machine_unless_a_line_names_it)
{
	char why[CONFIG_WHY] = "", name[256] = "";
	struct config config;

	config_init(&config);
	config.state = "/state";
	cr_assert_eq(config_defaults(&config, why), 0, "%s", why);
	cr_expect_null(config.host, "a single store has no name");
	config.shared = "dbname=authz";
	cr_assert_eq(gethostname(name, sizeof name - 1), 0);
	name[strcspn(name, ".")] = 0;
	cr_assert_eq(config_defaults(&config, why), 0, "%s", why);
	cr_expect_str_eq(config.host, name);
	config_finish(&config);
}

Test(config, a_name_of_a_host_is_letters_digits_and_few_signs)
{
	cr_expect(config_is_host(POL_STR("web1")));
	cr_expect(config_is_host(POL_STR("_a.b-c_D9")));
	cr_expect_not(config_is_host(POL_STR("")));
	cr_expect_not(config_is_host(POL_STR(".")));
	cr_expect_not(config_is_host(POL_STR("-a")));
	cr_expect_not(config_is_host(POL_STR("a@b")));
	cr_expect_not(config_is_host(POL_STR("a b")));
	cr_expect_not(config_is_host(POL_STR("a/b")));
	cr_expect_not(config_is_host(POL_STR("a\xc3\xa4")));
}
