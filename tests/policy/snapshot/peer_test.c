/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "policy/text/host.h"

/* A fake machine, with two names for one user. */
static const struct {
	const char *name;
	bool group;
	uint32_t id;
} machine[] = {
	{ "root", false, 0 },
	{ "billing", false, 7 },
	{ "alias", false, 7 },
	{ "mailer", false, 8 },
	{ "root", true, 0 },
	{ "staff", true, 7 },
	{ "wheel", true, 9 },
	{ "ops", true, 10 },
};

static enum pol_status on_user(void *context, bool is_group, struct pol_str name, uint32_t *out_id)
{
	(void)context;
	if (pol_str_equal(name, POL_STR("broken"))) {
		return POL_EINVALID;
	}
	for (size_t i = 0; i < sizeof machine / sizeof machine[0]; i++) {
		if (machine[i].group == is_group &&
			pol_str_equal(pol_str_of(machine[i].name), name)) {
			*out_id = machine[i].id;
			return POL_OK;
		}
	}
	return POL_ENOTFOUND;
}

static const struct pol_host host = { .user = on_user };

/* Returns the first message, or an empty string. */
static struct pol_snapshot *compile(const char *text, char said[static 256])
{
	struct pol_source source = { POL_STR("a.policy"), pol_str_of(text) };
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	(void)pol_compile(&source, 1, &host, &diags, &snapshot);
	said[0] = '\0';
	if (diags.first != NULL) {
		snprintf(said, 256, "%u:%u %.*s", diags.first->line, diags.first->column,
			POL_STR_ARGS(diags.first->message));
	}
	pol_diags_finish(&diags);
	return snapshot;
}

static void expect(const struct pol_snapshot *snapshot, uint32_t user,
	const uint32_t groups[static 2], const char *id)
{
	uint32_t found = pol_peer_find(snapshot, user, groups, 2);

	cr_expect(pol_str_equal(pol_snapshot_principal_id(snapshot, found), pol_str_of(id)),
		"user %u in %u and %u is not %s", user, groups[0], groups[1], id);
}

Test(peer, a_user_line_wins_over_group_lines_and_groups_must_agree)
{
	char said[256];
	struct pol_snapshot *snapshot =
		compile("principal a { peer user billing\n peer group wheel }\n"
			"principal b { peer user mailer\n peer group staff }\n"
			"principal c { peer group ops\n peer user root }\n",
			said);

	cr_assert_not_null(snapshot, "%s", said);
	cr_expect_str_eq(said, "");
	expect(snapshot, 7, (uint32_t[]){ 100, 101 }, "a");
	expect(snapshot, 7, (uint32_t[]){ 10, 7 }, "a");
	expect(snapshot, 8, (uint32_t[]){ 9, 9 }, "b");
	expect(snapshot, 0, (uint32_t[]){ 0, 0 }, "c");
	expect(snapshot, 200, (uint32_t[]){ 9, 100 }, "a");
	expect(snapshot, 200, (uint32_t[]){ 100, 7 }, "b");
	expect(snapshot, 200, (uint32_t[]){ 9, 9 }, "a");
	/* 8 is a user here, and no group. */
	expect(snapshot, 200, (uint32_t[]){ 8, 0 }, "");
	expect(snapshot, 200, (uint32_t[]){ 9, 10 }, "");
	expect(snapshot, 201, (uint32_t[]){ 100, 101 }, "");
	pol_snapshot_unref(snapshot);
}

Test(peer, two_names_of_one_user_are_two_principals_for_one_peer)
{
	char said[256];
	struct pol_snapshot *snapshot = compile("principal a { peer user billing }\n"
						"principal b { peer user alias }\n",
		said);

	cr_expect_null(snapshot);
	cr_expect_str_eq(said, "2:25 user 'alias' is the same to this machine as 'billing', which "
			       "is principal 'a' already");
	snapshot = compile("principal a { peer user billing\n peer user alias }\n", said);
	cr_expect_not_null(snapshot, "%s", said);
	pol_snapshot_unref(snapshot);
}

Test(peer, an_unknown_name_is_a_warning_and_has_no_peer)
{
	char said[256];
	struct pol_snapshot *snapshot = compile("principal a { peer group billing }\n", said);

	cr_assert_not_null(snapshot);
	cr_expect_str_eq(said, "1:26 this machine has no group 'billing': nobody is known by it");
	cr_expect(!pol_peer_any(snapshot));
	expect(snapshot, 7, (uint32_t[]){ 7, 0 }, "");
	pol_snapshot_unref(snapshot);
}

Test(peer, a_failing_database_of_users_is_an_error)
{
	char said[256];

	cr_expect_null(compile("principal a { peer user broken }\n", said));
	cr_expect_str_eq(said, "1:25 this machine cannot be asked now who user 'broken' is: load "
			       "the policy again later");
}
