/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile_condition.h"
#include "policy/snapshot/given.h"

/* How much of a text in a message is shown. */
#define SHOWN ((size_t)100)

static struct pol_str clip(struct pol_str text)
{
	text.len = text.len < SHOWN ? text.len : SHOWN;
	return text;
}

/* --- known facts ------------------------------------------------------------------------------ */

static const struct pol_str kinds[] = {
	POL_STR_INIT("user"),
	POL_STR_INIT("service"),
	POL_STR_INIT("none"),
};

static const struct {
	struct pol_str name;
	enum pol_space space;
	enum pol_type type;
} known[POL_FACT_KNOWN] = {
	[POL_FACT_PRINCIPAL_ID] = { POL_STR_INIT("principal.id"), POL_SPACE_PRINCIPAL,
		POL_TYPE_STRING },
	[POL_FACT_PRINCIPAL_TENANT] = { POL_STR_INIT("principal.tenant"), POL_SPACE_PRINCIPAL,
		POL_TYPE_STRING },
	[POL_FACT_PRINCIPAL_KIND] = { POL_STR_INIT("principal.kind"), POL_SPACE_PRINCIPAL,
		POL_TYPE_WORD },
	[POL_FACT_PRINCIPAL_ROLES] = { POL_STR_INIT("principal.roles"), POL_SPACE_PRINCIPAL,
		POL_TYPE_STRINGS },
	[POL_FACT_ENVIRONMENT] = { POL_STR_INIT("context.environment"), POL_SPACE_CONTEXT,
		POL_TYPE_STRING },
	[POL_FACT_SERVICE] = { POL_STR_INIT("context.service"), POL_SPACE_CONTEXT,
		POL_TYPE_STRING },
	[POL_FACT_IP] = { POL_STR_INIT("context.ip"), POL_SPACE_CONTEXT, POL_TYPE_ADDRESS },
	[POL_FACT_TIME] = { POL_STR_INIT("context.time"), POL_SPACE_CONTEXT, POL_TYPE_TIME },
	[POL_FACT_MFA_AGE] = { POL_STR_INIT("context.mfa_age"), POL_SPACE_CONTEXT,
		POL_TYPE_DURATION },
};

static void add_known(struct pol_snapshot *snapshot)
{
	for (uint32_t i = 0; i < POL_FACT_KNOWN; i++) {
		struct pol_declared_fact *fact = &snapshot->facts[i];

		*fact = (struct pol_declared_fact){ .name = known[i].name,
			.space = known[i].space,
			.type = known[i].type,
			.at = POL_NO_POSITION };
		if (i == POL_FACT_PRINCIPAL_KIND) {
			fact->words = kinds;
			fact->word_count = sizeof kinds / sizeof *kinds;
		}
		pol_names_add(&snapshot->fact_names, fact->name, i);
	}
	snapshot->fact_count = POL_FACT_KNOWN;
}

/* --- values ----------------------------------------------------------------------------------- */

/* Reports that a written value is not of the fact's type. */
static void report_type(const struct pol_reading *reading, const struct pol_declared_fact *fact,
	const struct pol_ast_operand *written)
{
	struct pol_str text = clip(written->word.text);
	struct pol_value value = { 0 };
	enum pol_type type = written->kind == POL_AST_STRING
				     ? POL_TYPE_STRING
				     : pol_compile_operand_value(written->word.text, &value);
	bool strings = fact->type == POL_TYPE_STRING || fact->type == POL_TYPE_STRINGS;

	if (type == POL_TYPE_ABSENT) {
		pol_diag_error(reading->diags, written->word.at,
			"'%.*s' is too large: an int has 64 bits", POL_STR_ARGS(text));
	} else if (strings) {
		pol_diag_error(reading->diags, written->word.at,
			"%.*s is %s, but %.*s is not quoted: write \"%.*s\"",
			POL_STR_ARGS(fact->name), pol_compile_operand_type(fact->type),
			POL_STR_ARGS(text), POL_STR_ARGS(text));
	} else {
		const char *quote = type == POL_TYPE_STRING ? "\"" : "";

		pol_diag_error(reading->diags, written->word.at, "%.*s is %s, but %s%.*s%s is %s",
			POL_STR_ARGS(fact->name), pol_compile_operand_type(fact->type), quote,
			POL_STR_ARGS(text), quote, pol_compile_operand_type(type));
	}
}

