/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/compare_internal.h"

/* Two roles exclude each other if a set names both; how pairs are gathered into sets does not
 * count.
 */

static void add(struct pol_compare *compare, struct pol_changes *changes, enum pol_change_kind kind,
	struct pol_str what, unsigned effect)
{
	struct pol_change *change = pol_changes_add(compare, changes, kind);

	if (change != NULL) {
		change->what = what;
		change->effect = effect;
	}
}

/* The members of each set: roles[first[s]] up to, not including, roles[first[s + 1]]. */
struct exclusives {
	const struct pol_snapshot *snapshot;
	uint32_t count;
	uint32_t *first; /* count + 1 */
	uint32_t *roles;
};

static uint32_t role_count(const struct pol_snapshot *snapshot)
{
	return snapshot->role_count - snapshot->stored_count;
}

static enum pol_status list_exclusives(
	struct pol_arena *arena, const struct pol_snapshot *snapshot, struct exclusives *out)
{
	uint32_t *next;
	size_t members = 0;

	*out = (struct exclusives){ .snapshot = snapshot, .count = snapshot->exclusive_count };
	out->first = pol_arena_alloc(arena, (size_t)out->count + 1, sizeof *out->first);
	next = pol_arena_alloc(arena, (size_t)out->count + 1, sizeof *next);
	if (out->first == NULL || next == NULL) {
		return arena->status;
	}
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t role = 0; role < role_count(snapshot); role++) {
			const struct pol_grantee *grantee = &snapshot->roles[role];

			for (uint32_t i = 0; i < grantee->exclusion_count; i++) {
				struct pol_exclusion exclusion = grantee->exclusions[i];

				if (exclusion.member != role) {
					continue; /* inherited */
				}
				if (pass == 0) {
					next[exclusion.set]++;
					members++;
				} else {
					out->roles[next[exclusion.set]++] = role;
				}
			}
		}
		if (pass > 0) {
			break;
		}
		out->roles = pol_arena_alloc(arena, members, sizeof *out->roles);
		if (out->roles == NULL) {
			return arena->status;
		}
		for (uint32_t s = 0; s < out->count; s++) {
			out->first[s + 1] = out->first[s] + next[s];
			next[s] = out->first[s];
		}
	}
	return POL_OK;
}

/* Does the set itself name the role? */
static bool is_named(const struct pol_snapshot *snapshot, uint32_t set, uint32_t role)
{
	for (uint32_t i = 0; role != POL_NONE && i < snapshot->roles[role].exclusion_count; i++) {
		struct pol_exclusion exclusion = snapshot->roles[role].exclusions[i];

		if (exclusion.set == set && exclusion.member == role) {
			return true;
		}
	}
	return false;
}

/* Does a set of the policy itself name both roles? */
static bool excludes(const struct pol_snapshot *snapshot, struct pol_str one, struct pol_str other)
{
	uint32_t a = pol_snapshot_role(snapshot, one);
	uint32_t b = pol_snapshot_role(snapshot, other);

	for (uint32_t i = 0; a != POL_NONE && i < snapshot->roles[a].exclusion_count; i++) {
		struct pol_exclusion exclusion = snapshot->roles[a].exclusions[i];

		if (exclusion.member == a && is_named(snapshot, exclusion.set, b)) {
			return true;
		}
	}
	return false;
}

/* "collector, auditor" */
static struct pol_str list_names(struct pol_compare *compare, const struct pol_snapshot *snapshot,
	const uint32_t *roles, uint32_t count)
{
	size_t len = 0;
	char *text;

	for (uint32_t i = 0; i < count; i++) {
		len += snapshot->roles[roles[i]].name.len + 2;
	}
	text = pol_arena_alloc(&compare->present, len, 1);
	len = 0;
	for (uint32_t i = 0; text != NULL && i < count; i++) {
		struct pol_str name = snapshot->roles[roles[i]].name;

		if (i > 0) {
			memcpy(text + len, ", ", 2);
			len += 2;
		}
		memcpy(text + len, name.ptr, name.len);
		len += name.len;
	}
	return (struct pol_str){ text, len };
}

