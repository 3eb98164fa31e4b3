/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/role_effect.h"

#include "tests/policy/compiled_text.h"

/* What a change says, a line for each item, and whether more are wanted. */
struct told {
	char text[4096];
	size_t len;
	unsigned most; /* items of each kind */
	unsigned counts[2];
	struct pol_role_effect effect;
};

static void tell(struct told *told, struct pol_str text)
{
	told->len += (size_t)snprintf(
		told->text + told->len, sizeof told->text - told->len, "%.*s", POL_STR_ARGS(text));
	cr_assert_lt(told->len, sizeof told->text);
}

static bool on_item(void *context, const struct pol_role_effect_item *item)
{
	struct told *told = (struct told *)context;

	if (told->counts[item->gained]++ == told->most) {
		return false;
	}
	tell(told, item->gained ? POL_STR("+") : POL_STR("-"));
	for (size_t i = 0; i < item->action_count; i++) {
		tell(told, i > 0 ? POL_STR(",") : POL_STR(""));
		tell(told, item->actions[i]);
	}
	tell(told, POL_STR(" "));
	tell(told, item->resource);
	if (item->when.len > 0) {
		tell(told, POL_STR(" when "));
		tell(told, item->when);
	}
	if (item->other.len > 0) {
		tell(told, POL_STR(" other "));
		tell(told, item->other);
	}
	tell(told, POL_STR("\n"));
	return true;
}

static uint32_t number_of(const struct pol_snapshot *snapshot, const char *name)
{
	return name != NULL ? pol_snapshot_role(snapshot, pol_str_of(name)) : POL_NONE;
}

/* One role becomes another. NULL: none. */
static struct told change(const char *policy, const char *before, const char *after, unsigned most)
{
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	struct told told = { .most = most };
	const struct pol_role_change change = {
		.before = snapshot,
		.after = snapshot,
		.role_before = number_of(snapshot, before),
		.role_after = number_of(snapshot, after),
		.visit = on_item,
		.context = &told,
	};

	cr_assert_eq(pol_role_effect_find(&change, &told.effect), POL_OK);
	pol_snapshot_unref(snapshot);
	return told;
}

static const char plain[] =
	"facts { resource.n int }\n"
	"tree api { /a { read GET HEAD, write }\n /b { GET, PUT } }\n"
	"role none { deny all on api:/a }\n"
	"role all { allow all on api:/** }\n"
	"role some { allow GET on api:/a, api:/b }\n"
	"role less { allow all on api:/**\n deny HEAD on api:/a }\n"
	"role small { allow all on api:/a when resource.n < 3 }\n"
	"role large { allow all on api:/a when resource.n < 5 }\n"
	"role other { allow write on api:/a when resource.n > 3\n allow read on api:/a }\n"
	"role never { allow write on api:/a when resource.n > 3\n deny write on api:/a }\n";

Test(role_effect, what_is_gained_is_an_action_by_its_name_or_its_methods)
{
	struct told told = change(plain, NULL, "all", 9);

	cr_expect_str_eq(told.text, "+read,write api:/a\n+GET,PUT api:/b\n");
	cr_expect_eq(told.effect.gained, 5);
	cr_expect_eq(told.effect.lost, 0);
	told = change(plain, "all", "some", 9);
	cr_expect_str_eq(told.text, "-HEAD,write api:/a\n-PUT api:/b\n");
	cr_expect_eq(told.effect.gained, 0);
	cr_expect_eq(told.effect.lost, 3);
	told = change(plain, "less", "all", 9);
	cr_expect_str_eq(told.text, "+HEAD api:/a\n");
}

Test(role_effect, what_is_denied_everywhere_or_never_allowed_is_no_change)
{
	struct told told = change(plain, NULL, "none", 9);

	cr_expect_str_eq(told.text, "");
	told = change(plain, NULL, NULL, 9);
	cr_expect_str_eq(told.text, "");
	told = change(plain, "all", "all", 9);
	cr_expect_str_eq(told.text, "");
	told = change(plain, "never", "none", 9);
	cr_expect_str_eq(told.text, "");
	cr_expect_eq(told.effect.gained + told.effect.lost, 0);
}

Test(role_effect, conditions_are_those_of_both_sides_and_wider_is_gained_alone)
{
	struct told told = change(plain, "small", "large", 9);

	cr_expect_str_eq(
		told.text, "+read,write api:/a when resource.n < 5 other resource.n < 3\n");
	cr_expect_eq(told.effect.gained, 3);
	told = change(plain, "large", "small", 9);
	cr_expect_str_eq(
		told.text, "-read,write api:/a when resource.n < 5 other resource.n < 3\n");
	told = change(plain, "large", "other", 9);
	cr_expect_str_eq(told.text, "+read api:/a other resource.n < 5\n"
				    "+write api:/a when resource.n > 3 other resource.n < 5\n"
				    "-write api:/a when resource.n < 5 other resource.n > 3\n");
	cr_expect_eq(told.effect.gained, 3);
	cr_expect_eq(told.effect.lost, 1);
}

/* A role with `count` facts becomes one that says the same in other words. */
static struct told reworded(int count)
{
	char policy[2048] = "facts { resource.n int", rest[512] = "";
	size_t len;

	for (int i = 0; i < count; i++) {
		len = strlen(policy);
		snprintf(policy + len, sizeof policy - len, "\n resource.b%d bool", i);
		len = strlen(rest);
		snprintf(rest + len, sizeof rest - len, " or resource.b%d", i);
	}
	len = strlen(policy);
	snprintf(policy + len, sizeof policy - len,
		" }\ntree api { /a { GET } }\n"
		"role before { allow GET on api:/a when resource.n < 5%s }\n"
		"role after { allow GET on api:/a when resource.n <= 4%s }\n",
		rest, rest);
	return change(policy, "before", "after", 9);
}

Test(role_effect, what_takes_too_many_steps_counts_as_gained_and_as_lost)
{
	struct told told = reworded(13);

	cr_expect_eq(told.effect.gained + told.effect.lost, 0);
	told = reworded(14);
	cr_expect_eq(told.effect.gained, 1);
	cr_expect_eq(told.effect.lost, 1);
}

Test(role_effect, anyone_is_considered)
{
	static const char policy[] = "facts { resource.n int }\n"
				     "tree api { /a { GET }\n /b { GET } }\n"
				     "role anyone { allow GET on api:/a\n"
				     "deny GET on api:/b when resource.n < 3 }\n"
				     "role all { allow GET on api:/** }\n"
				     "role not { deny GET on api:/** }\n";
	struct told told = change(policy, NULL, "all", 9);

	cr_expect_str_eq(told.text, "+GET api:/b when resource.n >= 3\n");
	told = change(policy, NULL, "not", 9);
	cr_expect_str_eq(told.text, "-GET api:/a\n");
}

Test(role_effect, the_totals_count_what_is_not_shown)
{
	struct told told = change(plain, "some", "all", 1);

	cr_expect_str_eq(told.text, "+HEAD,write api:/a\n");
	cr_expect_eq(told.counts[1], 2);
	cr_expect_eq(told.effect.gained, 3);
	told = change(plain, "all", NULL, 0);
	cr_expect_str_eq(told.text, "");
	cr_expect_eq(told.counts[0], 1);
	cr_expect_eq(told.effect.lost, 5);
}