static bool read_word(const struct pol_reading *reading, const struct pol_declared_fact *fact,
	const struct pol_ast_operand *written, struct pol_value *out)
{
	struct pol_nearest nearest = pol_nearest_to(written->word.text);

	for (uint32_t i = 0; i < fact->word_count; i++) {
		if (pol_str_equal(fact->words[i], written->word.text)) {
			if (written->kind != POL_AST_STRING) {
				out->text = fact->words[i];
				return true;
			}
			pol_diag_error(reading->diags, written->word.at,
				"the words of %.*s are not quoted: write %.*s",
				POL_STR_ARGS(fact->name), POL_STR_ARGS(fact->words[i]));
			return false;
		}
		pol_nearest_offer(&nearest, fact->words[i]);
	}
	pol_diag_error(reading->diags, written->word.at, "'%.*s' is not a word of %.*s" POL_NEAREST,
		POL_STR_ARGS(clip(written->word.text)), POL_STR_ARGS(fact->name),
		POL_NEAREST_ARGS(nearest));
	return false;
}

static bool check_string(const struct pol_reading *reading, const struct pol_word *word)
{
	if (word->text.len <= POL_GIVEN_STRING) {
		return true;
	}
	pol_diag_error(reading->diags, word->at, "a fact's string has at most 1,024 bytes");
	return false;
}

/* Reads the members of a set; `empty` alone is the set without any. */
static bool read_set(const struct pol_reading *reading, const struct pol_declared_fact *fact,
	const struct pol_ast_operands *values, struct pol_value *out)
{
	bool none = values->count == 1 && values->items[0].kind == POL_AST_WORD &&
		    pol_str_equal(values->items[0].word.text, POL_STR("empty"));
	uint32_t count = none ? 0 : values->count;
	struct pol_str *items;

	if (count > POL_GIVEN_MEMBERS) {
		pol_diag_error(reading->diags, values->items[POL_GIVEN_MEMBERS].word.at,
			"a set has at most %d members", POL_GIVEN_MEMBERS);
		return false;
	}
	items = pol_arena_alloc(reading->arena, count, sizeof *items);
	if (items == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct pol_ast_operand *written = &values->items[i];

		if (written->kind != POL_AST_STRING) {
			report_type(reading, fact, written);
			return false;
		}
		items[i] = pol_arena_copy(reading->arena, written->word.text);
		if (items[i].ptr == NULL || !check_string(reading, &written->word)) {
			return false;
		}
	}
	out->strings = (struct pol_strings){ items, pol_value_sort(items, count) };
	return true;
}

bool pol_compile_facts_value(const struct pol_reading *reading, uint32_t number,
	const struct pol_ast_operands *values, struct pol_value *out)
{
	const struct pol_declared_fact *fact = &reading->snapshot->facts[number];
	const struct pol_ast_operand *written = values->items;
	struct pol_value value = { .type = fact->type };

	if (fact->type == POL_TYPE_ABSENT || values->count == 0) {
		return false; /* its declaration, or the line, has a mistake */
	}
	if (fact->type != POL_TYPE_STRINGS && values->count > 1) {
		pol_diag_error(reading->diags, values->items[1].word.at,
			"%.*s is %s: it has one value, not several", POL_STR_ARGS(fact->name),
			pol_compile_operand_type(fact->type));
		return false;
	}
	if (fact->type == POL_TYPE_STRINGS) {
		if (!read_set(reading, fact, values, &value)) {
			return false;
		}
	} else if (fact->type == POL_TYPE_WORD) {
		if (!read_word(reading, fact, written, &value)) {
			return false;
		}
	} else if (fact->type == POL_TYPE_STRING && written->kind == POL_AST_STRING) {
		value.text = pol_arena_copy(reading->arena, written->word.text);
		if (value.text.ptr == NULL || !check_string(reading, &written->word)) {
			return false;
		}
	} else if (written->kind == POL_AST_STRING ||
		   pol_compile_operand_value(written->word.text, &value) != fact->type) {
		report_type(reading, fact, written);
		return false;
	}
	*out = value;
	return true;
}

void pol_compile_facts_unknown(
	const struct pol_snapshot *snapshot, struct pol_diags *diags, const struct pol_word *word)
{
	struct pol_nearest nearest = pol_nearest_to(word->text);

	if (snapshot->fact_lost) {
		return;
	}
	for (uint32_t i = 0; diags->errors < POL_NEAREST_ERRORS && i < snapshot->fact_count; i++) {
		pol_nearest_offer(&nearest, snapshot->facts[i].name);
	}
	pol_diag_error(diags, word->at, "unknown fact '%.*s'" POL_NEAREST,
		POL_STR_ARGS(clip(word->text)), POL_NEAREST_ARGS(nearest));
}

/* --- declarations ----------------------------------------------------------------------------- */

static const struct pol_str spaces[] = {
	[POL_SPACE_PRINCIPAL] = POL_STR_INIT("principal"),
	[POL_SPACE_RESOURCE] = POL_STR_INIT("resource"),
	[POL_SPACE_ACTION] = POL_STR_INIT("action"),
	[POL_SPACE_CONTEXT] = POL_STR_INIT("context"),
};

