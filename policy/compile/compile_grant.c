/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"
#include "policy/text/method.h"

/* A grant's runs are merged each time that this many were added, so that patterns which select the
 * same runs many times do not fill the memory. */
#define UNMERGED_RUNS ((size_t)4096)

/* At most this many look-ups of an action in a pattern's nodes may be needed for all grants
 * together, which takes seconds. Two lists of a small file can need many more. */
#define LOOKUPS 30000000

/* Counts the look-ups of `actions` actions (0: of `all`) in `places` patterns or nodes, before any
 * of them. False: there are too many, which is reported once. */
static bool count_lookups(
	struct pol_compiler *compiler, uint64_t places, uint64_t actions, struct pol_span at)
{
	bool were_too_many = compiler->lookups > LOOKUPS;

	compiler->lookups += places * (actions > 0 ? actions : 1);
	if (compiler->lookups > LOOKUPS && !were_too_many) {
		pol_diag_error(compiler->diags, at,
			"all grants up to here look for actions in more than %d nodes, each action "
			"in the nodes of each pattern: grant 'all', or on nodes further up",
			LOOKUPS);
	}
	return compiler->lookups <= LOOKUPS;
}

/* The verbs of a grant, resolved, and which of them selected something. */
struct verbs {
	const struct pol_words *words;
	bool all;          /* `all`: one number, POL_NONE, and no words */
	uint32_t *numbers; /* POL_NONE: unknown, unless `all` */
	bool *hits;
	uint32_t count;
	struct pol_loss loss; /* what may be missing in the nodes of all patterns */
};

static enum pol_status find_verbs(
	struct pol_compiler *compiler, bool all, const struct pol_words *words, struct verbs *out)
{
	uint32_t count = all ? 1 : words->count;

	*out = (struct verbs){ .words = words, .all = all, .count = count };
	out->numbers = pol_arena_alloc(compiler->scratch, count, sizeof *out->numbers);
	out->hits = pol_arena_alloc(compiler->scratch, count, sizeof *out->hits);
	if (out->numbers == NULL || out->hits == NULL) {
		return compiler->scratch->status;
	}
	for (uint32_t i = 0; i < count; i++) {
		out->numbers[i] =
			all ? POL_NONE
			    : pol_names_find(&compiler->snapshot->verb_names, words->items[i].text);
	}
	return POL_OK;
}

static bool is_known(const struct verbs *verbs, uint32_t i)
{
	return verbs->all || verbs->numbers[i] != POL_NONE;
}

static bool are_known(const struct verbs *verbs)
{
	for (uint32_t v = 0; v < verbs->count; v++) {
		if (!is_known(verbs, v)) {
			return false;
		}
	}
	return true;
}

/* Reports verbs that no node has, unless a mistake in a tree may have removed them: so it runs
 * after all patterns are resolved. */
static void check_known(struct pol_compiler *compiler, const struct verbs *verbs)
{
	for (uint32_t v = 0; v < verbs->count; v++) {
		const struct pol_word *word = verbs->all ? NULL : &verbs->words->items[v];

		if (!is_known(verbs, v) && !verbs->loss.verbs) {
			pol_compile_unknown(compiler,
				pol_method_is_registered(word->text) ? "method" : "action", word,
				&compiler->snapshot->verb_names);
		}
	}
}

static void add_loss(struct pol_loss *sum, const struct pol_loss *loss)
{
	sum->nodes = sum->nodes || loss->nodes;
	sum->verbs = sum->verbs || loss->verbs;
	sum->doubt = sum->doubt || loss->doubt;
}

/* Counts the look-ups in the nodes of the pattern that was resolved last; the first range was
 * counted together with the pattern. False: there are too many. */
static bool count_ranges(struct pol_compiler *compiler, const struct verbs *verbs,
	const struct pol_ast_pattern *pattern)
{
	size_t ranges = compiler->ranges.count;

	return count_lookups(compiler, ranges > 0 ? ranges - 1 : 0, verbs->count, pattern->path.at);
}

/* What one verb selects in the nodes of the pattern that was resolved last. */
static enum pol_status expand_verb(struct pol_compiler *compiler, const struct verbs *verbs,
	uint32_t verb, struct pol_selection *into, bool *out_any)
{
	enum pol_status status = POL_OK;

	for (size_t i = 0; status == POL_OK && i < compiler->ranges.count; i++) {
		status = pol_compile_expand(
			compiler, compiler->ranges.items[i], verbs->numbers[verb], into, out_any);
	}
	return status;
}

static void report_pattern(struct pol_compiler *compiler, const struct pol_ast_pattern *pattern,
	const struct verbs *verbs)
{
	if (verbs->all) {
		pol_diag_error(compiler->diags, pattern->path.at,
			"this selects nothing: there are no actions here");
	} else {
		pol_diag_error(compiler->diags, pattern->path.at,
			"this selects nothing: none of its nodes has '%.*s'%s",
			POL_STR_ARGS(verbs->words->items[0].text),
			verbs->count > 1 ? " or another of these actions"
			: verbs->numbers[0] == POL_VERB_HEAD
				? " (HEAD goes with GET unless a node declares it)"
				: "");
	}
}

