/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile_condition.h"
#include "policy/snapshot/tree.h"
#include "policy/text/path.h"
#include "policy/text/timetext.h"

/* Is the word a place of this policy: TREE:/path that leads to or through a declared node? Reports
 * why not, unless a mistake in a tree may be the reason. */
static bool check_place(
	const struct pol_snapshot *snapshot, struct pol_diags *diags, const struct pol_word *place)
{
	struct pol_path path;
	struct pol_str tree;
	struct pol_str raw;
	uint32_t number, node;
	struct pol_loss loss = { 0 };
	const char *fault;

	if (!pol_path_split(place->text, &tree, &raw)) {
		pol_diag_error(diags, place->at, "'%.*s' is not a place: TREE:/path is",
			POL_STR_ARGS(place->text));
		return false;
	}
	number = pol_tree_number(snapshot, tree);
	if (number == POL_NONE && snapshot->tree_lost) {
		return false;
	}
	if (number == POL_NONE) {
		struct pol_nearest nearest = pol_nearest_to(tree);

		for (uint32_t i = 0; i < snapshot->tree_count; i++) {
			pol_nearest_offer(&nearest, snapshot->trees[i].name);
		}
		pol_diag_error(diags, place->at, "unknown tree '%.*s'" POL_NEAREST,
			POL_STR_ARGS(tree), POL_NEAREST_ARGS(nearest));
		return false;
	}
	fault = pol_path_fault(raw);
	if (fault == NULL && memchr(raw.ptr, '?', raw.len) != NULL) {
		fault = "a place has no query";
	}
	if (fault != NULL) {
		pol_diag_error(
			diags, place->at, "'%.*s' is not a path: %s", POL_STR_ARGS(raw), fault);
		return false;
	}
	(void)pol_path_read(raw, &path);
	fault = pol_path_place_fault(&path);
	if (fault != NULL) {
		pol_diag_error(diags, place->at, "%s", fault);
		return false;
	}
	if (pol_tree_find(snapshot, number, &path, &node) != POL_OK) {
		pol_damage_of_resource(snapshot, place->text, &loss);
		if (!loss.nodes) {
			pol_diag_error(diags, place->at, "no declared node is at '%.*s'",
				POL_STR_ARGS(place->text));
		}
		return false;
	}
	return true;
}

static int64_t read_until(struct pol_compiler *compiler, const struct pol_word *word)
{
	int64_t until = 0;

	if (word->text.ptr != NULL &&
		(pol_timetext_parse(word->text, &until) != POL_OK || until <= 0)) {
		pol_diag_error(compiler->diags, word->at,
			"'%.*s' is not a time: write it as 2027-01-31T18:00:00Z",
			POL_STR_ARGS(word->text));
	}
	return until;
}

/* A copy in canonical spelling, of a place that check_place accepted. */
static struct pol_str copy_place(struct pol_compiler *compiler, struct pol_str place)
{
	char *buffer = pol_arena_alloc(&compiler->snapshot->arena, place.len, 1);
	struct pol_str copy = { 0 };

	if (buffer != NULL && pol_path_place_normalise(place, buffer, &copy) != POL_OK) {
		copy = (struct pol_str){ 0 };
	}
	return copy;
}

static enum pol_status copy_places(
	struct pol_compiler *compiler, const struct pol_words *words, struct pol_held *out)
{
	struct pol_str *places =
		pol_arena_alloc(&compiler->snapshot->arena, words->count, sizeof *places);

	if (places == NULL) {
		return compiler->snapshot->arena.status;
	}
	for (uint32_t i = 0; i < words->count; i++) {
		if (check_place(compiler->snapshot, compiler->diags, &words->items[i])) {
			places[out->place_count++] = copy_place(compiler, words->items[i].text);
		}
	}
	out->places = places;
	return compiler->snapshot->arena.status;
}

