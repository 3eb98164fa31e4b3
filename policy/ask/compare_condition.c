/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/compare_internal.h"
#include "policy/ask/formula_subject.h"

/*
 * Roles and scopes with conditions are compared permission by permission: what they allow beside
 * what they deny, and what they deny. Permissions that the same grants have on both sides are a
 * group, of which one is compared. The grants that have a permission are known by a hash of 128
 * bits, to which each conditional adds its own number, mixed.
 */

/* --- words ------------------------------------------------------------------------------------ */

/* The text of a formula, and `always` or `never`. */
static struct pol_str text_of(
	struct pol_compare *compare, int side, const struct pol_formula *formula)
{
	const struct pol_snapshot *snapshot = compare->sides[side];
	size_t len = pol_formula_format(snapshot, formula, NULL, 0);
	char *text = pol_arena_alloc(&compare->present, len + 1, 1);

	if (text == NULL) {
		return (struct pol_str){ NULL, 0 };
	}
	pol_formula_format(snapshot, formula, text, len + 1);
	return (struct pol_str){ text, len };
}

/* The same, and nothing for `always`. */
static struct pol_str condition_of(
	struct pol_compare *compare, int side, const struct pol_formula *formula)
{
	return formula->kind != POL_FORMULA_ALWAYS ? text_of(compare, side, formula)
						   : (struct pol_str){ NULL, 0 };
}

bool pol_compare_equal_verdicts(
	const struct pol_condition_verdict *a, const struct pol_condition_verdict *b)
{
	return a->kind == b->kind && a->denial == b->denial && pol_str_equal(a->when, b->when) &&
	       pol_str_equal(a->before, b->before) && pol_str_equal(a->after, b->after);
}

enum pol_status pol_compare_add_verdict(struct pol_compare *compare, const uint64_t *bits,
	const struct pol_condition_verdict *verdict, const struct pol_region *region,
	struct pol_changes *out)
{
	size_t first = out->count;
	enum pol_status status = pol_fold(compare, bits, verdict->kind, region, out);

	for (size_t i = first; status == POL_OK && i < out->count; i++) {
		out->items[i].when = verdict->when;
		out->items[i].before = verdict->before;
		out->items[i].after = verdict->after;
		out->items[i].denial = verdict->denial;
	}
	return status;
}

/* --- one permission --------------------------------------------------------------------------- */

static enum pol_status find_difference(const struct pol_compare *compare,
	const struct pol_formula *const formulas[POL_SIDES], enum pol_formula_difference *out)
{
	const struct pol_formula_side before = { compare->sides[0], formulas[0] };
	const struct pol_formula_side after = { compare->sides[1], formulas[1] };

	if (formulas[0] == NULL || formulas[1] == NULL) {
		return compare->present.status;
	}
	return pol_formula_compare(&before, &after, out);
}

enum pol_status pol_compare_allowed(struct pol_compare *compare,
	const struct pol_formula *const formulas[POL_SIDES],
	const struct pol_formula *const shown[POL_SIDES], struct pol_condition_verdict *out)
{
	static const enum pol_change_kind kinds[] = {
		[POL_FORMULA_SAME] = POL_CHANGE_NONE,
		[POL_FORMULA_WIDER] = POL_CHANGE_WIDER,
		[POL_FORMULA_NARROWER] = POL_CHANGE_NARROWER,
		[POL_FORMULA_BOTH] = POL_CHANGE_OTHERWISE,
		[POL_FORMULA_MAY_BE_WIDER] = POL_CHANGE_MAYBE,
	};
	enum pol_formula_difference difference = POL_FORMULA_MAY_BE_WIDER;
	enum pol_status status = find_difference(compare, formulas, &difference);

	*out = (struct pol_condition_verdict){ .kind = POL_CHANGE_NONE };
	if (status != POL_OK || difference == POL_FORMULA_SAME) {
		return status;
	}
	out->kind = kinds[difference];
	if (shown[0]->kind == POL_FORMULA_NEVER && difference == POL_FORMULA_WIDER) {
		out->kind = POL_CHANGE_GAINED;
		out->when = condition_of(compare, POL_SIDE_AFTER, shown[1]);
	} else if (shown[1]->kind == POL_FORMULA_NEVER && difference == POL_FORMULA_NARROWER) {
		out->kind = POL_CHANGE_LOST;
		out->when = condition_of(compare, POL_SIDE_BEFORE, shown[0]);
	} else {
		out->before = text_of(compare, POL_SIDE_BEFORE, shown[0]);
		out->after = text_of(compare, POL_SIDE_AFTER, shown[1]);
	}
	return compare->present.status;
}