/* The space of a name. False: it has none, which the parser reported. */
static bool find_space(struct pol_str name, enum pol_space *out)
{
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
		size_t len = spaces[i].len;

		if (name.len > len && name.ptr[len] == '.' && pol_str_starts(name, spaces[i])) {
			*out = (enum pol_space)i;
			return true;
		}
	}
	return false;
}

/* Words that are values, or have a meaning in tests and formulas. */
static bool is_reserved(struct pol_str word)
{
	static const struct pol_str reserved[] = {
		POL_STR_INIT("absent"),
		POL_STR_INIT("all"),
		POL_STR_INIT("any"),
		POL_STR_INIT("empty"),
		POL_STR_INIT("false"),
		POL_STR_INIT("present"),
		POL_STR_INIT("true"),
	};

	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
		if (pol_str_equal(word, reserved[i])) {
			return true;
		}
	}
	return false;
}

static enum pol_type find_type(struct pol_str word)
{
	for (enum pol_type type = POL_TYPE_STRING; type <= POL_TYPE_ADDRESS; type++) {
		if (pol_str_equal(word, pol_str_of(pol_value_type(type)))) {
			return type;
		}
	}
	return POL_TYPE_ABSENT;
}

/* Checks word i of those that a fact may be. */
static bool check_word(struct pol_compiler *compiler, const struct pol_ast_fact *from, uint32_t i)
{
	const struct pol_word *word = &from->types.items[i];

	if (find_type(word->text) != POL_TYPE_ABSENT) {
		pol_diag_error(compiler->diags, word->at,
			"'%.*s' is a type: a fact has one type, or words with '|' between",
			POL_STR_ARGS(word->text));
		return false;
	}
	if (is_reserved(word->text)) {
		pol_diag_error(compiler->diags, word->at,
			"'%.*s' cannot be a word of a fact: in a condition it means something else",
			POL_STR_ARGS(clip(word->text)));
		return false;
	}
	for (uint32_t k = 0; k < i; k++) {
		if (pol_str_equal(from->types.items[k].text, word->text)) {
			pol_diag_error(compiler->diags, word->at, "'%.*s' is twice in this list",
				POL_STR_ARGS(clip(word->text)));
			return false;
		}
	}
	return true;
}

static enum pol_status read_words(struct pol_compiler *compiler, const struct pol_ast_fact *from,
	struct pol_declared_fact *fact)
{
	struct pol_str *words;
	bool good = true;

	if (from->types.count > POL_CONDITION_LIST) {
		pol_diag_error(compiler->diags, from->types.items[POL_CONDITION_LIST].at,
			"a fact has at most %d words", POL_CONDITION_LIST);
		return POL_OK;
	}
	words = pol_arena_alloc(&compiler->snapshot->arena, from->types.count, sizeof *words);
	if (words == NULL) {
		return compiler->snapshot->arena.status;
	}
	for (uint32_t i = 0; i < from->types.count; i++) {
		good = check_word(compiler, from, i) && good;
		words[i] = pol_compile_text(compiler, from->types.items[i].text);
	}
	if (good) {
		fact->type = POL_TYPE_WORD;
		fact->words = words;
		fact->word_count = from->types.count;
	}
	return compiler->snapshot->arena.status;
}

/* Reads the type and the default of a fact that has its number. */
static enum pol_status read_type(
	struct pol_compiler *compiler, const struct pol_ast_fact *from, uint32_t number)
{
	struct pol_declared_fact *fact = &compiler->snapshot->facts[number];
	const struct pol_word *word = from->types.items;
	struct pol_reading reading = { compiler->snapshot, compiler->diags,
		&compiler->snapshot->arena };
	enum pol_status status = POL_OK;

	if (from->types.count == 0 || from->incomplete) {
		return POL_OK;
	}
	if (from->types.count > 1) {
		status = read_words(compiler, from, fact);
	} else {
		fact->type = find_type(word->text);
		if (fact->type == POL_TYPE_ABSENT) {
			struct pol_nearest nearest = pol_nearest_to(word->text);

			for (enum pol_type i = POL_TYPE_STRING; i <= POL_TYPE_ADDRESS; i++) {
				pol_nearest_offer(&nearest, pol_str_of(pol_value_type(i)));
			}
			pol_diag_error(compiler->diags, word->at,
				"unknown type '%.*s': string, strings, int, bool, time, duration, "
				"address, or words with '|' between" POL_NEAREST,
				POL_STR_ARGS(clip(word->text)), POL_NEAREST_ARGS(nearest));
		}
	}
	if (status == POL_OK && from->presets.count > 0) {
		(void)pol_compile_facts_value(&reading, number, &from->presets, &fact->preset);
	}
	return status == POL_OK ? compiler->snapshot->arena.status : status;
}

