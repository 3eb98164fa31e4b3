/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "policy/compile/compile_condition.h"
#include "policy/text/cidr.h"
#include "policy/text/timetext.h"

/* Bytes of a written value that a message shows, and of a description of an operand. */
#define SHOWN       ((size_t)100)
#define DESCRIPTION 512

const char *pol_compile_operand_type(enum pol_type type)
{
	static const char *const texts[] = {
		[POL_TYPE_ABSENT] = "nothing",
		[POL_TYPE_STRING] = "a string",
		[POL_TYPE_STRINGS] = "a set of strings",
		[POL_TYPE_INT] = "an int",
		[POL_TYPE_BOOL] = "a bool",
		[POL_TYPE_TIME] = "a time",
		[POL_TYPE_DURATION] = "a duration",
		[POL_TYPE_ADDRESS] = "an address",
		[POL_TYPE_WORD] = "a word",
		[POL_TYPE_NETWORK] = "a network",
	};

	return texts[type];
}

/* --- values without quotes -------------------------------------------------------------------- */

/* Reads digits, which a '-' may precede. False: the text is not that. *out_fits: they fit in 64
 * bits. */
static bool read_int(struct pol_str text, int64_t *out, bool *out_fits)
{
	bool negative = text.len > 1 && text.ptr[0] == '-';
	uint64_t most = (uint64_t)INT64_MAX + negative;
	uint64_t value = 0;

	*out_fits = true;
	for (size_t i = negative; i < text.len; i++) {
		unsigned digit = (unsigned)(unsigned char)text.ptr[i] - '0';

		if (digit > 9) {
			return false;
		}
		*out_fits = *out_fits && value <= (most - digit) / 10;
		value = value * 10 + digit;
	}
	*out = negative ? -(int64_t)(value - 1) - 1 : (int64_t)value;
	if (negative && value == 0) {
		*out = 0;
	}
	return text.len > 0;
}

static bool read_duration(struct pol_str text, int64_t *out)
{
	uint64_t seconds = 0;

	if (!pol_str_equal(text, POL_STR("0s")) &&
		pol_timetext_parse_duration(text, &seconds) != POL_OK) {
		return false;
	}
	*out = (int64_t)seconds;
	return true;
}

enum pol_type pol_compile_operand_value(struct pol_str text, struct pol_value *out)
{
	struct pol_value value = { 0 };
	bool fits;

	if (pol_str_equal(text, POL_STR("true")) || pol_str_equal(text, POL_STR("false"))) {
		value.type = POL_TYPE_BOOL;
		value.number = text.len == 4;
	} else if (read_int(text, &value.number, &fits)) {
		value.type = fits ? POL_TYPE_INT : POL_TYPE_ABSENT;
	} else if (read_duration(text, &value.number)) {
		value.type = POL_TYPE_DURATION;
	} else if (pol_timetext_parse(text, &value.number) == POL_OK) {
		value.type = POL_TYPE_TIME;
	} else if (pol_cidr_parse_ip(text, &value.address) == POL_OK) {
		value.type = POL_TYPE_ADDRESS;
	} else if (pol_cidr_parse(text, &value.network) == POL_OK) {
		value.type = POL_TYPE_NETWORK;
	} else {
		value = (struct pol_value){ .type = POL_TYPE_WORD, .text = text };
	}
	*out = value;
	return value.type;
}

/* --- operands --------------------------------------------------------------------------------- */

static struct pol_str clip(struct pol_str text)
{
	text.len = text.len < SHOWN ? text.len : SHOWN;
	return text;
}

static bool find_parameter(struct pol_compiler *compiler, const struct pol_word *word,
	const struct pol_parameters *parameters, struct pol_side *out)
{
	for (uint32_t i = 0; parameters != NULL && i < parameters->count; i++) {
		if (pol_str_equal(parameters->items[i].name, word->text)) {
			out->type = POL_TYPE_STRING;
			out->operand.kind = POL_OPERAND_SEGMENT;
			out->operand.number = parameters->items[i].segment;
			out->operand.name = parameters->items[i].name;
			return true;
		}
	}
	if (parameters == NULL) {
		pol_diag_error(compiler->diags, word->at,
			"'{%.*s}' belongs to a grant's own condition: a named one has no path",
			POL_STR_ARGS(clip(word->text)));
	}
	return false;
}