/* The conditions on which the role denies the permission, as written: one of them is enough, also
 * while it is unknown. */
static struct pol_str text_of_denial(struct pol_compare *compare, int side,
	const struct pol_grantee *grantee, uint32_t permission)
{
	const struct pol_snapshot *snapshot = compare->sides[side];
	struct pol_str text = { NULL, 0 };

	if (permission == POL_NONE || pol_permset_has(&grantee->deny, permission)) {
		return permission == POL_NONE ? POL_STR("never") : POL_STR("always");
	}
	for (uint32_t i = 0; i < grantee->conditional_count; i++) {
		const struct pol_conditional *one = &grantee->conditionals[i];
		size_t len;
		char *more;

		if (!one->deny || !pol_permset_has(&one->set, permission)) {
			continue;
		}
		len = pol_condition_format(snapshot, one->condition, NULL, 0);
		more = pol_arena_alloc(&compare->present, len + 1, 1);
		if (more == NULL) {
			return text;
		}
		pol_condition_format(snapshot, one->condition, more, len + 1);
		text = pol_compare_text(
			compare, "%.*s%s%s", POL_STR_ARGS(text), text.len > 0 ? " or " : "", more);
	}
	return text.len > 0 ? text : POL_STR("never");
}

/* What is compared of one permission. */
struct asked {
	const struct pol_grantee *both[POL_SIDES];
	uint32_t source[POL_SIDES]; /* its number in each policy, or POL_NONE */
	const struct pol_formula *allows[POL_SIDES], *spares[POL_SIDES];
};

/* Where one policy denies nothing, the condition of the other decides alone. */
static void shorten_denial(const struct asked *asked, struct pol_condition_verdict *verdict)
{
	bool denied = verdict->kind == POL_CHANGE_DENIED;
	int with = denied ? POL_SIDE_AFTER : POL_SIDE_BEFORE;

	if ((denied || verdict->kind == POL_CHANGE_UNDENIED) &&
		asked->spares[!with]->kind == POL_FORMULA_ALWAYS) {
		bool always = asked->spares[with]->kind == POL_FORMULA_NEVER;

		verdict->when = denied ? verdict->after : verdict->before;
		verdict->when.len = always ? 0 : verdict->when.len;
		verdict->before = (struct pol_str){ NULL, 0 };
		verdict->after = (struct pol_str){ NULL, 0 };
	}
}

static enum pol_status compare_denied(
	struct pol_compare *compare, const struct asked *asked, struct pol_condition_verdict *out)
{
	enum pol_formula_difference difference = POL_FORMULA_MAY_BE_WIDER;
	enum pol_status status = find_difference(compare, asked->spares, &difference);