/* The members of one set, and the policy that may exclude them too. */
struct members {
	const struct pol_snapshot *snapshot;
	const struct pol_snapshot *other;
	const uint32_t *roles;
	uint32_t count;
};

/* Has the other policy one set that names them all? */
static bool is_known_set(const struct members *members)
{
	const struct pol_snapshot *other = members->other;
	struct pol_str first = members->snapshot->roles[members->roles[0]].name;
	uint32_t role = pol_snapshot_role(other, first);

	for (uint32_t i = 0; role != POL_NONE && i < other->roles[role].exclusion_count; i++) {
		struct pol_exclusion exclusion = other->roles[role].exclusions[i];
		uint32_t found = 1;

		while (exclusion.member == role && found < members->count) {
			struct pol_str name = members->snapshot->roles[members->roles[found]].name;

			if (!is_named(other, exclusion.set, pol_snapshot_role(other, name))) {
				break;
			}
			found++;
		}
		if (exclusion.member == role && found == members->count) {
			return true;
		}
	}
	return false;
}

/* How many pairs of the set the other policy does not exclude; `found`, unless NULL, is called for
 * each. */
static size_t each_pair(const struct members *members,
	void (*found)(void *context, const uint32_t both[2]), void *context)
{
	const struct pol_grantee *roles = members->snapshot->roles;
	size_t count = 0;

	for (uint32_t i = 0; i < members->count; i++) {
		for (uint32_t k = i + 1; k < members->count; k++) {
			const uint32_t both[] = { members->roles[i], members->roles[k] };

			if (excludes(members->other, roles[both[0]].name, roles[both[1]].name)) {
				continue;
			}
			count++;
			if (found != NULL) {
				found(context, both);
			}
		}
	}
	return count;
}

struct adding {
	struct pol_compare *compare;
	const struct pol_snapshot *snapshot;
	enum pol_side side;
	struct pol_changes *out;
};

static void add_roles(struct adding *adding, const uint32_t *roles, uint32_t count)
{
	bool added = adding->side == POL_SIDE_AFTER;

	add(adding->compare, adding->out, added ? POL_CHANGE_ADDED : POL_CHANGE_REMOVED,
		list_names(adding->compare, adding->snapshot, roles, count),
		added ? POL_CHANGE_LOSS : POL_CHANGE_GAIN);
}

static void on_pair(void *context, const uint32_t both[2])
{
	add_roles((struct adding *)context, both, 2);
}

/* Adds the pairs of one set that the other policy does not exclude: the set whole if that is all of
 * them. */
static void add_set(struct pol_compare *compare, const struct exclusives *have, uint32_t set,
	enum pol_side side, struct pol_changes *out)
{
	struct adding adding = { compare, have->snapshot, side, out };
	struct members members = { have->snapshot, compare->sides[!side],
		have->roles + have->first[set], have->first[set + 1] - have->first[set] };
	size_t all = (size_t)members.count * (members.count - 1) / 2;

	if (members.count < 2 || is_known_set(&members)) {
		return;
	}
	if (each_pair(&members, NULL, NULL) == all) {
		add_roles(&adding, members.roles, members.count);
	} else {
		(void)each_pair(&members, on_pair, &adding);
	}
}

enum pol_status pol_compare_exclusives(
	struct pol_compare *compare, pol_compare_visit visit, void *context)
{
	struct pol_difference difference = { .kind = POL_COMPARED_EXCLUSIVE };
	struct pol_changes changes = { 0 };

	pol_compare_next(compare);
	for (int side = POL_SIDE_AFTER; side >= 0; side--) {
		struct exclusives have;
		enum pol_status status =
			list_exclusives(&compare->present, compare->sides[side], &have);

		if (status != POL_OK) {
			return status;
		}
		for (uint32_t set = 0; set < have.count; set++) {
			add_set(compare, &have, set, (enum pol_side)side, &changes);
		}
	}
	difference.changes = changes.items;
	difference.count = changes.count;
	if (changes.count > 0) {
		visit(context, &difference);
	}
	return compare->present.status;
}