static void report_twice(struct pol_compiler *compiler, const struct pol_word *word, uint32_t was)
{
	const struct pol_declared_fact *fact = &compiler->snapshot->facts[was];
	bool same = pol_str_equal(word->text, fact->name);
	struct pol_diag *diag;

	if (was < POL_FACT_KNOWN) {
		pol_diag_error(compiler->diags, word->at,
			same ? "fact '%.*s' is known without a declaration"
			     : "fact '%.*s' differs from a known one in case alone",
			POL_STR_ARGS(word->text));
		return;
	}
	diag = pol_diag_error(compiler->diags, word->at,
		same ? "fact '%.*s' is declared twice"
		     : "fact '%.*s' differs from another in case alone",
		POL_STR_ARGS(word->text));
	pol_diag_note(compiler->diags, diag, fact->at, "fact '%.*s' is declared here",
		POL_STR_ARGS(fact->name));
}

/* Adds a declared fact. `folded` has the names of all before it in small letters. */
static enum pol_status add_fact(
	struct pol_compiler *compiler, const struct pol_ast_fact *from, struct pol_names *folded)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	uint32_t number = snapshot->fact_count;
	struct pol_declared_fact fact = { .at = from->name.at };
	struct pol_str key;
	uint32_t was;

	if (from->name.text.ptr == NULL || !find_space(from->name.text, &fact.space)) {
		snapshot->fact_lost = true;
		return POL_OK;
	}
	key = pol_compile_fold(compiler, from->name.text);
	fact.name = pol_compile_text(compiler, from->name.text);
	if (key.ptr == NULL || fact.name.ptr == NULL) {
		return key.ptr == NULL ? compiler->scratch->status : snapshot->arena.status;
	}
	was = pol_names_find(folded, key);
	if (was != POL_NONE) {
		report_twice(compiler, &from->name, was);
		return POL_OK;
	}
	if (number == POL_FACT_KNOWN + POL_FACTS_MAX) {
		if (!snapshot->fact_lost) {
			pol_diag_error(compiler->diags, from->name.at, "more than %d facts",
				POL_FACTS_MAX);
		}
		snapshot->fact_lost = true;
		return POL_OK;
	}
	pol_names_add(folded, key, number);
	snapshot->facts[number] = fact;
	pol_names_add(&snapshot->fact_names, fact.name, number);
	snapshot->fact_count++;
	return read_type(compiler, from, number);
}

enum pol_status pol_compile_facts(struct pol_compiler *compiler)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	const struct pol_ast *ast = compiler->ast;
	size_t most = POL_FACT_KNOWN +
		      (ast->facts_count < POL_FACTS_MAX ? ast->facts_count : POL_FACTS_MAX);
	struct pol_names folded = { 0 };
	enum pol_status status = pol_names_init(&snapshot->fact_names, &snapshot->arena, most);

	if (status == POL_OK) {
		status = pol_names_init(&folded, compiler->scratch, most);
	}
	snapshot->facts = pol_arena_alloc(&snapshot->arena, most, sizeof *snapshot->facts);
	compiler->fact_is_used =
		pol_arena_alloc(compiler->scratch, most, sizeof *compiler->fact_is_used);
	if (status == POL_OK && (snapshot->facts == NULL || compiler->fact_is_used == NULL)) {
		status = snapshot->facts == NULL ? snapshot->arena.status
						 : compiler->scratch->status;
	}
	if (status != POL_OK) {
		return status;
	}
	add_known(snapshot);
	for (uint32_t i = 0; i < POL_FACT_KNOWN; i++) {
		pol_names_add(&folded, known[i].name, i);
	}
	for (size_t i = 0; status == POL_OK && i < ast->facts_count; i++) {
		status = add_fact(compiler, &ast->facts[i], &folded);
	}
	return status;
}

/* Warns of facts that no condition reads, unless a mistake may be the reason. */
enum pol_status pol_compile_facts_end(struct pol_compiler *compiler)
{
	struct pol_snapshot *snapshot = compiler->snapshot;

	for (uint32_t i = 0; i < snapshot->fact_count; i++) {
		struct pol_declared_fact *fact = &snapshot->facts[i];

		fact->is_used = compiler->fact_is_used[i];
		if (!fact->is_used && i >= POL_FACT_KNOWN && compiler->diags->errors == 0) {
			pol_diag_warning(compiler->diags, fact->at, POL_WARNING_FACT_UNUSED,
				"fact '%.*s' is never read: no condition names it",
				POL_STR_ARGS(fact->name));
		}
	}
	return POL_OK;
}
