/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/compare_internal.h"

/* Facts that are declared with another type or another default, and what reads them now. */

/* --- declarations ----------------------------------------------------------------------------- */

static bool lists_word(const struct pol_declared_fact *fact, struct pol_str word)
{
	for (uint32_t i = 0; i < fact->word_count; i++) {
		if (pol_str_equal(fact->words[i], word)) {
			return true;
		}
	}
	return false;
}

/* The order of words does not count. */
static bool has_one_type(const struct pol_declared_fact *a, const struct pol_declared_fact *b)
{
	if (a->type != b->type || a->word_count != b->word_count) {
		return false;
	}
	for (uint32_t i = 0; i < a->word_count; i++) {
		if (!lists_word(b, a->words[i])) {
			return false;
		}
	}
	return true;
}

/* "draft | active", "int". */
static struct pol_str text_of_type(
	struct pol_compare *compare, const struct pol_declared_fact *fact)
{
	struct pol_str text = { NULL, 0 };

	if (fact->type != POL_TYPE_WORD) {
		return pol_str_of(pol_value_type(fact->type));
	}
	for (uint32_t i = 0; i < fact->word_count; i++) {
		text = pol_compare_text(compare, "%.*s%s%.*s", POL_STR_ARGS(text),
			i > 0 ? " | " : "", POL_STR_ARGS(fact->words[i]));
	}
	return text;
}

static struct pol_str text_of_default(
	struct pol_compare *compare, const struct pol_declared_fact *fact)
{
	size_t len;
	char *text;

	if (fact->preset.type == POL_TYPE_ABSENT) {
		return POL_STR("no default");
	}
	if (fact->preset.type == POL_TYPE_STRINGS && fact->preset.strings.count == 0) {
		return POL_STR("empty");
	}
	len = pol_value_format(&fact->preset, NULL, 0);
	text = pol_arena_alloc(&compare->present, len + 1, 1);
	if (text == NULL) {
		return (struct pol_str){ NULL, 0 };
	}
	pol_value_format(&fact->preset, text, len + 1);
	return (struct pol_str){ text, len };
}

/* A stored role may read the fact, which is compared with a store alone. */
static void add_altered(struct pol_compare *compare, struct pol_changes *out, struct pol_str what,
	const struct pol_str both[POL_SIDES])
{
	struct pol_change *change;

	if (pol_str_equal(both[0], both[1])) {
		return;
	}
	change = pol_changes_add(compare, out, POL_CHANGE_ALTERED);
	if (change != NULL) {
		change->what = what;
		change->before = both[0];
		change->after = both[1];
		change->effect = POL_CHANGE_GAIN | POL_CHANGE_LOSS;
	}
}

static void compare_declarations(struct pol_compare *compare,
	const struct pol_declared_fact *const both[POL_SIDES], struct pol_changes *out)
{
	struct pol_str types[POL_SIDES], presets[POL_SIDES];
	const struct pol_declared_fact *only =
		both[POL_SIDE_AFTER] == NULL ? both[POL_SIDE_BEFORE] : both[POL_SIDE_AFTER];

	for (int side = 0; side < POL_SIDES; side++) {
		if (both[side] != NULL) {
			types[side] = text_of_type(compare, both[side]);
			presets[side] = text_of_default(compare, both[side]);
		}
	}
	if (both[0] == NULL || both[1] == NULL) {
		bool added = both[0] == NULL;
		struct pol_change *change = pol_changes_add(
			compare, out, added ? POL_CHANGE_ADDED : POL_CHANGE_REMOVED);

		if (change != NULL) {
			struct pol_str preset = presets[added ? 1 : 0];

			change->what = pol_compare_text(compare, "%.*s%s%.*s",
				POL_STR_ARGS(types[added ? 1 : 0]),
				only->preset.type != POL_TYPE_ABSENT ? " default " : "",
				only->preset.type != POL_TYPE_ABSENT ? (int)preset.len : 0,
				preset.ptr != NULL ? preset.ptr : "");
			/* Stored roles that read it allow nothing any more. */
			change->effect = added ? 0 : POL_CHANGE_LOSS;
		}
		return;
	}
	if (!has_one_type(both[0], both[1])) {
		add_altered(compare, out, POL_STR("type"), types);
	}
	add_altered(compare, out, POL_STR("default"), presets);
}

/* --- what reads a fact ------------------------------------------------------------------------ */

static bool reads_operand(const struct pol_operand *operand, uint32_t fact)
{
	return operand->kind == POL_OPERAND_FACT && operand->number == fact;
}

bool pol_compare_reads(const struct pol_condition *condition, uint32_t fact)
{
	if (condition->kind == POL_CONDITION_PREDICATE) {
		const struct pol_predicate *predicate = condition->predicate;

		return reads_operand(&predicate->left, fact) ||
		       (predicate->comparison != POL_COMPARE_TRUE &&
			       reads_operand(&predicate->right, fact));
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		if (pol_compare_reads(condition->parts[i], fact)) {
			return true;
		}
	}
	return false;
}

