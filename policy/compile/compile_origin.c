/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile.h"

enum pol_status pol_compile_origin_rules(const struct pol_pieces *pieces, struct pol_origin *out)
{
	struct pol_compiler *compiler = pieces->compiler;
	struct pol_arena *arena = &compiler->snapshot->arena;
	const struct pol_selection *all = &pieces->selection;
	struct pol_run *runs = pol_arena_alloc(arena, all->run_count, sizeof *runs);
	struct pol_permset *sets = pol_arena_alloc(arena, all->set_count, sizeof *sets);

	if (runs == NULL || sets == NULL) {
		return arena->status;
	}
	if (all->run_count > 0) {
		memcpy(runs, all->runs, all->run_count * sizeof *runs);
	}
	if (all->set_count > 0) {
		memcpy(sets, all->sets, all->set_count * sizeof *sets);
	}
	for (size_t i = 0; i < pieces->count; i++) {
		struct pol_selection own = pol_compile_cover_pieces(pieces, i);
		struct pol_rule *rule = &out->rules[out->rule_count++];

		rule->at = pieces->grants[i]->at;
		rule->line =
			pol_diag_span_line(compiler->diags->sources, &compiler->lines, rule->at);
		rule->deny = pieces->grants[i]->deny;
		rule->condition = pieces->conditions[i];
		rule->runs = runs;
		rule->run_count = (uint32_t)own.run_count;
		rule->sets = sets;
		rule->set_count = (uint32_t)own.set_count;
		runs += own.run_count;
		sets += own.set_count;
	}
	return POL_OK;
}

enum pol_status pol_compile_origin_parents(struct pol_grantee_kind *kind)
{
	struct pol_compiler *compiler = kind->compiler;
	struct pol_line_cursor lines = { 0 };
	size_t total = 0;
	uint32_t *parents;

	for (uint32_t i = 0; i < kind->count; i++) {
		total += kind->parent_counts[i];
	}
	parents = pol_arena_alloc(&compiler->snapshot->arena, total, sizeof *parents);
	if (parents == NULL) {
		return compiler->snapshot->arena.status;
	}
	for (uint32_t i = 0; i < kind->count; i++) {
		struct pol_origin *origin = &kind->origins[i];

		origin->at = kind->statements[i]->name.at;
		origin->line = pol_diag_span_line(compiler->diags->sources, &lines, origin->at);
		origin->parents = parents;
		origin->parent_count = kind->parent_counts[i];
		for (uint32_t k = 0; k < origin->parent_count; k++) {
			*parents++ = kind->parents[i][k];
		}
	}
	return POL_OK;
}

enum pol_status pol_compile_origin_files(
	struct pol_snapshot *snapshot, const struct pol_source *sources, size_t count)
{
	snapshot->files = pol_arena_alloc(&snapshot->arena, count, sizeof *snapshot->files);
	if (snapshot->files == NULL) {
		return snapshot->arena.status;
	}
	for (size_t i = 0; i < count; i++) {
		snapshot->files[i].name = pol_arena_copy(&snapshot->arena, sources[i].name);
		snapshot->files[i].text = pol_arena_copy(&snapshot->arena, sources[i].text);
	}
	snapshot->file_count = (uint32_t)count;
	return snapshot->arena.status;
}