	*out = (struct pol_condition_verdict){ .kind = POL_CHANGE_NONE };
	if (status != POL_OK || difference == POL_FORMULA_SAME) {
		return status;
	}
	for (int side = 0; side < POL_SIDES; side++) {
		struct pol_str text =
			text_of_denial(compare, side, asked->both[side], asked->source[side]);

		*(side == POL_SIDE_BEFORE ? &out->before : &out->after) = text;
	}
	/* The same text, but the default of a fact is another. */
	if (pol_str_equal(out->before, out->after)) {
		out->before = pol_compare_text(compare, "unless %.*s",
			POL_STR_ARGS(text_of(compare, POL_SIDE_BEFORE, asked->spares[0])));
		out->after = pol_compare_text(compare, "unless %.*s",
			POL_STR_ARGS(text_of(compare, POL_SIDE_AFTER, asked->spares[1])));
	}
	out->denial = difference == POL_FORMULA_BOTH || difference == POL_FORMULA_MAY_BE_WIDER;
	out->kind = difference == POL_FORMULA_NARROWER ? POL_CHANGE_DENIED
		    : difference == POL_FORMULA_WIDER  ? POL_CHANGE_UNDENIED
		    : difference == POL_FORMULA_BOTH   ? POL_CHANGE_OTHERWISE
						       : POL_CHANGE_MAYBE;
	shorten_denial(asked, out);
	return compare->present.status;
}

struct pol_knowledge pol_compare_segment(
	const struct pol_joint *joint, uint32_t node, uint32_t segment)
{
	const struct pol_joint_node *nodes = joint->nodes;
	uint32_t depth = 0;

	for (uint32_t at = node; nodes[at].parent != POL_NONE; at = nodes[at].parent) {
		depth++;
	}
	for (; depth > segment + 1; depth--) {
		node = nodes[node].parent;
	}
	if (depth != segment + 1 || nodes[node].shown->kind != POL_SEGMENT_LITERAL) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	return (struct pol_knowledge){ POL_KNOWN_VALUE,
		{ .type = POL_TYPE_STRING, .text = nodes[node].shown->name } };
}

/* A node of the joined trees, whose path is asked for. */
struct asked_node {
	const struct pol_joint *joint;
	uint32_t node;
};

static struct pol_knowledge segment_of(const struct pol_knowing *knowing, uint32_t segment)
{
	const struct asked_node *asked = knowing->context;

	return pol_compare_segment(asked->joint, asked->node, segment);
}

static struct pol_knowledge fact_of(const struct pol_knowing *knowing, uint32_t fact)
{
	(void)knowing;
	(void)fact;
	return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
}

/* Makes the formulas of a permission of the joined trees. */
static void ask(struct pol_compare *compare, uint32_t permission, struct asked *asked)
{
	static const struct pol_grantee none = { 0 };
	const struct pol_joint *joint = &compare->joint;
	const struct asked_node node = { joint, joint->node_of[permission] };
	const struct pol_knowing knowing = {
		.fact = fact_of, .segment = segment_of, .context = &node
	};

	for (int side = 0; side < POL_SIDES; side++) {
		const struct pol_formulas formulas = { compare->sides[side], &compare->present,
			&knowing };
		uint32_t source = joint->source[side][permission];
		const struct pol_formula *parts[2];

		asked->source[side] = source;
		asked->both[side] = asked->both[side] != NULL ? asked->both[side] : &none;
		if (source == POL_NONE) {
			asked->allows[side] = pol_formula_never();
			asked->spares[side] = pol_formula_always();
			continue;
		}
		parts[0] = pol_formula_allows(&formulas, asked->both[side], source);
		parts[1] = pol_formula_does_not_deny(&formulas, asked->both[side], source);
		asked->allows[side] =
			pol_formula_join(&compare->present, POL_FORMULA_AND, parts, 2);
		asked->spares[side] = parts[1];
	}
}

/* --- groups ----------------------------------------------------------------------------------- */

struct group {
	uint64_t key[2 * POL_SIDES + 1];
	uint32_t permission; /* the first */
	struct pol_condition_verdict verdicts[2];
};

struct groups {
	struct pol_compare *compare;
	const struct pol_grantee *const *both;
	struct group *items;
	size_t count, capacity;
	uint32_t *table; /* the group and one more, by hash */
	size_t mask;
};

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return value ^ value >> 32;
}