/* Adds what all verbs select under one pattern. */
static enum pol_status add_pattern(struct pol_compiler *compiler, struct verbs *verbs,
	const struct pol_ast_pattern *pattern, struct pol_selection *into)
{
	size_t errors = compiler->diags->errors;
	enum pol_status status = pol_compile_pattern(compiler, pattern);
	const struct pol_loss *loss = &compiler->loss;
	bool hit = false;

	if (status == POL_OK && !count_ranges(compiler, verbs, pattern)) {
		verbs->loss = (struct pol_loss){ true, true, true };
		return POL_OK;
	}
	for (uint32_t v = 0; status == POL_OK && v < verbs->count; v++) {
		bool any = false;

		if (is_known(verbs, v)) {
			status = expand_verb(compiler, verbs, v, into, &any);
		}
		verbs->hits[v] = verbs->hits[v] || any;
		hit = hit || any;
	}
	/* An unknown action is reported by itself, and may be a misspelt one of these nodes. */
	if (status == POL_OK && !hit && are_known(verbs) && compiler->diags->errors == errors &&
		!loss->nodes && !loss->verbs) {
		report_pattern(compiler, pattern, verbs);
	}
	add_loss(&verbs->loss, loss);
	return status;
}

/* Reports verbs that selected nothing. Runs only when the patterns have no mistake, since that may
 * be why a verb selected nothing. */
static void check_hits(struct pol_compiler *compiler, const struct verbs *verbs)
{
	for (uint32_t v = 0; v < verbs->count; v++) {
		if (!verbs->hits[v] && is_known(verbs, v)) {
			pol_diag_error(compiler->diags, verbs->words->items[v].at,
				"'%.*s' selects nothing: no node of these patterns has it%s",
				POL_STR_ARGS(verbs->words->items[v].text),
				verbs->numbers[v] == POL_VERB_HEAD
					? " (HEAD goes with GET unless a node declares it)"
					: "");
		}
	}
}

/* Adds what the grant selects, its exception apart. *out_loss: what may be missing in it. */
static enum pol_status select_grant(struct pol_compiler *compiler,
	const struct pol_ast_grant *grant, struct pol_selection *into, struct pol_loss *out_loss)
{
	size_t errors = compiler->diags->errors;
	size_t first = into->run_count;
	size_t room = first + UNMERGED_RUNS;
	struct verbs verbs;
	enum pol_status status = find_verbs(compiler, grant->all, &grant->verbs, &verbs);

	if (status == POL_OK &&
		!count_lookups(compiler, grant->patterns.count, grant->verbs.count, grant->at)) {
		*out_loss = (struct pol_loss){ true, true, true };
		return POL_OK;
	}
	for (uint32_t i = 0; status == POL_OK && i < grant->patterns.count; i++) {
		status = add_pattern(compiler, &verbs, &grant->patterns.items[i], into);
		if (into->run_count > room) {
			pol_compile_expand_merge(into, first);
			room = first + UNMERGED_RUNS + 2 * (into->run_count - first);
		}
	}
	if (status != POL_OK) {
		return status;
	}
	if (compiler->diags->errors == errors && !verbs.loss.nodes && !verbs.loss.verbs) {
		check_hits(compiler, &verbs);
	}
	check_known(compiler, &verbs);
	*out_loss = verbs.loss;
	return POL_OK;
}

/* Subtracts what the verbs select in the nodes of one pattern of the exception. *out_took becomes
 * true when that is something of `base`. */
static enum pol_status take_pattern(struct pol_compiler *compiler, const struct verbs *verbs,
	const struct pol_permset *base, struct pol_permset *rest, bool *out_took)
{
	enum pol_status status = POL_OK;

	for (uint32_t v = 0; status == POL_OK && v < verbs->count; v++) {
		struct pol_selection selection = { 0 };
		struct pol_permset taken = { 0 };
		bool any = false;

		if (!is_known(verbs, v)) {
			continue;
		}
		status = expand_verb(compiler, verbs, v, &selection, &any);
		if (status == POL_OK) {
			status = pol_compile_expand_set(compiler, &selection, &taken);
		}
		if (status == POL_OK && pol_permset_meets(&taken, base)) {
			*out_took = true;
			verbs->hits[v] = true;
			status = pol_permset_pool_subtract(compiler->pool, rest, &taken, rest);
		}
	}
	return status;
}

/* Reports actions of an exception that take nothing away, and an exception that takes everything.
 */