static void add_permissions(const struct pol_rule *rule, uint64_t *out)
{
	for (uint32_t i = 0; i < rule->run_count; i++) {
		struct pol_run run = rule->runs[i];
		struct pol_run_word at;

		while (pol_run_next(&run, &at)) {
			out[(size_t)at.chunk * POL_CHUNK_WORDS + at.word] |= at.mask;
		}
	}
	for (uint32_t i = 0; i < rule->set_count; i++) {
		const struct pol_permset *set = &rule->sets[i];

		for (uint32_t c = 0; c < set->count; c++) {
			for (uint32_t w = 0; w < POL_CHUNK_WORDS; w++) {
				out[(size_t)set->numbers[c] * POL_CHUNK_WORDS + w] |=
					set->chunks[c]->words[w];
			}
		}
	}
}

/* The permissions of which a grant reads the fact, as a bitmap of the joined trees. */
static void find_readers(struct pol_compare *compare, int side, uint32_t fact, uint64_t *out)
{
	const struct pol_snapshot *snapshot = compare->sides[side];
	size_t chunks = (size_t)snapshot->permission_count / POL_CHUNK_BITS + 1;
	uint64_t *scratch = compare->scratch[side];
	uint32_t roles = snapshot->role_count - snapshot->stored_count;

	memset(scratch, 0, chunks * sizeof(struct pol_chunk));
	for (uint32_t i = 0; fact != POL_NONE && i < roles + snapshot->scope_count; i++) {
		const struct pol_origin *origin = i < roles ? &snapshot->role_origins[i]
							    : &snapshot->scope_origins[i - roles];

		for (uint32_t r = 0; r < origin->rule_count; r++) {
			const struct pol_rule *rule = &origin->rules[r];

			if (rule->condition != NULL && pol_compare_reads(rule->condition, fact)) {
				add_permissions(rule, scratch);
			}
		}
	}
	pol_joint_translate(&compare->joint, (enum pol_side)side, scratch, out);
}

static enum pol_status compare_readers(
	struct pol_compare *compare, const uint32_t numbers[POL_SIDES], struct pol_changes *out)
{
	size_t first = out->count;
	uint64_t any = 0;
	enum pol_status status;

	for (int side = 0; side < POL_SIDES; side++) {
		find_readers(compare, side, numbers[side], compare->allow[side]);
	}
	for (size_t w = 0; w < compare->joint.words; w++) {
		compare->result[w] = compare->allow[1][w] & ~compare->allow[0][w];
		any |= compare->result[w];
	}
	if (any == 0) {
		return POL_OK;
	}
	status = pol_fold(compare, compare->result, POL_CHANGE_READS, NULL, out);
	for (size_t i = first; status == POL_OK && i < out->count; i++) {
		out->items[i].effect = 0;
	}
	return status;
}

/* --- all -------------------------------------------------------------------------------------- */

static enum pol_status compare_fact(
	struct pol_compare *compare, struct pol_str name, pol_compare_visit visit, void *context)
{
	const struct pol_declared_fact *both[POL_SIDES];
	uint32_t numbers[POL_SIDES];
	struct pol_changes changes = { 0 };
	struct pol_difference difference = { .kind = POL_COMPARED_FACT, .name = name };
	enum pol_status status;

	pol_compare_next(compare);
	for (int side = 0; side < POL_SIDES; side++) {
		numbers[side] = pol_condition_fact(compare->sides[side], name);
		both[side] = pol_condition_declared(compare->sides[side], numbers[side]);
	}
	compare_declarations(compare, both, &changes);
	status = compare->present.status;
	if (status == POL_OK) {
		status = compare_readers(compare, numbers, &changes);
	}
	difference.presence = both[0] == NULL   ? POL_IN_AFTER
			      : both[1] == NULL ? POL_IN_BEFORE
						: POL_IN_BOTH;
	difference.changes = changes.items;
	difference.count = changes.count;
	if (status == POL_OK && changes.count > 0) {
		visit(context, &difference);
	}
	return status;
}

enum pol_status pol_compare_facts(
	struct pol_compare *compare, pol_compare_visit visit, void *context)
{
	const struct pol_snapshot *before = compare->sides[POL_SIDE_BEFORE];
	const struct pol_snapshot *after = compare->sides[POL_SIDE_AFTER];
	enum pol_status status = POL_OK;

	for (uint32_t i = POL_FACT_KNOWN; status == POL_OK && i < after->fact_count; i++) {
		status = compare_fact(compare, after->facts[i].name, visit, context);
	}
	for (uint32_t i = POL_FACT_KNOWN; status == POL_OK && i < before->fact_count; i++) {
		if (pol_condition_fact(after, before->facts[i].name) == POL_NONE) {
			status = compare_fact(compare, before->facts[i].name, visit, context);
		}
	}
	return status;
}