/* Adds an assignment for each role of a line `role A, B at … until …`. */
static enum pol_status assign(struct pol_compiler *compiler, const struct pol_ast_assignment *held,
	struct pol_principal *principal)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_assignment line = { .until = read_until(compiler, &held->until) };
	enum pol_status status = copy_places(compiler, &held->places, &line.held);

	for (uint32_t i = 0; status == POL_OK && i < held->roles.count; i++) {
		const struct pol_word *word = &held->roles.items[i];

		if (pol_str_equal(word->text, POL_STR("anyone"))) {
			pol_diag_error(compiler->diags, word->at,
				"role 'anyone' is held by every caller and never assigned");
			continue;
		}
		line.held.role = pol_names_find(&snapshot->role_names, word->text);
		line.held.until = line.until;
		if (line.held.role == POL_NONE) {
			pol_compile_unknown(compiler, "role", word, &snapshot->role_names);
			continue;
		}
		/* read_principal reported that there are too many. */
		if (principal->assignment_count == POL_PRINCIPAL_ROLES) {
			continue;
		}
		for (uint32_t k = 0; k < principal->assignment_count; k++) {
			uint32_t other = principal->assignments[k].held.role;
			uint32_t set = pol_snapshot_exclusive(snapshot, line.held.role, other);
			struct pol_diag *diag;

			if (set == POL_NONE) {
				continue;
			}
			diag = pol_diag_error(compiler->diags, word->at,
				"principal '%.*s' would hold '%.*s' beside '%.*s', which are "
				"exclusive",
				POL_STR_ARGS(principal->id), POL_STR_ARGS(word->text),
				POL_STR_ARGS(snapshot->roles[other].name));
			pol_diag_note(compiler->diags, diag, compiler->ast->exclusives[set].at,
				"declared exclusive here");
			break;
		}
		principal->assignments[principal->assignment_count++] = line;
	}
	return status;
}

static enum pol_status read_principal(struct pol_compiler *compiler,
	const struct pol_ast_principal *from, struct pol_principal *principal)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	size_t most = 0;
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; i < from->held_count; i++) {
		most += from->held[i].roles.count;
	}
	if (most > POL_PRINCIPAL_ROLES) {
		pol_diag_error(compiler->diags, from->id.at,
			"principal '%.*s' has more than %d roles: inherit them in one",
			POL_STR_ARGS(from->id.text), POL_PRINCIPAL_ROLES);
	}
	principal->id = pol_compile_text(compiler, from->id.text);
	principal->at = from->id.at;
	principal->description = pol_compile_text(compiler, from->description.text);
	principal->assignments =
		pol_arena_alloc(&snapshot->arena, most, sizeof *principal->assignments);
	if (snapshot->arena.status != POL_OK) {
		return snapshot->arena.status;
	}
	for (uint32_t i = 0; status == POL_OK && i < from->held_count; i++) {
		status = assign(compiler, &from->held[i], principal);
	}
	return status == POL_OK ? pol_compile_attributes(compiler, from, &principal->attributes)
				: status;
}

/* Adds the next principal. Not `numbered`: its id cannot be used, and it is read only to find the
 * mistakes in it. */
static enum pol_status add_principal(
	struct pol_compiler *compiler, const struct pol_ast_principal *from, bool numbered)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_principal aside = { 0 };
	struct pol_principal *principal =
		numbered ? &snapshot->principals[snapshot->principal_count] : &aside;
	enum pol_status status = read_principal(compiler, from, principal);

	if (status == POL_OK && numbered) {
		pol_names_add(&snapshot->principal_names, principal->id, snapshot->principal_count);
		snapshot->principal_count++;
	}
	return status;
}

enum pol_status pol_compile_principals(struct pol_compiler *compiler)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	const struct pol_ast *ast = compiler->ast;
	const struct pol_ast_principal **first =
		pol_arena_alloc(compiler->scratch, ast->principals_count, sizeof *first);
	struct pol_peers peers;
	enum pol_status status = pol_compile_peer_begin(compiler, &peers);

	snapshot->principals = pol_arena_alloc(
		&snapshot->arena, ast->principals_count, sizeof *snapshot->principals);
	if (status == POL_OK) {
		status = pol_names_init(
			&snapshot->principal_names, &snapshot->arena, ast->principals_count);
	}
	if (first == NULL || snapshot->principals == NULL) {
		return POL_ENOMEM;
	}
	for (size_t i = 0; status == POL_OK && i < ast->principals_count; i++) {
		const struct pol_ast_principal *from = &ast->principals[i];
		uint32_t was = from->id.text.ptr != NULL
				       ? pol_names_find(&snapshot->principal_names, from->id.text)
				       : POL_NONE;
		uint32_t number = POL_NONE;

		if (from->id.text.ptr == NULL) {
			/* The parser reported that it is missing. */
		} else if (pol_str_equal(from->id.text, POL_STR("inactive"))) {
			pol_diag_error(compiler->diags, from->id.at,
				"no principal is called 'inactive': tests use the word for one "
				"that "
				"is switched off");
		} else if (was != POL_NONE) {
			struct pol_diag *diag = pol_diag_error(compiler->diags, from->id.at,
				"principal '%.*s' is declared twice", POL_STR_ARGS(from->id.text));

			pol_diag_note(compiler->diags, diag, first[was]->id.at, "first here");
		} else {
			number = snapshot->principal_count;
			first[number] = from;
		}
		status = add_principal(compiler, from, number != POL_NONE);
		if (status == POL_OK) {
			status = pol_compile_peer_add(compiler, &peers, from, number);
		}
	}
	if (status == POL_OK) {
		pol_compile_peer_end(compiler, &peers);
	}
	return status;
}
