/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile/renew.h"
#include "policy/snapshot/dependency.h"
#include "policy/snapshot/prepared.h"
#include "policy/snapshot/revision.h"
#include "policy/text/silence.h"

/* Short texts share pieces of this size: the arena rounds each allocation up, and most words are
 * far shorter than that. */
#define TEXT_PIECE ((size_t)64 * 1024)

struct pol_str pol_compile_text(struct pol_compiler *compiler, struct pol_str text)
{
	char *copy;

	if (text.ptr == NULL) {
		return text;
	}
	if (text.len > TEXT_PIECE / 16) {
		return pol_arena_copy(&compiler->snapshot->arena, text);
	}
	if (text.len >= compiler->text_left) {
		compiler->text = pol_arena_alloc(&compiler->snapshot->arena, TEXT_PIECE, 1);
		compiler->text_left = compiler->text != NULL ? TEXT_PIECE : 0;
		if (compiler->text == NULL) {
			return (struct pol_str){ 0 };
		}
	}
	copy = compiler->text;
	memcpy(copy, text.ptr, text.len);
	compiler->text += text.len;
	compiler->text_left -= text.len;
	return (struct pol_str){ copy, text.len };
}

struct pol_str pol_compile_name(struct pol_compiler *compiler, struct pol_str name)
{
	struct pol_str *recent =
		&compiler->names[pol_str_hash(name, POL_HASH_SEED) % POL_RECENT_NAMES];

	if (recent->ptr == NULL || !pol_str_equal(*recent, name)) {
		*recent = pol_compile_text(compiler, name);
	}
	return *recent;
}

struct pol_str pol_compile_fold(struct pol_compiler *compiler, struct pol_str name)
{
	char *text = pol_arena_alloc(compiler->scratch, name.len, 1);

	if (text == NULL) {
		return (struct pol_str){ 0 };
	}
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		text[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	return (struct pol_str){ text, name.len };
}

void pol_compile_unknown(struct pol_compiler *compiler, const char *what,
	const struct pol_word *word, const struct pol_names *known)
{
	struct pol_nearest nearest = pol_nearest_to(word->text);

	if (known->slots != NULL && compiler->diags->errors < POL_NEAREST_ERRORS) {
		for (uint32_t i = 0; i <= known->mask && i < 4 * POL_NEAREST_OFFERS; i++) {
			pol_nearest_offer(&nearest, known->slots[i].text);
		}
	}
	pol_diag_error(compiler->diags, word->at, "unknown %s '%.*s'" POL_NEAREST, what,
		POL_STR_ARGS(word->text), POL_NEAREST_ARGS(nearest));
}

static void make_sketches(struct pol_grantee *grantees, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		grantees[i].sketch = pol_permset_sketch(&grantees[i].allow);
		pol_permset_sketch_add(&grantees[i].sketch, &grantees[i].sometimes);
	}
}

/* Runs all stages; mistakes in one do not keep the next from running. */
static enum pol_status run_stages(struct pol_compiler *compiler)
{
	enum pol_status (*const stages[])(struct pol_compiler *) = {
		pol_compile_settings_environments,
		pol_compile_settings_limits,
		pol_compile_facts,
		pol_compile_conditions,
		pol_compile_trees,
		pol_compile_grantees,
		pol_compile_facts_end,
		pol_compile_asked_roles,
		pol_compile_principals,
	};
	enum pol_status status = POL_OK;

	for (size_t i = 0; status == POL_OK && i < sizeof stages / sizeof *stages; i++) {
		status = stages[i](compiler);
	}
	make_sketches(compiler->snapshot->roles, compiler->snapshot->role_count);
	make_sketches(compiler->snapshot->scopes, compiler->snapshot->scope_count);
	if (status == POL_OK) {
		status = pol_stack_compile(
			compiler->snapshot, compiler->ast, compiler->host, compiler->diags);
	}
	if (status == POL_OK || status == POL_EINVALID) {
		status = pol_suite_compile(compiler->snapshot, compiler->ast, compiler->diags);
	}
	return status == POL_EINVALID ? POL_OK : status;
}

/* How much memory this policy may take, less what is set aside for the diagnostics. */
static size_t find_limit(const struct pol_source *sources, size_t count)
{
	size_t text = 0;
	size_t limit;

	for (size_t i = 0; i < count; i++) {
		text += sources[i].text.len < POL_FOLDER_MAX ? sources[i].text.len : POL_FOLDER_MAX;
		text = text < POL_FOLDER_MAX ? text : POL_FOLDER_MAX;
	}
	limit = pol_compile_limit(text);
	return (limit < POL_SNAPSHOT_LIMIT ? limit : POL_SNAPSHOT_LIMIT) - POL_DIAGS_LIMIT;
}

