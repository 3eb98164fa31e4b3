/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/ask/random_grants.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "policy/snapshot/compiled.h"

static const char declarations[] = "facts {\n"
				   "  principal.branch string\n"
				   "  principal.limit int default 2\n"
				   "  principal.regions strings\n"
				   "  resource.branch string\n"
				   "  resource.owner string default \"ann\"\n"
				   "  resource.status draft | active | archived default active\n"
				   "  resource.tags strings\n"
				   "  context.amount int\n"
				   "  context.urgent bool default false\n"
				   "}\n"
				   "tree api { /loans { list GET, /{loan} { read GET, update PUT, "
				   "approve POST PATCH, /notes/{note} { GET } } }, "
				   "/files/{path...} { GET } }\n"
				   "tree other { /x { GET } }\n";

static const char *const predicates[] = {
	"principal.branch is resource.branch",
	"resource.branch is not principal.branch",
	"resource.owner is principal.id",
	"not resource.owner is principal.id",
	"resource.status is active",
	"resource.status is not archived",
	"resource.status in draft, archived",
	"context.amount <= principal.limit",
	"context.amount > 1",
	"principal.limit >= 2",
	"principal.regions has resource.branch",
	"not principal.regions has \"north\"",
	"resource.tags has any \"a\", \"b\"",
	"resource.tags has all principal.regions",
	"context.urgent",
	"not context.urgent",
	"principal.roles has \"r2\"",
	"not principal.roles has \"r1\"",
	"principal.kind is user",
	"principal.kind is not none",
	"principal.id is \"ann\"",
};
/* These name a parameter of their pattern. */
static const char *const with_loan[] = { "{loan} is principal.id", "resource.owner is {loan}",
	"{loan} is not \"7\"" };

static const struct {
	const char *text;
	bool has_loan;
} patterns[] = {
	{ "GET on api:/loans", false },
	{ "GET on api:/loans/**", false },
	{ "read, update on api:/loans/{loan}", true },
	{ "PUT on api:/loans/{loan}", true },
	{ "approve on api:/loans/{loan}", true },
	{ "PATCH on api:/loans/*", false },
	{ "GET on api:/files/**", false },
	{ "GET on api:/loans/{loan}/notes/{note}", true },
};

void random_grants_put(struct random_grants_text *text, const char *part)
{
	text->used += (size_t)snprintf(
		text->bytes + text->used, sizeof text->bytes - text->used, "%s", part);
	cr_assert_lt(text->used, sizeof text->bytes);
}

static void put_condition(
	struct dice *dice, struct random_grants_text *text, bool has_loan, int depth)
{
	uint32_t parts = depth == 0 ? 1 : 1 + roll(dice, 3);
	const char *joint = roll(dice, 2) == 0 ? " and " : " or ";

	for (uint32_t i = 0; i < parts; i++) {
		random_grants_put(text, i > 0 ? joint : "");
		if (parts > 1 && roll(dice, 3) == 0) {
			random_grants_put(text, roll(dice, 2) == 0 ? "not (" : "(");
			put_condition(dice, text, has_loan, depth - 1);
			random_grants_put(text, ")");
		} else if (has_loan && roll(dice, 3) == 0) {
			random_grants_put(text, PICK(dice, with_loan));
		} else {
			random_grants_put(text, PICK(dice, predicates));
		}
	}
}

static void put_grants(struct dice *dice, struct random_grants_text *text, uint32_t most)
{
	uint32_t count = roll(dice, most + 1);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t pattern = roll(dice, sizeof patterns / sizeof patterns[0]);

		random_grants_put(text, roll(dice, 3) == 0 ? "  deny " : "  allow ");
		random_grants_put(text, patterns[pattern].text);
		if (roll(dice, 4) != 0) {
			random_grants_put(text, " when ");
			put_condition(dice, text, patterns[pattern].has_loan, 2);
		}
		random_grants_put(text, "\n");
	}
}

void random_grants_policy(struct dice *dice, struct random_grants_text *text)
{
	static const char *const heads[] = { "role anyone {\n", "role r1 {\n",
		"role r2 inherits r1 {\n", "role r3 {\n", "scope s1 {\n", "scope s2 {\n" };

	text->used = 0;
	random_grants_put(text, declarations);
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		random_grants_put(text, heads[i]);
		put_grants(dice, text, i == 0 ? 1 : 6);
		random_grants_put(text, "}\n");
	}
}

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
		value.number = roll(dice, 4);
		break;
	case POL_TYPE_BOOL:
		value.number = roll(dice, 2);
		break;
	case POL_TYPE_ABSENT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
	case POL_TYPE_ADDRESS:
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
