/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/compiled.h"
#include "tests/policy/ask/random_grants.h"

/* --- subjects --------------------------------------------------------------------------------- */

static const struct pol_str branches[] = { POL_STR_INIT("ann"), POL_STR_INIT("north"),
	POL_STR_INIT("south") };
static const struct pol_str tags[] = { POL_STR_INIT("a"), POL_STR_INIT("north") };

struct pol_value random_grants_value(struct dice *dice, const struct pol_declared_fact *fact)
{
	struct pol_value value = { .type = fact->type };

	switch (fact->type) {
	case POL_TYPE_STRING:
		value.text = PICK(dice, branches);
		break;
	case POL_TYPE_WORD:
		value.text = fact->words[roll(dice, fact->word_count)];
		break;
	case POL_TYPE_STRINGS:
		value.strings = (struct pol_strings){ tags + roll(dice, 2), 1 };
		break;
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
		value.number = roll(dice, 4);
		break;
	case POL_TYPE_BOOL:
		value.number = roll(dice, 2);
		break;
	case POL_TYPE_ADDRESS:
		value.address =
			(struct pol_ip){ .bytes = { [10] = 255, 255, 10, 1, 1 }, .known = true };
		value.address.bytes[15] = (uint8_t)roll(dice, 3);
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_NETWORK:
		break;
	}
	return value;
}

void random_grants_give(struct dice *dice, const struct pol_snapshot *snapshot, bool own,
	struct pol_given_fact *items, struct pol_given *out)
{
	*out = (struct pol_given){ items, 0 };
	for (uint32_t i = POL_FACT_KNOWN; i < snapshot->fact_count; i++) {
		const struct pol_declared_fact *fact = &snapshot->facts[i];
		uint32_t luck = roll(dice, 8);

		if ((fact->space == POL_SPACE_PRINCIPAL) != own || luck < 2) {
			continue;
		}
		items[out->count].fact = i;
		items[out->count++].value = luck == 2
						    ? (struct pol_value){ .type = POL_TYPE_ABSENT }
						    : random_grants_value(dice, fact);
	}
}

void random_grants_hold(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_grants_who *who)
{
	static const char *const roles[] = { "r1", "r2", "r3" };
	static const struct pol_str places[] = { POL_STR_INIT("api:/loans"),
		POL_STR_INIT("api:/loans/7"), POL_STR_INIT("api:/loans/ann"),
		POL_STR_INIT("api:/loans/7/notes/1"), POL_STR_INIT("api:/files"),
		POL_STR_INIT("other:/x") };

	who->facts.held = who->held;
	who->facts.held_count = roll(dice, 4);
	who->facts.anyone_count = 0;
	who->facts.everyone_count = 0;
	for (uint32_t i = 0; i < who->facts.held_count; i++) {
		who->held[i].role = pol_snapshot_role(snapshot, pol_str_of(PICK(dice, roles)));
		who->places[i] = PICK(dice, places);
		who->held[i].places = &who->places[i];
		who->held[i].place_count = roll(dice, 2);
	}
	if (roll(dice, 3) == 0) {
		who->facts.anyone_count = (uint16_t)roll(dice, who->facts.held_count + 1);
		who->facts.everyone_count =
			(uint16_t)(who->facts.held_count - who->facts.anyone_count);
	}
}

void random_grants_who(
	struct dice *dice, const struct pol_snapshot *snapshot, struct random_grants_who *who)
{
	*who = (struct random_grants_who){ .facts = { .principal_state = POL_PRINCIPAL_ACTIVE,
						   .principal = PICK(dice, branches),
						   .principal_kind = (enum pol_principal_kind)roll(
							   dice, 3) } };
	random_grants_hold(dice, snapshot, who);
	random_grants_give(dice, snapshot, true, who->attributes, &who->own);
	who->facts.attributes = &who->own;
	if (roll(dice, 2) == 0) {
		return;
	}
	who->facts.key_state = POL_KEY_ACTIVE;
	who->facts.binding = (enum pol_binding)(1 + roll(dice, 3));
	who->facts.scopes = who->scopes;
	who->facts.scope_count = roll(dice, 3);
	for (uint32_t i = 0; i < who->facts.scope_count; i++) {
		who->scopes[i] = pol_snapshot_scope(
			snapshot, roll(dice, 2) == 0 ? POL_STR("s1") : POL_STR("s2"));
	}
	who->facts.narrowed_by_scopes = who->facts.scope_count > 0 || roll(dice, 4) == 0;
	who->facts.narrowed = who->facts.narrowed_by_scopes || roll(dice, 3) == 0;
	who->key_place = POL_STR("api:/loans/7");
	who->facts.key_places = &who->key_place;
	who->facts.key_place_count = who->facts.narrowed ? roll(dice, 2) : 0;
}

static bool is_given(const struct pol_truth_table *table, const struct pol_operand *operand)
{
	const struct pol_given_fact *given;

	if (operand->kind != POL_OPERAND_FACT) {
		return true;
	}
	given = pol_given_find(table->facts->given, operand->number);
	return given != NULL && given->value.type != POL_TYPE_ABSENT;
}

/* Without any default. */
static bool compares(struct pol_truth_table *table, const struct pol_formula *formula)
{
	const struct pol_predicate *predicate = formula->predicate;
	const struct pol_condition alone = { .predicate = predicate, .negated = formula->negated };

	return is_given(table, &predicate->left) &&
	       (predicate->comparison == POL_COMPARE_TRUE || is_given(table, &predicate->right)) &&
	       pol_truth_of(table, &alone) == POL_TRUE;
}

bool random_grants_holds(struct pol_truth_table *table, const struct pol_formula *formula)
{
	bool is_and = formula->kind == POL_FORMULA_AND;

	switch (formula->kind) {
	case POL_FORMULA_NEVER:
	case POL_FORMULA_ALWAYS:
		return formula->kind == POL_FORMULA_ALWAYS;
	case POL_FORMULA_PRESENT:
	case POL_FORMULA_ABSENT: {
		const struct pol_given_fact *given =
			pol_given_find(table->facts->given, formula->fact);

		return formula->kind == POL_FORMULA_ABSENT
			       ? given == NULL
			       : given != NULL && given->value.type != POL_TYPE_ABSENT;
	}
	case POL_FORMULA_COMPARE:
		return compares(table, formula);
	case POL_FORMULA_AND:
	case POL_FORMULA_OR:
		break;
	}
	for (uint32_t i = 0; i < formula->part_count; i++) {
		if (random_grants_holds(table, formula->parts[i]) != is_and) {
			return !is_and;
		}
	}
	return is_and;
}