static enum pol_status parse_and_compile(const struct pol_host *host, struct pol_diags *diags,
	const struct pol_compile_edit *edit, struct pol_snapshot *snapshot)
{
	struct pol_budget *budget = snapshot->arena.budget;
	struct pol_ast ast = { 0 };
	struct pol_arena scratch;
	struct pol_compiler compiler = {
		.snapshot = snapshot, .ast = &ast, .host = host, .diags = diags, .scratch = &scratch
	};
	enum pol_status status;

	pol_arena_init_shared(&scratch, budget->limit, budget);
	status = pol_parse_parallel(host, &scratch, diags, &ast);
	if (status != POL_OK && status != POL_EINVALID) {
		goto done;
	}
	if (edit != NULL) {
		edit->apply(edit, &ast);
	}
	compiler.pool = pol_permset_pool_create(&snapshot->arena);
	status = compiler.pool != NULL ? run_stages(&compiler) : POL_ENOMEM;
	if (status == POL_OK && diags->errors == 0) {
		status = pol_compile_origin_files(snapshot, diags->sources, diags->source_count);
	}
	snapshot->fixed->limit = budget->limit;
	snapshot->fixed->taken =
		budget->limit - pol_budget_left(budget) - pol_prepared_bytes(snapshot);
done:
	pol_compile_expand_destroy(&compiler);
	pol_permset_pool_destroy(compiler.pool);
	pol_arena_finish(&scratch);
	return status;
}

/* What depends on data files, and what a snapshot with other ones needs. */
static enum pol_status finish_data(
	struct pol_snapshot *snapshot, const struct pol_diags *diags, bool whole)
{
	struct pol_fixed *fixed = snapshot->fixed;

	fixed->sources = pol_revision_of(diags->sources, diags->source_count);
	pol_revision_text(fixed->sources, pol_dependency_hash(snapshot), snapshot->revision);
	if (pol_prepared_join_notes(snapshot)) {
		pol_renew_keep(snapshot, diags, whole);
	}
	return snapshot->arena.status;
}

enum pol_status pol_compile_edited(const struct pol_host *host, struct pol_diags *diags,
	const struct pol_compile_edit *edit, struct pol_snapshot **out)
{
	const struct pol_source *sources = diags->sources;
	size_t count = diags->source_count;
	const struct pol_span nowhere = { UINT32_MAX, 0, 0 };
	struct pol_snapshot *snapshot;
	struct pol_budget budget;
	enum pol_status status;
	bool whole;

	if (count == 0) {
		pol_diag_error(diags, nowhere,
			"no *.policy file%s%.*s: an empty folder is not a policy",
			diags->folder.len > 0 ? " in " : "", POL_STR_ARGS(diags->folder));
		return POL_EINVALID;
	}
	snapshot = calloc(1, sizeof *snapshot);
	if (snapshot == NULL) {
		return POL_ENOMEM;
	}
	atomic_init(&snapshot->references, 1);
	atomic_init(&snapshot->holders, 1);
	pol_budget_init(&budget, find_limit(sources, count));
	pol_arena_init_shared(&snapshot->arena, budget.limit, &budget);
	snapshot->anyone = POL_NONE;
	snapshot->fixed = pol_arena_alloc(&snapshot->arena, 1, sizeof *snapshot->fixed);
	status = snapshot->fixed != NULL ? parse_and_compile(host, diags, edit, snapshot)
					 : snapshot->arena.status;
	pol_prepared_settle(snapshot);
	snapshot->arena.budget = NULL;
	if (status == POL_ELIMIT && !snapshot->module_is_too_large) {
		pol_diag_error(diags, nowhere,
			"the policy is too large: to compile it would take more than %zu MiB, 64 "
			"times its text and 64 MiB (1 GiB at most)",
			(budget.limit + POL_DIAGS_LIMIT) / 1024 / 1024);
	}
	status = status == POL_ELIMIT ? POL_EINVALID : status;
	if (status == POL_OK && diags->errors > 0) {
		status = POL_EINVALID;
	}
	whole = pol_renew_may_keep(diags, snapshot);
	if (diags->warnings > 0) {
		pol_silence_apply(diags);
	}
	if (status == POL_OK) {
		status = finish_data(snapshot, diags, whole);
	}
	pol_diags_sort(diags);
	if (status != POL_OK) {
		pol_snapshot_unref(snapshot);
		return status;
	}
	*out = snapshot;
	return POL_OK;
}

enum pol_status pol_compile(const struct pol_source *sources, size_t count,
	const struct pol_host *host, struct pol_diags *diags, struct pol_snapshot **out)
{
	assert(diags->sources == sources && diags->source_count == count);
	return pol_compile_edited(host, diags, NULL, out);
}