/* Does the word look like a fact: SPACE.NAME? */
static bool is_like_fact(struct pol_str text)
{
	const char *dot = memchr(text.ptr, '.', text.len);

	return dot != NULL && dot > text.ptr &&
	       ((text.ptr[0] >= 'a' && text.ptr[0] <= 'z') ||
		       (text.ptr[0] >= 'A' && text.ptr[0] <= 'Z'));
}

/* Resolves a word that is not a fact. */
static bool find_value(
	struct pol_compiler *compiler, const struct pol_word *word, struct pol_side *out)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;

	if (pol_names_find(&snapshot->condition_names, word->text) != POL_NONE) {
		pol_diag_error(compiler->diags, word->at,
			"'%.*s' is a condition: it is not compared, it stands alone",
			POL_STR_ARGS(word->text));
		return false;
	}
	out->operand.kind = POL_OPERAND_VALUE;
	out->type = pol_compile_operand_value(word->text, &out->operand.value);
	if (out->type == POL_TYPE_ABSENT) {
		pol_diag_error(compiler->diags, word->at, "'%.*s' is too large: an int has 64 bits",
			POL_STR_ARGS(clip(word->text)));
		return false;
	}
	if (out->type != POL_TYPE_WORD) {
		return true;
	}
	if (is_like_fact(word->text)) {
		pol_compile_facts_unknown(snapshot, compiler->diags, word);
		return false;
	}
	if (pol_cidr_parse(word->text, &out->operand.value.network) == POL_ELIMIT) {
		pol_diag_error(compiler->diags, word->at,
			"'%.*s' has bits after its prefix: write the first address of the network",
			POL_STR_ARGS(clip(word->text)));
		return false;
	}
	return true;
}

bool pol_compile_operand(struct pol_compiler *compiler, const struct pol_ast_operand *written,
	const struct pol_parameters *parameters, struct pol_side *out)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	const struct pol_word *word = &written->word;
	uint32_t number;

	*out = (struct pol_side){ .written = written };
	if (written->kind == POL_AST_PARAMETER) {
		return find_parameter(compiler, word, parameters, out);
	}
	if (written->kind == POL_AST_STRING) {
		out->type = POL_TYPE_STRING;
		out->operand.kind = POL_OPERAND_VALUE;
		out->operand.value =
			(struct pol_value){ .type = POL_TYPE_STRING, .text = word->text };
		return true;
	}
	number = pol_names_find(&snapshot->fact_names, word->text);
	if (number == POL_NONE) {
		return find_value(compiler, word, out);
	}
	if (compiler->fact_is_used != NULL) {
		compiler->fact_is_used[number] = true;
	}
	out->operand.kind = POL_OPERAND_FACT;
	out->operand.number = number;
	out->fact = &snapshot->facts[number];
	out->type = out->fact->type;
	return out->type != POL_TYPE_ABSENT; /* its declaration has a mistake */
}

/* --- types ------------------------------------------------------------------------------------ */

/* Writes "one of draft, active". */
static void describe_words(const struct pol_declared_fact *fact, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "one of");

	for (uint32_t i = 0; i < fact->word_count && used < size; i++) {
		used += (size_t)snprintf(out + used, size - used, "%s %.*s", i > 0 ? "," : "",
			POL_STR_ARGS(fact->words[i]));
	}
}

