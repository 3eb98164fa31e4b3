/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/compiled.h"
#include "policy/snapshot/dependency.h"
#include "policy/snapshot/prepared.h"
#include "policy/snapshot/stored_internal.h"
#include "policy/snapshot/tree.h"
#include "policy/text/path.h"

struct pol_snapshot *pol_snapshot_ref(struct pol_snapshot *snapshot)
{
	size_t before = atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);

	assert(before > 0);
	(void)before;
	return snapshot;
}

/* Ends one hold on a snapshot that was compiled. */
static void release_compiled(struct pol_snapshot *snapshot)
{
	if (atomic_fetch_sub_explicit(&snapshot->holders, 1, memory_order_acq_rel) == 1) {
		pol_dependency_release(snapshot);
		pol_arena_finish(&snapshot->arena);
		free(snapshot);
	}
}

void pol_snapshot_unref(struct pol_snapshot *snapshot)
{
	if (snapshot == NULL ||
		atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1) {
		return;
	}
	if (snapshot->base == NULL) {
		pol_prepared_release(snapshot);
	}
	if (snapshot->base == NULL && snapshot->compiled == NULL) {
		release_compiled(snapshot);
		return;
	}
	if (snapshot->base != NULL) {
		pol_stored_release(snapshot);
	} else {
		release_compiled(snapshot->compiled);
	}
	pol_arena_finish(&snapshot->arena);
	free(snapshot);
}

const char *pol_snapshot_revision(const struct pol_snapshot *snapshot)
{
	return snapshot->revision;
}

uint32_t pol_snapshot_role(const struct pol_snapshot *snapshot, struct pol_str name)
{
	return pol_names_find(&snapshot->role_names, name);
}

uint32_t pol_snapshot_scope(const struct pol_snapshot *snapshot, struct pol_str name)
{
	return pol_names_find(&snapshot->scope_names, name);
}

uint32_t pol_snapshot_environment(const struct pol_snapshot *snapshot, struct pol_str name)
{
	return pol_names_find(&snapshot->environment_names, name);
}

uint32_t pol_snapshot_principal(const struct pol_snapshot *snapshot, struct pol_str id)
{
	return pol_names_find(&snapshot->principal_names, id);
}

size_t pol_snapshot_environments(
	const struct pol_snapshot *snapshot, const struct pol_environment **out)
{
	*out = snapshot->environments;
	return snapshot->environment_count;
}

const struct pol_limits *pol_snapshot_limits(const struct pol_snapshot *snapshot)
{
	return &snapshot->limits;
}

struct pol_str pol_snapshot_role_name(const struct pol_snapshot *snapshot, uint32_t role)
{
	return role < snapshot->role_count ? snapshot->roles[role].name : (struct pol_str){ 0 };
}

struct pol_str pol_snapshot_role_description(const struct pol_snapshot *snapshot, uint32_t role)
{
	return role < snapshot->role_count ? snapshot->roles[role].description
					   : (struct pol_str){ 0 };
}

struct pol_str pol_snapshot_scope_name(const struct pol_snapshot *snapshot, uint32_t scope)
{
	return scope < snapshot->scope_count ? snapshot->scopes[scope].name : (struct pol_str){ 0 };
}

struct pol_str pol_snapshot_tree_name(const struct pol_snapshot *snapshot, uint32_t tree)
{
	return tree < snapshot->tree_count ? snapshot->trees[tree].name : (struct pol_str){ 0 };
}

struct pol_str pol_snapshot_verb(const struct pol_snapshot *snapshot, uint32_t verb)
{
	return verb < snapshot->verb_count ? snapshot->verbs[verb] : (struct pol_str){ 0 };
}

struct pol_str pol_snapshot_scope_description(const struct pol_snapshot *snapshot, uint32_t scope)
{
	return scope < snapshot->scope_count ? snapshot->scopes[scope].description
					     : (struct pol_str){ 0 };
}

bool pol_snapshot_scope_is_conditional(const struct pol_snapshot *snapshot, uint32_t scope)
{
	return scope < snapshot->scope_count && snapshot->scopes[scope].conditional_count > 0;
}

size_t pol_snapshot_scope_count(const struct pol_snapshot *snapshot)
{
	return snapshot->scope_count;
}

size_t pol_snapshot_role_count(const struct pol_snapshot *snapshot)
{
	return snapshot->role_count;
}

bool pol_snapshot_role_is_anyone(const struct pol_snapshot *snapshot, uint32_t role)
{
	return role != POL_NONE && role == snapshot->anyone;
}

size_t pol_snapshot_principal_count(const struct pol_snapshot *snapshot)
{
	return snapshot->principal_count;
}

struct pol_str pol_snapshot_principal_id(const struct pol_snapshot *snapshot, uint32_t principal)
{
	return principal < snapshot->principal_count ? snapshot->principals[principal].id
						     : (struct pol_str){ 0 };
}