/* Adds a conditional's number to the marks of 64 permissions, or clears them. */
static void mark_word(struct pol_condition_marks *marks, uint64_t word, uint64_t number, bool set)
{
	for (; word != 0; word &= word - 1) {
		struct pol_condition_marks *one = &marks[__builtin_ctzll(word)];

		one->words[0] = set ? one->words[0] + mix(number) : 0;
		one->words[1] = set ? one->words[1] + mix(~number) : 0;
	}
}

static void mark(struct pol_compare *compare, int side, const struct pol_grantee *grantee, bool set)
{
	for (uint32_t i = 0; grantee != NULL && i < grantee->conditional_count; i++) {
		const struct pol_permset *of = &grantee->conditionals[i].set;

		for (uint32_t c = 0; c < of->count; c++) {
			struct pol_condition_marks *marks =
				compare->marks[side] + (size_t)of->numbers[c] * POL_CHUNK_BITS;

			for (size_t w = 0; w < POL_CHUNK_WORDS; w++) {
				mark_word(marks + w * 64, of->chunks[c]->words[w], i + 1, set);
			}
		}
	}
}

static void make_key(const struct groups *groups, uint32_t permission, uint64_t *key)
{
	const struct pol_compare *compare = groups->compare;
	const struct pol_joint *joint = &compare->joint;
	uint32_t node = joint->node_of[permission];
	bool own = true;

	memset(key, 0, (2 * POL_SIDES + 1) * sizeof *key);
	for (int side = 0; side < POL_SIDES; side++) {
		const struct pol_grantee *grantee = groups->both[side];
		uint32_t source = joint->source[side][permission];

		own = own && joint->nodes[node].own[side] != POL_NONE;
		key[4] = key[4] << 3 | (source != POL_NONE);
		if (source == POL_NONE || grantee == NULL) {
			continue;
		}
		key[2 * side] = compare->marks[side][source].words[0];
		key[2 * side + 1] = compare->marks[side][source].words[1];
		key[4] |= (uint64_t)pol_permset_has(&grantee->allow, source) << 1;
		key[4] |= (uint64_t)pol_permset_has(&grantee->deny, source) << 2;
	}
	/* Where another node answers, a parameter has the value of a literal. */
	key[4] |= own ? 0 : ((uint64_t)node + 1) << 8;
}

static bool make_room(struct groups *groups)
{
	struct pol_arena *arena = &groups->compare->present;
	size_t slots = groups->table != NULL ? 2 * (groups->mask + 1) : 64;

	if (groups->count * 2 >= groups->mask || groups->table == NULL) {
		groups->table = pol_arena_alloc(arena, slots, sizeof *groups->table);
		groups->mask = slots - 1;
		for (size_t i = 0; groups->table != NULL && i < groups->count; i++) {
			size_t at = mix(groups->items[i].key[0] ^ groups->items[i].key[3]) &
				    groups->mask;

			while (groups->table[at] != 0) {
				at = (at + 1) & groups->mask;
			}
			groups->table[at] = (uint32_t)i + 1;
		}
	}
	if (groups->table != NULL && groups->count == groups->capacity) {
		struct group *items = pol_arena_grow(arena, groups->items, groups->count,
			groups->count + 1, sizeof *items, &groups->capacity);

		groups->items = items != NULL ? items : groups->items;
		return items != NULL;
	}
	return groups->table != NULL;
}

/* Puts the permission into its group. */
static bool sort_in(struct groups *groups, uint32_t permission)
{
	struct group *group;
	uint64_t key[2 * POL_SIDES + 1];
	size_t at;

	make_key(groups, permission, key);
	if (!make_room(groups)) {
		return false;
	}
	at = mix(key[0] ^ key[3]) & groups->mask;
	while (groups->table[at] != 0 &&
		memcmp(groups->items[groups->table[at] - 1].key, key, sizeof key) != 0) {
		at = (at + 1) & groups->mask;
	}
	if (groups->table[at] == 0) {
		group = &groups->items[groups->count];
		*group = (struct group){ .permission = permission };
		memcpy(group->key, key, sizeof key);
		groups->table[at] = (uint32_t)++groups->count;
	}
	groups->compare->group_of[permission] = groups->table[at] - 1;
	return true;
}

