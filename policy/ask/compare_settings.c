/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "policy/ask/compare_internal.h"
#include "policy/snapshot/tree.h"

/* Adds a change of something that is not a permission. */
static struct pol_change *add(struct pol_compare *compare, struct pol_changes *changes,
	enum pol_change_kind kind, struct pol_str what, unsigned effect)
{
	struct pol_change *change = pol_changes_add(compare, changes, kind);

	if (change != NULL) {
		change->what = what;
		change->effect = effect;
	}
	return change;
}

static void show(const struct pol_changes *changes, struct pol_difference *difference,
	pol_compare_visit visit, void *context)
{
	difference->changes = changes->items;
	difference->count = changes->count;
	if (changes->count > 0 || difference->presence != POL_IN_BOTH) {
		visit(context, difference);
	}
}

/* --- environments ----------------------------------------------------------------------------- */

static const struct pol_environment *find_environment(
	const struct pol_snapshot *snapshot, struct pol_str name)
{
	uint32_t number = pol_snapshot_environment(snapshot, name);

	return number != POL_NONE ? &snapshot->environments[number] : NULL;
}

static bool is_default(const struct pol_snapshot *snapshot, struct pol_str name)
{
	return pol_str_equal(snapshot->environments[0].name, name);
}

static void compare_environment(struct pol_compare *compare,
	const struct pol_environment *const both[POL_SIDES], struct pol_str name,
	struct pol_changes *out)
{
	const unsigned either = POL_CHANGE_GAIN | POL_CHANGE_LOSS;
	const struct pol_environment *before = both[POL_SIDE_BEFORE], *after = both[POL_SIDE_AFTER];
	bool was = is_default(compare->sides[POL_SIDE_BEFORE], name);
	bool is = is_default(compare->sides[POL_SIDE_AFTER], name);

	if (before == NULL || after == NULL) {
		struct pol_str prefix = after != NULL ? after->prefix : before->prefix;

		add(compare, out, after != NULL ? POL_CHANGE_ADDED : POL_CHANGE_REMOVED,
			pol_compare_text(compare, "prefix %.*s", POL_STR_ARGS(prefix)),
			after != NULL ? POL_CHANGE_GAIN : POL_CHANGE_LOSS);
	} else if (!pol_str_equal(before->prefix, after->prefix)) {
		struct pol_change *change =
			add(compare, out, POL_CHANGE_ALTERED, POL_STR("prefix"), either);

		if (change != NULL) {
			change->before = before->prefix;
			change->after = after->prefix;
		}
	}
	if (was != is) {
		add(compare, out, is ? POL_CHANGE_ADDED : POL_CHANGE_REMOVED, POL_STR("default"),
			either);
	}
}

enum pol_status pol_compare_environments(
	struct pol_compare *compare, pol_compare_visit visit, void *context)
{
	const struct pol_snapshot *before = compare->sides[POL_SIDE_BEFORE];
	const struct pol_snapshot *after = compare->sides[POL_SIDE_AFTER];

	for (size_t i = 0; i < after->environment_count + before->environment_count; i++) {
		bool second = i >= after->environment_count;
		struct pol_str name =
			second ? before->environments[i - after->environment_count].name
			       : after->environments[i].name;
		const struct pol_environment *both[POL_SIDES] = { find_environment(before, name),
			find_environment(after, name) };
		struct pol_difference difference = { .kind = POL_COMPARED_ENVIRONMENT,
			.name = name };
		struct pol_changes changes = { 0 };

		pol_compare_next(compare);
		if (second && both[POL_SIDE_AFTER] != NULL) {
			continue;
		}
		difference.presence = both[POL_SIDE_BEFORE] == NULL  ? POL_IN_AFTER
				      : both[POL_SIDE_AFTER] == NULL ? POL_IN_BEFORE
								     : POL_IN_BOTH;
		compare_environment(compare, both, name, &changes);
		show(&changes, &difference, visit, context);
	}
	return compare->present.status;
}

/* --- limits ----------------------------------------------------------------------------------- */

struct limit {
	const char *name;
	bool time;      /* in seconds */
	bool unlimited; /* 0 is no limit */
	uint64_t values[POL_SIDES];
};

/* "365d", in the largest unit that divides it. */
static struct pol_str limit_text(
	struct pol_compare *compare, const struct limit *limit, uint64_t value)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } };

	if (value == 0 && limit->unlimited) {
		return POL_STR("no limit");
	}
	for (size_t i = 0; limit->time && i < sizeof units / sizeof units[0]; i++) {
		if (value > 0 && value % units[i].seconds == 0) {
			return pol_compare_text(
				compare, "%" PRIu64 "%c", value / units[i].seconds, units[i].unit);
		}
	}
	return pol_compare_text(compare, "%" PRIu64 "%s", value, limit->time ? "s" : "");
}

enum pol_status pol_compare_limits(
	struct pol_compare *compare, pol_compare_visit visit, void *context)
{
	const struct pol_limits *a = &compare->sides[POL_SIDE_BEFORE]->limits;
	const struct pol_limits *b = &compare->sides[POL_SIDE_AFTER]->limits;
	const struct limit limits[] = {
		{ "keys_per_principal", false, true,
			{ a->keys_per_principal, b->keys_per_principal } },
		{ "secrets_per_principal", false, true,
			{ a->secrets_per_principal, b->secrets_per_principal } },
		{ "key_ttl", true, true, { a->key_ttl, b->key_ttl } },
		{ "key_max_ttl", true, true, { a->key_max_ttl, b->key_max_ttl } },
		{ "rotation_overlap", true, false, { a->rotation_overlap, b->rotation_overlap } },
		{ "rotation_max_overlap", true, false,
			{ a->rotation_max_overlap, b->rotation_max_overlap } },
	};
	struct pol_difference difference = { .kind = POL_COMPARED_LIMITS };
	struct pol_changes changes = { 0 };

	pol_compare_next(compare);
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		const struct limit *limit = &limits[i];
		/* With 0 for no limit, one less is the largest number. */
		uint64_t less = limit->unlimited ? 1 : 0;
		struct pol_change *change;

		if (limit->values[0] == limit->values[1]) {
			continue;
		}
		change = add(compare, &changes, POL_CHANGE_ALTERED, pol_str_of(limit->name),
			limit->values[1] - less > limit->values[0] - less ? POL_CHANGE_GAIN
									  : POL_CHANGE_LOSS);
		if (change != NULL) {
			change->before = limit_text(compare, limit, limit->values[0]);
			change->after = limit_text(compare, limit, limit->values[1]);
		}
	}
	show(&changes, &difference, visit, context);
	return compare->present.status;
}
