/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile_condition.h"

static const char prefix[] = "principal.";

/* The name of the fact that an attribute is, in scratch: `principal.branch` of `branch`. */
static struct pol_str fact_name(struct pol_compiler *compiler, struct pol_str name)
{
	size_t len = sizeof prefix - 1 + name.len;
	char *text = pol_arena_alloc(compiler->scratch, len, 1);

	if (text == NULL) {
		return (struct pol_str){ 0 };
	}
	memcpy(text, prefix, sizeof prefix - 1);
	memcpy(text + sizeof prefix - 1, name.ptr, name.len);
	return (struct pol_str){ text, len };
}

/* The declared fact that the attribute is, or POL_NONE, which is reported. */
static uint32_t find_fact(
	struct pol_compiler *compiler, const struct pol_word *word, struct pol_str name)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	uint32_t number = pol_names_find(&snapshot->fact_names, name);
	struct pol_nearest nearest = pol_nearest_to(word->text);

	if (number != POL_NONE && number < POL_FACT_KNOWN) {
		pol_diag_error(compiler->diags, word->at,
			"'%.*s' is not an attribute: what it is follows from the principal",
			POL_STR_ARGS(name));
		return POL_NONE;
	}
	if (number != POL_NONE || snapshot->fact_lost) {
		return number;
	}
	for (uint32_t i = POL_FACT_KNOWN; i < snapshot->fact_count; i++) {
		struct pol_str known = snapshot->facts[i].name;

		if (snapshot->facts[i].space == POL_SPACE_PRINCIPAL) {
			known.ptr += sizeof prefix - 1;
			known.len -= sizeof prefix - 1;
			pol_nearest_offer(&nearest, known);
		}
	}
	pol_diag_error(compiler->diags, word->at,
		"unknown attribute '%.*s': no fact '%.*s' is declared" POL_NEAREST,
		POL_STR_ARGS(word->text), POL_STR_ARGS(name), POL_NEAREST_ARGS(nearest));
	return POL_NONE;
}

/* Bytes of the name and the texts of an attribute, as they count for POL_GIVEN_BYTES. */
static size_t bytes_of(struct pol_str name, const struct pol_value *value)
{
	size_t bytes = name.len;

	if (value->type == POL_TYPE_STRING || value->type == POL_TYPE_WORD) {
		bytes += value->text.len;
	}
	for (uint32_t i = 0; value->type == POL_TYPE_STRINGS && i < value->strings.count; i++) {
		bytes += value->strings.items[i].len;
	}
	return bytes;
}

/* An attribute of that name before number i, or NULL. */
static const struct pol_ast_given *find_before(const struct pol_ast_principal *from, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++) {
		if (pol_str_equal(from->attributes[k].name.text, from->attributes[i].name.text)) {
			return &from->attributes[k];
		}
	}
	return NULL;
}

/* Reads attribute i. False: it has a mistake. */
static bool read_attribute(struct pol_compiler *compiler, const struct pol_ast_principal *from,
	uint32_t i, struct pol_given_fact *out)
{
	const struct pol_reading reading = { compiler->snapshot, compiler->diags,
		&compiler->snapshot->arena };
	const struct pol_ast_given *one = &from->attributes[i];
	const struct pol_ast_given *was = find_before(from, i);
	struct pol_str name = fact_name(compiler, one->name.text);

	if (name.ptr == NULL) {
		return false;
	}
	if (was != NULL) {
		struct pol_diag *diag = pol_diag_error(compiler->diags, one->name.at,
			"attribute '%.*s' twice: several values of a set stand in one line",
			POL_STR_ARGS(one->name.text));

		pol_diag_note(compiler->diags, diag, was->name.at, "first here");
		return false;
	}
	out->fact = find_fact(compiler, &one->name, name);
	return out->fact != POL_NONE &&
	       pol_compile_facts_value(&reading, out->fact, &one->values, &out->value);
}

enum pol_status pol_compile_attributes(
	struct pol_compiler *compiler, const struct pol_ast_principal *from, struct pol_given *out)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	uint32_t most = from->attribute_count;
	struct pol_given_fact *items;
	size_t bytes = 0;
	uint32_t twice;

	*out = (struct pol_given){ 0 };
	if (most > POL_GIVEN_FACTS) {
		pol_diag_error(compiler->diags, from->attributes[POL_GIVEN_FACTS].name.at,
			"a principal has at most %d attributes", POL_GIVEN_FACTS);
		most = POL_GIVEN_FACTS;
	}
	items = pol_arena_alloc(&snapshot->arena, most, sizeof *items);
	if (items == NULL) {
		return snapshot->arena.status;
	}
	for (uint32_t i = 0; i < most; i++) {
		if (read_attribute(compiler, from, i, &items[out->count])) {
			bytes += bytes_of(snapshot->facts[items[out->count].fact].name,
				&items[out->count].value);
			out->count++;
		}
	}
	if (bytes > POL_GIVEN_BYTES) {
		pol_diag_error(compiler->diags, from->id.at,
			"the attributes of principal '%.*s' have more than %zu KiB",
			POL_STR_ARGS(from->id.text), POL_GIVEN_BYTES / 1024);
	}
	(void)pol_given_sort(items, out->count, &twice);
	out->items = items;
	return snapshot->arena.status != POL_OK ? snapshot->arena.status
						: compiler->scratch->status;
}
