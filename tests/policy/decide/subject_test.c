/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/subject.h"

#include <criterion/criterion.h>

#include "tests/policy/compiled_text.h"

/* Own, own, everyone's, anyone's, anyone's; some with an end. */
static const struct pol_held held[] = { { .role = 1 }, { .role = 2, .until = 50 },
	{ .role = 3, .until = 60 }, { .role = 4, .until = 50 }, { .role = 5 } };
static const struct pol_facts facts = { .principal_state = POL_PRINCIPAL_ACTIVE,
	.held = held,
	.held_count = 5,
	.everyone_count = 1,
	.anyone_count = 2 };

Test(subject, each_role_has_its_holder)
{
	static const enum pol_holder holders[] = { POL_HOLDER_SUBJECT, POL_HOLDER_SUBJECT,
		POL_HOLDER_EVERYONE, POL_HOLDER_ANYONE, POL_HOLDER_ANYONE };

	for (uint32_t i = 0; i < 5; i++) {
		cr_expect_eq(pol_subject_holder(&facts, i), holders[i], "%u", i);
	}
}

Test(subject, at_a_later_time_those_are_left_that_have_not_ended)
{
	struct pol_held room[5];
	struct pol_facts then;

	pol_subject_at(&facts, 49, room, &then);
	cr_expect_eq(then.held_count, 5);
	pol_subject_at(&facts, 50, room, &then);
	cr_expect_eq(then.held_count, 3);
	cr_expect_eq(then.everyone_count, 1);
	cr_expect_eq(then.anyone_count, 1);
	cr_expect_eq(then.held[1].role, 3);
	cr_expect_eq(pol_subject_holder(&then, 2), POL_HOLDER_ANYONE);
	pol_subject_at(&facts, 60, room, &then);
	cr_expect_eq(then.held_count, 2);
	cr_expect_eq(then.everyone_count, 0);
	cr_expect_eq(pol_subject_holder(&then, 0), POL_HOLDER_SUBJECT);
}

Test(subject, without_a_principal_the_roles_of_every_caller_are_left)
{
	struct pol_facts nobody = facts;

	cr_expect_eq(pol_subject_first(&facts), 0);
	nobody.principal_state = POL_PRINCIPAL_NONE;
	cr_expect_eq(pol_subject_first(&nobody), 3);
	nobody.principal_state = POL_PRINCIPAL_UNKNOWN;
	cr_expect_eq(pol_subject_first(&nobody), 3);
}

/* A key's scopes narrow what everyone holds, and not what anyone holds. */
Test(subject, a_key_narrows_what_a_principal_holds_and_not_what_every_caller_holds)
{
	struct pol_snapshot *snapshot = compiled_text_good("tree api { /a { GET }, /b { GET } }\n"
							   "role reader { allow GET on api:/a }\n"
							   "scope none { deny GET on api:/a }\n"
							   "scope other { allow GET on api:/b }\n");
	const struct pol_held one = { .role = pol_snapshot_role(snapshot, POL_STR("reader")) };
	uint32_t scope = pol_snapshot_scope(snapshot, POL_STR("other"));
	struct pol_facts key = { .key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_PRINCIPAL,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.held = &one,
		.held_count = 1,
		.everyone_count = 1,
		.narrowed = true,
		.narrowed_by_scopes = true,
		.scopes = &scope,
		.scope_count = 1 };
	struct pol_run run = { 0, 64 };
	struct pol_run_word at;
	struct pol_path path;
	uint64_t allowed;

	cr_assert_eq(pol_path_read(POL_STR("/a"), &path), POL_OK);
	cr_assert(pol_run_next(&run, &at));
	allowed = pol_subject_allows(
		&key, pol_subject_eval(snapshot, &key, POL_STR("api"), &path, &at));
	cr_expect_eq(allowed, 0);
	key.everyone_count = 0;
	key.anyone_count = 1;
	allowed = pol_subject_allows(
		&key, pol_subject_eval(snapshot, &key, POL_STR("api"), &path, &at));
	cr_expect_neq(allowed, 0);
	/* A scope's denial counts for both. */
	scope = pol_snapshot_scope(snapshot, POL_STR("none"));
	allowed = pol_subject_allows(
		&key, pol_subject_eval(snapshot, &key, POL_STR("api"), &path, &at));
	cr_expect_eq(allowed, 0);
	pol_snapshot_unref(snapshot);
}
