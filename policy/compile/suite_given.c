/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile_condition.h"
#include "policy/compile/suite_fixture.h"

static enum pol_space space_of(const struct pol_suite_builder *builder, uint32_t fact)
{
	return builder->snapshot->facts[fact].space;
}

void pol_suite_given_forget(struct pol_suite_builder *builder)
{
	struct pol_fixture *fixture = &builder->fixture;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < fixture->given_count; i++) {
		if (space_of(builder, fixture->given[i].fact) != POL_SPACE_PRINCIPAL) {
			fixture->given[kept++] = fixture->given[i];
		}
	}
	fixture->given_count = kept;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Known facts that other lines of a test set. */
static const char *line_of(uint32_t fact)
{
	static const char *const lines[POL_FACT_KNOWN] = {
		[POL_FACT_PRINCIPAL_ROLES] = "a line 'as role' or 'and role'",
		[POL_FACT_ENVIRONMENT] = "the first 'environment' of the files",
		[POL_FACT_SERVICE] = "a line 'service'",
		[POL_FACT_IP] = "a line 'from'",
		[POL_FACT_TIME] = "a line 'time'",
	};

	return fact < POL_FACT_KNOWN ? lines[fact] : NULL;
}

/* May a test give the fact here? Reports why not. */
static bool check_given(
	struct pol_suite_builder *builder, const struct pol_word *word, uint32_t number)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	const struct pol_fixture *fixture = &builder->fixture;
	const struct pol_principal *principal;

	if (line_of(number) != NULL) {
		pol_diag_error(builder->diags, word->at, "'%.*s' is not given: %s says it",
			POL_STR_ARGS(word->text), line_of(number));
		return false;
	}
	if (number == POL_FACT_MFA_AGE && fixture->now <= POL_NO_TIME) {
		pol_diag_error(builder->diags, word->at,
			"'%.*s' counts back from the time: put a line 'time' before it",
			POL_STR_ARGS(word->text));
		return false;
	}
	if (!fixture->named || space_of(builder, number) != POL_SPACE_PRINCIPAL) {
		return true;
	}
	principal = &snapshot->principals[fixture->declared];
	if (number < POL_FACT_KNOWN || pol_given_find(&principal->attributes, number) != NULL) {
		pol_diag_error(builder->diags, word->at,
			"principal '%.*s' is declared, and '%.*s' with it",
			POL_STR_ARGS(principal->id), POL_STR_ARGS(word->text));
		return false;
	}
	return true;
}

static bool is_absent(const struct pol_ast_operands *values)
{
	return values->count == 1 && values->items[0].kind == POL_AST_WORD &&
	       pol_str_equal(values->items[0].word.text, POL_STR("absent"));
}

/* Takes a fact back. */
static void take_back(struct pol_fixture *fixture, uint32_t number)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < fixture->given_count; i++) {
		if (fixture->given[i].fact != number) {
			fixture->given[kept++] = fixture->given[i];
		}
	}
	fixture->given_count = kept;
}

static void give(struct pol_suite_builder *builder, const struct pol_ast_given *one)
{
	const struct pol_reading reading = { builder->snapshot, builder->diags, builder->arena };
	struct pol_fixture *fixture = &builder->fixture;
	struct pol_given_fact given = { .fact = pol_condition_fact(
						builder->snapshot, one->name.text) };
	uint32_t twice;

	if (given.fact == POL_NONE) {
		pol_compile_facts_unknown(builder->snapshot, builder->diags, &one->name);
		return;
	}
	if (!check_given(builder, &one->name, given.fact)) {
		return;
	}
	if (!is_absent(&one->values) &&
		!pol_compile_facts_value(&reading, given.fact, &one->values, &given.value)) {
		return;
	}
	take_back(fixture, given.fact);
	if (given.value.type == POL_TYPE_ABSENT) {
		return;
	}
	if (fixture->given_count == POL_GIVEN_FACTS) {
		pol_diag_error(builder->diags, one->name.at, "a request has at most %d facts",
			POL_GIVEN_FACTS);
		return;
	}
	fixture->given[fixture->given_count++] = given;
	(void)pol_given_sort(fixture->given, fixture->given_count, &twice);
}

void pol_suite_given_apply(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	for (uint32_t i = 0; i < step->given_count; i++) {
		give(builder, &step->given[i]);
	}
}

/* --- the facts of a request ------------------------------------------------------------------- */

static enum pol_principal_kind kind_of(struct pol_str word)
{
	return pol_str_equal(word, POL_STR("service")) ? POL_KIND_SERVICE
	       : pol_str_equal(word, POL_STR("user"))  ? POL_KIND_USER
						       : POL_KIND_NONE;
}

/* Puts in a known fact. Who the principal is counts only where there is one. */
static void add_known(const struct pol_given_fact *given, struct pol_facts *facts)
{
	bool any = facts->principal_state != POL_PRINCIPAL_NONE;

	if (given->fact == POL_FACT_MFA_AGE) {
		facts->mfa_at = facts->now - given->value.number;
	} else if (given->fact == POL_FACT_PRINCIPAL_ID && any) {
		facts->principal = given->value.text;
	} else if (given->fact == POL_FACT_PRINCIPAL_TENANT && any) {
		facts->tenant_name = given->value.text;
	} else if (given->fact == POL_FACT_PRINCIPAL_KIND && any) {
		facts->principal_kind = kind_of(given->value.text);
	}
}

bool pol_suite_given_add(struct pol_suite_builder *builder, struct pol_facts *facts)
{
	const struct pol_fixture *fixture = &builder->fixture;
	struct pol_given *given = pol_arena_alloc(builder->arena, 1, sizeof *given);
	struct pol_given_fact *items =
		pol_arena_alloc(builder->arena, fixture->given_count, sizeof *items);

	if (given == NULL || items == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < fixture->given_count; i++) {
		if (fixture->given[i].fact < POL_FACT_KNOWN) {
			add_known(&fixture->given[i], facts);
		} else {
			items[given->count++] = fixture->given[i];
		}
	}
	given->items = items;
	facts->given = given;
	return true;
}