static enum pol_status sort_all(struct groups *groups)
{
	struct pol_compare *compare = groups->compare;
	bool ok = true;

	mark(compare, 0, groups->both[0], true);
	mark(compare, 1, groups->both[1], true);
	for (size_t w = 0; ok && w < compare->joint.words; w++) {
		for (uint64_t word = compare->sometimes[w]; ok && word != 0; word &= word - 1) {
			ok = sort_in(groups, (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(word));
		}
	}
	mark(compare, 0, groups->both[0], false);
	mark(compare, 1, groups->both[1], false);
	return ok ? POL_OK : compare->present.status;
}

/* --- changes ---------------------------------------------------------------------------------- */

/* Adds the permissions of all groups from this one on that have its verdict. */
static enum pol_status add_groups(
	struct groups *groups, size_t first, int number, struct pol_changes *out)
{
	struct pol_compare *compare = groups->compare;
	const struct pol_condition_verdict verdict = groups->items[first].verdicts[number];
	uint64_t *bits = compare->result;

	for (size_t i = first; i < groups->count; i++) {
		struct group *group = &groups->items[i];

		group->key[0] = pol_compare_equal_verdicts(&group->verdicts[number], &verdict);
		if (group->key[0] != 0) {
			group->verdicts[number].kind = POL_CHANGE_NONE;
		}
	}
	for (size_t w = 0; w < compare->joint.words; w++) {
		bits[w] = 0;
		for (uint64_t word = compare->sometimes[w]; word != 0; word &= word - 1) {
			uint32_t group = compare->group_of[w * 64 + (size_t)__builtin_ctzll(word)];

			if (group >= first && groups->items[group].key[0] != 0) {
				bits[w] |= word & -word;
			}
		}
	}
	return pol_compare_add_verdict(compare, bits, &verdict, NULL, out);
}

static enum pol_status begin(struct pol_compare *compare)
{
	struct pol_arena *arena = &compare->arena;

	if (compare->group_of != NULL) {
		return POL_OK;
	}
	for (int side = 0; side < POL_SIDES; side++) {
		compare->marks[side] =
			pol_arena_alloc(arena, (size_t)compare->sides[side]->permission_count + 1,
				sizeof *compare->marks[side]);
	}
	compare->group_of = pol_arena_alloc(
		arena, (size_t)compare->joint.permission_count + 1, sizeof *compare->group_of);
	return arena->status;
}

enum pol_status pol_compare_conditions(struct pol_compare *compare,
	const struct pol_grantee *const both[POL_SIDES], struct pol_changes *out, bool *equal)
{
	struct groups groups = { .compare = compare, .both = both };
	enum pol_status status = begin(compare);

	if (status == POL_OK) {
		status = sort_all(&groups);
	}
	for (size_t i = 0; status == POL_OK && i < groups.count; i++) {
		struct asked asked = { .both = { both[0], both[1] } };
		struct group *group = &groups.items[i];

		ask(compare, group->permission, &asked);
		status = pol_compare_allowed(
			compare, asked.allows, asked.allows, &group->verdicts[0]);
		if (status == POL_OK) {
			status = compare_denied(compare, &asked, &group->verdicts[1]);
		}
		*equal = *equal && group->verdicts[0].kind == POL_CHANGE_NONE &&
			 group->verdicts[1].kind == POL_CHANGE_NONE;
	}
	for (size_t i = 0; out != NULL && i < 2 * groups.count; i++) {
		size_t group = i % groups.count;
		int number = i >= groups.count;

		if (status == POL_OK &&
			groups.items[group].verdicts[number].kind != POL_CHANGE_NONE) {
			status = add_groups(&groups, group, number, out);
		}
	}
	return status;
}