void pol_compile_operand_describe(const struct pol_side *side, char *out, size_t size)
{
	struct pol_str text = clip(side->written->word.text);
	const char *open = side->written->kind == POL_AST_STRING      ? "\""
			   : side->written->kind == POL_AST_PARAMETER ? "{"
								      : "";
	const char *close = side->written->kind == POL_AST_STRING      ? "\""
			    : side->written->kind == POL_AST_PARAMETER ? "}"
								       : "";
	int used = snprintf(out, size, "%s%.*s%s is ", open, POL_STR_ARGS(text), close);

	if (used > 0 && (size_t)used < size) {
		if (side->type == POL_TYPE_WORD && side->fact != NULL) {
			describe_words(side->fact, out + used, size - (size_t)used);
		} else {
			snprintf(out + used, size - (size_t)used, "%s",
				pol_compile_operand_type(side->type));
		}
	}
}

/* How a value would have to be written to have the type of the other side; empty: it cannot. */
static void suggest(
	const struct pol_side *value, const struct pol_side *other, char *out, size_t size)
{
	struct pol_str text = value->written->word.text;
	struct pol_value read = { 0 };
	bool bare = value->written->kind != POL_AST_STRING;

	out[0] = '\0';
	if (value->operand.kind != POL_OPERAND_VALUE || text.len > SHOWN) {
		return;
	}
	if (bare && other->type == POL_TYPE_STRING) {
		snprintf(out, size, ": write \"%.*s\"", POL_STR_ARGS(text));
		return;
	}
	if (bare) {
		return;
	}
	if (other->type == POL_TYPE_WORD && other->fact != NULL) {
		for (uint32_t i = 0; i < other->fact->word_count; i++) {
			if (pol_str_equal(other->fact->words[i], text)) {
				snprintf(out, size, ": write %.*s", POL_STR_ARGS(text));
			}
		}
	} else if (pol_compile_operand_value(text, &read) == other->type &&
		   other->type != POL_TYPE_ABSENT) {
		snprintf(out, size, ": write %.*s", POL_STR_ARGS(text));
	}
}

static bool report_types(
	struct pol_compiler *compiler, const struct pol_side *left, const struct pol_side *right)
{
	const struct pol_side *value = left->operand.kind == POL_OPERAND_VALUE ? left : right;
	const struct pol_side *other = value == right ? left : right;
	char of_other[DESCRIPTION], of_value[DESCRIPTION], hint[DESCRIPTION];

	pol_compile_operand_describe(other, of_other, sizeof of_other);
	pol_compile_operand_describe(value, of_value, sizeof of_value);
	suggest(value, other, hint, sizeof hint);
	pol_diag_error(
		compiler->diags, value->written->word.at, "%s, but %s%s", of_other, of_value, hint);
	return false;
}

/* Reports a word that the fact does not list. */
static bool report_word(struct pol_compiler *compiler, const struct pol_word *written,
	const struct pol_declared_fact *fact)
{
	struct pol_nearest nearest = pol_nearest_to(written->text);

	for (uint32_t i = 0; i < fact->word_count; i++) {
		pol_nearest_offer(&nearest, fact->words[i]);
	}
	pol_diag_error(compiler->diags, written->at, "'%.*s' is not a word of %.*s" POL_NEAREST,
		POL_STR_ARGS(clip(written->text)), POL_STR_ARGS(fact->name),
		POL_NEAREST_ARGS(nearest));
	return false;
}

/* The name of a declared fact that the word is without its first part, as `amount` is of
 * context.amount; empty: there is none. */
static struct pol_str whole_name(const struct pol_snapshot *snapshot, struct pol_str word)
{
	for (uint32_t i = 0; i < snapshot->fact_count; i++) {
		struct pol_str name = snapshot->facts[i].name;

		if (name.len > word.len && name.ptr[name.len - word.len - 1] == '.' &&
			pol_str_equal((struct pol_str){ name.ptr + name.len - word.len, word.len },
				word)) {
			return name;
		}
	}
	return (struct pol_str){ "", 0 };
}