struct pol_span pol_snapshot_principal_at(const struct pol_snapshot *snapshot, uint32_t principal)
{
	return principal < snapshot->principal_count ? snapshot->principals[principal].at
						     : POL_NO_POSITION;
}

size_t pol_snapshot_principal_held(
	const struct pol_snapshot *snapshot, uint32_t principal, int64_t now, struct pol_held *out)
{
	const struct pol_principal *from;
	size_t count = 0;

	if (principal >= snapshot->principal_count) {
		return 0;
	}
	from = &snapshot->principals[principal];
	for (uint32_t i = 0; i < from->assignment_count; i++) {
		if (from->assignments[i].until == 0 || now < from->assignments[i].until) {
			out[count++] = from->assignments[i].held;
		}
	}
	return count;
}

const struct pol_given *pol_snapshot_principal_attributes(
	const struct pol_snapshot *snapshot, uint32_t principal)
{
	return principal < snapshot->principal_count ? &snapshot->principals[principal].attributes
						     : NULL;
}

bool pol_snapshot_may_charge(const struct pol_snapshot *snapshot)
{
	return snapshot->may_charge;
}

bool pol_snapshot_quota(const struct pol_snapshot *snapshot, uint32_t number, struct pol_str *out)
{
	if (number >= snapshot->quota_count) {
		return false;
	}
	*out = snapshot->quotas[number];
	return true;
}

bool pol_snapshot_is_exclusive(const struct pol_snapshot *snapshot, uint32_t role)
{
	return role < snapshot->role_count && snapshot->roles[role].exclusion_count > 0;
}

uint32_t pol_snapshot_exclusive(const struct pol_snapshot *snapshot, uint32_t a, uint32_t b)
{
	if (a >= snapshot->role_count || b >= snapshot->role_count) {
		return POL_NONE;
	}
	for (uint32_t i = 0; i < snapshot->roles[a].exclusion_count; i++) {
		const struct pol_exclusion *one = &snapshot->roles[a].exclusions[i];

		for (uint32_t k = 0; k < snapshot->roles[b].exclusion_count; k++) {
			const struct pol_exclusion *other = &snapshot->roles[b].exclusions[k];

			if (one->set == other->set && one->member != other->member) {
				return one->set;
			}
		}
	}
	return POL_NONE;
}

enum pol_status pol_snapshot_check_place(const struct pol_snapshot *snapshot, struct pol_str place)
{
	struct pol_path path;
	struct pol_str tree;
	struct pol_str raw;
	uint32_t node;

	if (!pol_path_split(place, &tree, &raw) || memchr(raw.ptr, '?', raw.len) != NULL ||
		pol_path_read(raw, &path) != POL_OK || pol_path_place_fault(&path) != NULL) {
		return POL_EINVALID;
	}
	return pol_tree_find(snapshot, pol_tree_number(snapshot, tree), &path, &node);
}

bool pol_snapshot_note(
	const struct pol_snapshot *snapshot, size_t index, struct pol_snapshot_note *out)
{
	const struct pol_note *note;

	if (index >= snapshot->note_count) {
		return false;
	}
	note = &snapshot->notes[index];
	if (note->at.file >= snapshot->file_count) {
		return false;
	}
	*out = (struct pol_snapshot_note){ note->module, note->text,
		snapshot->files[note->at.file].name, note->line };
	return true;
}

static size_t all_bytes(const struct pol_snapshot *snapshot)
{
	size_t bytes = pol_snapshot_own_bytes(snapshot);

	if (snapshot->base != NULL) {
		snapshot = snapshot->base;
		bytes += pol_snapshot_own_bytes(snapshot);
	}
	return bytes + (snapshot->compiled != NULL ? snapshot->compiled->arena.used : 0);
}

const struct pol_source *pol_snapshot_files(const struct pol_snapshot *snapshot, size_t *out_count)
{
	*out_count = snapshot->file_count;
	return snapshot->files;
}

struct pol_counts pol_snapshot_counts(const struct pol_snapshot *snapshot)
{
	return (struct pol_counts){
		.trees = snapshot->tree_count,
		.nodes = snapshot->node_count,
		.permissions = snapshot->permission_count,
		.roles = snapshot->role_count - snapshot->stored_count,
		.scopes = snapshot->scope_count,
		.principals = snapshot->principal_count,
		.stacks = snapshot->stack_count,
		.tests = snapshot->test_count,
		.grants = snapshot->grant_count,
		.bytes = all_bytes(snapshot),
	};
}

size_t pol_snapshot_own_bytes(const struct pol_snapshot *snapshot)
{
	return snapshot->arena.used + (snapshot->base == NULL ? pol_prepared_bytes(snapshot) : 0);
}

bool pol_snapshot_module(
	const struct pol_snapshot *snapshot, size_t index, struct pol_snapshot_module *out)
{
	for (const struct pol_dependency *at = snapshot->modules; at != NULL; at = at->next) {
		if (index-- == 0) {
			*out = (struct pol_snapshot_module){ at->name,
				pol_str_of(at->module.table->version), at->module.hash };
			return true;
		}
	}
	return false;
}
