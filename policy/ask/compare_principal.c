/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/compare_internal.h"

/* The `peer` lines of each principal: the slots of peer_names, linked. */
struct peers {
	const struct pol_snapshot *snapshot;
	uint32_t *first; /* by principal: a slot + 1, or 0 */
	uint32_t *next;  /* by slot: a slot + 1, or 0 */
};

static enum pol_status list_peers(
	struct pol_arena *arena, const struct pol_snapshot *snapshot, struct peers *out)
{
	const struct pol_names *names = &snapshot->peer_names;
	size_t slots = names->slots != NULL ? (size_t)names->mask + 1 : 0;

	out->snapshot = snapshot;
	out->first = pol_arena_alloc(arena, snapshot->principal_count, sizeof *out->first);
	out->next = pol_arena_alloc(arena, slots, sizeof *out->next);
	if (out->first == NULL || out->next == NULL) {
		return arena->status;
	}
	for (size_t i = 0; i < slots; i++) {
		uint32_t principal;

		if (names->slots[i].text.ptr == NULL) {
			continue;
		}
		principal = snapshot->peer_principals[names->slots[i].number];
		out->next[i] = out->first[principal];
		out->first[principal] = (uint32_t)i + 1;
	}
	return POL_OK;
}

static bool has_peer(const struct peers *peers, uint32_t principal, struct pol_str name)
{
	uint32_t line = pol_names_find(&peers->snapshot->peer_names, name);

	return principal != POL_NONE && line != POL_NONE &&
	       peers->snapshot->peer_principals[line] == principal;
}

/* Adds the `peer` lines of numbers[side] that the other policy does not give the principal. */
static enum pol_status add_peers(struct pol_compare *compare, const struct peers peers[POL_SIDES],
	const uint32_t numbers[POL_SIDES], enum pol_side side, struct pol_changes *out)
{
	const struct peers *have = &peers[side];
	bool added = side == POL_SIDE_AFTER;
	uint32_t slot = numbers[side] != POL_NONE ? have->first[numbers[side]] : 0;

	for (; slot != 0; slot = have->next[slot - 1]) {
		struct pol_str name = have->snapshot->peer_names.slots[slot - 1].text;
		struct pol_change *change;

		if (has_peer(&peers[!side], numbers[!side], name)) {
			continue;
		}
		change = pol_changes_add(
			compare, out, added ? POL_CHANGE_ADDED : POL_CHANGE_REMOVED);
		if (change == NULL) {
			return compare->present.status;
		}
		change->what = pol_compare_text(compare, "peer %.*s", POL_STR_ARGS(name));
		change->effect = added ? POL_CHANGE_GAIN : POL_CHANGE_LOSS;
	}
	return compare->present.status;
}

static void principal_facts(const struct pol_snapshot *snapshot, uint32_t principal,
	struct pol_held *held, struct pol_facts *out)
{
	const struct pol_principal *from = &snapshot->principals[principal];

	*out = (struct pol_facts){
		.key_state = POL_KEY_MISSING,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.held = held,
		.held_count = from->assignment_count,
		.principal = from->id,
		.principal_kind = POL_KIND_SERVICE, /* as in the daemon */
		.attributes = &from->attributes,
		.tenant_name = POL_STR("default"),
		.declared = true,
	};
	for (uint32_t i = 0; i < from->assignment_count; i++) {
		held[i] = from->assignments[i].held;
		held[i].until = from->assignments[i].until;
	}
}

static enum pol_status compare_one(struct pol_compare *compare, const uint32_t numbers[POL_SIDES],
	int64_t now, struct pol_changes *out)
{
	struct pol_held held[POL_SIDES][POL_PRINCIPAL_ROLES];
	struct pol_facts facts[POL_SIDES];
	const struct pol_facts *both[POL_SIDES] = { NULL, NULL };

	for (int side = 0; side < POL_SIDES; side++) {
		if (numbers[side] != POL_NONE) {
			principal_facts(
				compare->sides[side], numbers[side], held[side], &facts[side]);
			both[side] = &facts[side];
		}
	}
	return pol_compare_add_subject(compare, both, now, out);
}

enum pol_status pol_compare_principals(
	struct pol_compare *compare, int64_t now, pol_compare_visit visit, void *context)
{
	const struct pol_snapshot *before = compare->sides[POL_SIDE_BEFORE];
	const struct pol_snapshot *after = compare->sides[POL_SIDE_AFTER];
	struct peers peers[POL_SIDES];
	enum pol_status status = list_peers(&compare->arena, before, &peers[POL_SIDE_BEFORE]);

	if (status == POL_OK) {
		status = list_peers(&compare->arena, after, &peers[POL_SIDE_AFTER]);
	}
	for (uint32_t i = 0;
		status == POL_OK && i < after->principal_count + before->principal_count; i++) {
		struct pol_difference difference = { .kind = POL_COMPARED_PRINCIPAL };
		uint32_t numbers[POL_SIDES] = { POL_NONE, POL_NONE };
		struct pol_changes changes = { 0 };

		pol_compare_next(compare);
		if (i < after->principal_count) {
			difference.name = after->principals[i].id;
			numbers[POL_SIDE_AFTER] = i;
			numbers[POL_SIDE_BEFORE] = pol_snapshot_principal(before, difference.name);
		} else {
			numbers[POL_SIDE_BEFORE] = i - after->principal_count;
			difference.name = before->principals[numbers[POL_SIDE_BEFORE]].id;
			if (pol_snapshot_principal(after, difference.name) != POL_NONE) {
				continue;
			}
		}
		status = compare_one(compare, numbers, now, &changes);
		for (int side = POL_SIDE_AFTER; status == POL_OK && side >= 0; side--) {
			status = add_peers(compare, peers, numbers, (enum pol_side)side, &changes);
		}
		difference.presence = numbers[POL_SIDE_BEFORE] == POL_NONE  ? POL_IN_AFTER
				      : numbers[POL_SIDE_AFTER] == POL_NONE ? POL_IN_BEFORE
									    : POL_IN_BOTH;
		difference.changes = changes.items;
		difference.count = changes.count;
		if (status == POL_OK && (changes.count > 0 || difference.presence != POL_IN_BOTH)) {
			visit(context, &difference);
		}
	}
	return status;
}
