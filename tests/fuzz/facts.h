/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * facts: a policy with a fact of each type, and more facts than a request may have, for the targets
 * that read values; and what is true of values that were accepted.
 */

#include "policy/compile/compile.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/given.h"
#include "tests/fuzz/fuzz.h"

static inline struct pol_snapshot *facts_compile(void)
{
	static char text[8192] = "facts {\n principal.a string\n principal.b strings\n"
				 " principal.c int\n principal.d bool\n principal.e time\n"
				 " principal.f duration\n principal.g address\n"
				 " principal.h low | high default low\n resource.a string\n"
				 " resource.b strings\n resource.c int\n resource.d bool\n"
				 " resource.e time\n resource.f duration\n resource.g address\n"
				 " resource.h low | high default low\n";
	size_t used = strlen(text);
	struct pol_source source = { POL_STR_INIT("fuzz.policy"), { text, 0 } };
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	for (int i = 0; i < 70; i++) {
		used += (size_t)sprintf(text + used, " context.f%d strings\n", i);
	}
	used += (size_t)sprintf(text + used, "}\n");
	source.text.len = used;
	pol_diags_init(&diags, &source, 1);
	fuzz_require(pol_compile(&source, 1, NULL, &diags, &snapshot) == POL_OK);
	pol_diags_finish(&diags);
	return snapshot;
}

static inline void facts_check_set(const struct pol_strings *set)
{
	fuzz_require(set->count <= POL_GIVEN_MEMBERS);
	for (uint32_t i = 0; i < set->count; i++) {
		fuzz_require(set->items[i].len <= POL_GIVEN_STRING);
		fuzz_require(i == 0 || pol_str_compare(set->items[i - 1], set->items[i]) < 0);
	}
}

/* Sorted by number, each once, of the declared type or unknown, within the bounds. */
static inline void facts_check(const struct pol_snapshot *snapshot, const struct pol_given *given)
{
	fuzz_require(given->count <= POL_GIVEN_FACTS);
	for (uint32_t i = 0; i < given->count; i++) {
		const struct pol_given_fact *item = &given->items[i];
		const struct pol_value *value = &item->value;

		fuzz_require(item->fact >= POL_FACT_KNOWN && item->fact < snapshot->fact_count);
		fuzz_require(i == 0 || given->items[i - 1].fact < item->fact);
		fuzz_require(value->type == POL_TYPE_ABSENT ||
			     value->type == snapshot->facts[item->fact].type);
		if (value->type == POL_TYPE_STRINGS) {
			facts_check_set(&value->strings);
		} else if (value->type == POL_TYPE_STRING || value->type == POL_TYPE_WORD) {
			fuzz_require(value->text.len <= POL_GIVEN_STRING);
		} else if (value->type == POL_TYPE_ADDRESS) {
			fuzz_require(value->address.known);
		}
	}
}