static void check_exception(struct pol_compiler *compiler, const struct pol_ast_grant *grant,
	const struct verbs *verbs, const struct pol_permset *rest)
{
	size_t errors = compiler->diags->errors;

	for (uint32_t v = 0; v < verbs->words->count && !verbs->all; v++) {
		if (!verbs->hits[v]) {
			pol_diag_error(compiler->diags, verbs->words->items[v].at,
				"this exception takes nothing away: the grant has no '%.*s'",
				POL_STR_ARGS(verbs->words->items[v].text));
		}
	}
	if (compiler->diags->errors == errors && pol_permset_is_empty(rest)) {
		pol_diag_error(compiler->diags, grant->except_at,
			"this exception takes everything away: nothing is left of the grant");
	}
}

/* Subtracts the grant's exception from *set. Each pattern and action of an exception must take
 * something away, and all together may not take everything; that is checked when `sound`, which
 * says that the grant has no mistake and misses nothing. *loss is the grant's, and becomes that of
 * both. */
static enum pol_status subtract_exception(struct pol_compiler *compiler,
	const struct pol_ast_grant *grant, struct pol_permset *set, bool sound,
	struct pol_loss *loss)
{
	bool own = grant->except_patterns.count == 0;
	bool all = grant->except_all || grant->except_verbs.count == 0;
	const struct pol_ast_patterns *patterns = own ? &grant->patterns : &grant->except_patterns;
	size_t errors = compiler->diags->errors;
	struct pol_permset base = *set;
	struct verbs verbs;
	enum pol_status status = find_verbs(compiler, all, &grant->except_verbs, &verbs);

	if (status == POL_OK && !count_lookups(compiler, patterns->count, grant->except_verbs.count,
					patterns->items[0].path.at)) {
		*loss = (struct pol_loss){ true, true, true };
		return POL_OK;
	}
	/* Mistakes in the grant's patterns, which the exception uses, were reported. */
	for (uint32_t i = 0; status == POL_OK && (sound || !own) && i < patterns->count; i++) {
		bool took = false;

		status = pol_compile_pattern(compiler, &patterns->items[i]);
		add_loss(&verbs.loss, &compiler->loss);
		if (status == POL_OK && !count_ranges(compiler, &verbs, &patterns->items[i])) {
			*loss = (struct pol_loss){ true, true, true };
			return POL_OK;
		}
		if (status == POL_OK) {
			status = take_pattern(compiler, &verbs, &base, set, &took);
		}
		if (status == POL_OK && sound && !took && !own && are_known(&verbs) &&
			pol_compile_loss_is_none(&verbs.loss) &&
			compiler->diags->errors == errors) {
			pol_diag_error(compiler->diags, patterns->items[i].path.at,
				"this exception takes nothing away");
		}
	}
	if (status != POL_OK) {
		return status;
	}
	add_loss(&verbs.loss, loss);
	check_known(compiler, &verbs);
	if (sound && are_known(&verbs) && compiler->diags->errors == errors &&
		pol_compile_loss_is_none(&verbs.loss)) {
		check_exception(compiler, grant, &verbs, set);
	}
	*loss = verbs.loss;
	return POL_OK;
}

enum pol_status pol_compile_grant_select(struct pol_compiler *compiler,
	const struct pol_ast_grant *grant, struct pol_selection *into, struct pol_loss *loss)
{
	size_t errors = compiler->diags->errors;
	struct pol_selection whole = { 0 };
	struct pol_permset set;
	enum pol_status status;

	if (!grant->except) {
		return select_grant(compiler, grant, into, loss);
	}
	status = select_grant(compiler, grant, &whole, loss);
	if (status == POL_OK) {
		status = pol_compile_expand_set(compiler, &whole, &set);
	}
	if (status == POL_OK) {
		bool sound = compiler->diags->errors == errors && pol_compile_loss_is_none(loss);

		status = subtract_exception(compiler, grant, &set, sound, loss);
	}
	if (status == POL_OK && set.count > 0) {
		status = pol_compile_expand_add_set(compiler, into, set);
	}
	return status;
}

enum pol_status pol_compile_grant_select_part(struct pol_compiler *compiler,
	const struct pol_ast_grant *grant, const struct pol_ast_patterns *patterns,
	const struct pol_permset *whole, struct pol_permset *out)
{
	struct pol_selection part = { 0 };
	struct pol_permset set, rest;
	struct verbs verbs;
	enum pol_status status = find_verbs(compiler, grant->all, &grant->verbs, &verbs);

	for (uint32_t i = 0; status == POL_OK && i < patterns->count; i++) {
		bool any = false;

		status = pol_compile_pattern(compiler, &patterns->items[i]);
		for (uint32_t v = 0; status == POL_OK && v < verbs.count; v++) {
			status = expand_verb(compiler, &verbs, v, &part, &any);
		}
	}
	if (status == POL_OK) {
		status = pol_compile_expand_set(compiler, &part, &set);
	}
	if (status == POL_OK) {
		status = pol_permset_pool_subtract(compiler->pool, &set, whole, &rest);
	}
	return status == POL_OK ? pol_permset_pool_subtract(compiler->pool, &set, &rest, out)
				: status;
}