static void report_whole_name(
	struct pol_compiler *compiler, const struct pol_word *written, struct pol_str whole)
{
	pol_diag_error(compiler->diags, written->at, "unknown fact '%.*s': did you mean '%.*s'?",
		POL_STR_ARGS(clip(written->text)), POL_STR_ARGS(whole));
}

/* Reports a word that is neither a value of the other side's type nor the name of a fact. */
static bool report_unquoted(
	struct pol_compiler *compiler, struct pol_side *word, const struct pol_side *other)
{
	const struct pol_word *written = &word->written->word;
	struct pol_str whole = whole_name(compiler->snapshot, written->text);
	char of_other[DESCRIPTION];

	if (other->type == POL_TYPE_STRING) {
		pol_compile_operand_describe(other, of_other, sizeof of_other);
		pol_diag_error(compiler->diags, written->at,
			"%s, but %.*s is not quoted: write \"%.*s\"%s%.*s", of_other,
			POL_STR_ARGS(clip(written->text)), POL_STR_ARGS(clip(written->text)),
			whole.len > 0 ? ", or " : "", POL_STR_ARGS(whole));
		return false;
	}
	if (whole.len > 0) {
		report_whole_name(compiler, written, whole);
		return false;
	}
	return report_types(compiler, other, word);
}

/* Resolves a word without quotes by the fact on the other side. */
static bool match_word(
	struct pol_compiler *compiler, struct pol_side *word, const struct pol_side *other)
{
	const struct pol_word *written = &word->written->word;
	struct pol_nearest facts = pol_nearest_to(written->text);

	if (other->type == POL_TYPE_WORD && other->fact != NULL) {
		for (uint32_t i = 0; i < other->fact->word_count; i++) {
			if (pol_str_equal(other->fact->words[i], written->text)) {
				return true;
			}
		}
		return report_word(compiler, written, other->fact);
	}
	for (uint32_t i = 0; i < compiler->snapshot->fact_count; i++) {
		pol_nearest_offer(&facts, compiler->snapshot->facts[i].name);
	}
	if (facts.best.len > 0) {
		pol_compile_facts_unknown(compiler->snapshot, compiler->diags, written);
		return false;
	}
	return report_unquoted(compiler, word, other);
}

/* Do two facts have the same words, in any order? Each has a word once. */
static bool have_same_words(const struct pol_declared_fact *a, const struct pol_declared_fact *b)
{
	bool same = a->word_count == b->word_count;

	for (uint32_t i = 0; same && i < a->word_count; i++) {
		uint32_t k = 0;

		while (k < b->word_count && !pol_str_equal(a->words[i], b->words[k])) {
			k++;
		}
		same = k < b->word_count;
	}
	return same;
}

/* Reports two values, of which a word on the left may be meant as a fact: `amount < 17`. */
static bool report_values(
	struct pol_compiler *compiler, const struct pol_side *left, bool left_is_word)
{
	const struct pol_word *written = &left->written->word;
	struct pol_str whole = whole_name(compiler->snapshot, written->text);

	if (left_is_word && whole.len > 0) {
		report_whole_name(compiler, written, whole);
	} else {
		pol_diag_error(compiler->diags, written->at,
			"two values are compared, which is always the same: one side is a fact or "
			"a parameter");
	}
	return false;
}

bool pol_compile_operand_match(
	struct pol_compiler *compiler, struct pol_side *left, struct pol_side *right)
{
	bool left_is_word = left->type == POL_TYPE_WORD && left->fact == NULL;
	bool right_is_word = right->type == POL_TYPE_WORD && right->fact == NULL;

	if (left->operand.kind == POL_OPERAND_VALUE && right->operand.kind == POL_OPERAND_VALUE) {
		return report_values(compiler, left, left_is_word);
	}
	if (right_is_word) {
		return match_word(compiler, right, left);
	}
	if (left_is_word) {
		return match_word(compiler, left, right);
	}
	if (left->type != right->type ||
		(left->type == POL_TYPE_WORD && !have_same_words(left->fact, right->fact))) {
		return report_types(compiler, left, right);
	}
	return true;
}
