/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/renew.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile/stack_prepare.h"
#include "policy/decide/stack.h"
#include "policy/snapshot/dependency.h"
#include "policy/snapshot/prepared.h"
#include "policy/snapshot/revision.h"

/* --- the warnings of all else ----------------------------------------------------------------- */

bool pol_renew_may_keep(const struct pol_diags *diags, const struct pol_snapshot *snapshot)
{
	size_t count = 0;

	for (const struct pol_diag *diag = diags->first; diag != NULL; diag = diag->next) {
		count++;
	}
	return diags->errors == 0 && count == diags->warnings &&
	       count + snapshot->data_line_count <= diags->most_kept;
}

static void keep_warning(
	struct pol_arena *arena, const struct pol_diag *diag, struct pol_fixed_warning *out)
{
	struct pol_fixed_note *notes;
	uint32_t count = 0;

	for (const struct pol_diag_note *note = diag->notes; note != NULL; note = note->next) {
		count++;
	}
	notes = pol_arena_alloc(arena, count, sizeof *notes);
	*out = (struct pol_fixed_warning){ .warning = diag->warning,
		.at = diag->at,
		.message = pol_arena_copy(arena, diag->message),
		.notes = notes };
	for (const struct pol_diag_note *note = diag->notes; notes != NULL && note != NULL;
		note = note->next) {
		notes[out->note_count++] =
			(struct pol_fixed_note){ note->at, pol_arena_copy(arena, note->message) };
	}
}

void pol_renew_keep(struct pol_snapshot *snapshot, const struct pol_diags *diags, bool whole)
{
	struct pol_fixed *fixed = snapshot->fixed;

	fixed->whole = whole;
	if (!whole) {
		return;
	}
	fixed->warnings =
		pol_arena_alloc(&snapshot->arena, diags->warnings, sizeof *fixed->warnings);
	for (const struct pol_diag *diag = diags->first; fixed->warnings != NULL && diag != NULL;
		diag = diag->next) {
		if (diag->warning != POL_WARNING_DATA_FILE) {
			keep_warning(
				&snapshot->arena, diag, &fixed->warnings[fixed->warning_count++]);
		}
	}
}

static void repeat_warnings(struct pol_diags *diags, const struct pol_fixed *fixed)
{
	for (uint32_t i = 0; i < fixed->warning_count; i++) {
		const struct pol_fixed_warning *kept = &fixed->warnings[i];
		struct pol_diag *diag = pol_diag_warning(
			diags, kept->at, kept->warning, "%.*s", POL_STR_ARGS(kept->message));

		for (uint32_t k = 0; k < kept->note_count; k++) {
			pol_diag_note(diags, diag, kept->notes[k].at, "%.*s",
				POL_STR_ARGS(kept->notes[k].message));
		}
	}
}

/* --- the lines with data files ---------------------------------------------------------------- */

struct renewal {
	const struct pol_snapshot *before; /* without stored roles */
	const struct pol_host *host;
	struct pol_diags *diags;
	struct pol_budget budget;
	struct pol_snapshot *out;
};

/* Would the module get what it got before? The files that it asked for are looked at in that order,
 * up to the first that has changed: so the snapshot depends on none that the module does not ask
 * for again. */
static bool is_same(struct renewal *renewal, const struct pol_prepared *prepared)
{
	bool same = !prepared->refused;

	for (uint32_t i = 0; same && i < prepared->use_count; i++) {
		const struct pol_dependency *data;
		char why[POL_HOST_WHY];

		same = pol_dependency_data(renewal->out, renewal->host, prepared->uses[i].name,
			       &data, why) == POL_OK &&
		       data->module.hash == prepared->uses[i].hash;
	}
	return same;
}

/* A reference to what a line of before has, counted in the budget. NULL: it is too much. */
static struct pol_prepared *share(struct renewal *renewal, struct pol_prepared *prepared)
{
	return pol_budget_take(&renewal->budget, pol_arena_bytes(&prepared->arena))
		       ? pol_prepared_ref(prepared)
		       : NULL;
}

/* NULL: no memory. */
static struct pol_prepared *prepare(struct renewal *renewal, const struct pol_data_line *line)
{
	struct pol_line_preparation preparation = {
		.snapshot = renewal->out,
		.host = renewal->host,
		.diags = renewal->diags,
		.line = line->line,
		.module = line->module,
		.prepared = pol_prepared_create(renewal->budget.limit, &renewal->budget),
	};

	if (preparation.prepared != NULL) {
		pol_stack_prepare(&preparation);
	}
	return preparation.prepared;
}

static enum pol_status renew_lines(struct renewal *renewal)
{
	const struct pol_snapshot *before = renewal->before;
	struct pol_snapshot *out = renewal->out;
	struct pol_data_line *lines =
		pol_arena_alloc(&out->arena, before->data_line_count, sizeof *lines);

	if (lines == NULL) {
		return out->arena.status;
	}
	out->data_lines = lines;
	for (uint32_t i = 0; i < before->data_line_count; i++) {
		struct pol_prepared *old = before->data_lines[i].prepared;

		lines[i] = before->data_lines[i];
		lines[i].prepared =
			is_same(renewal, old) ? share(renewal, old) : prepare(renewal, &lines[i]);
		if (lines[i].prepared == NULL) {
			return POL_ENOMEM;
		}
		out->data_line_count++;
		if (renewal->diags->errors > 0 || out->arena.status != POL_OK) {
			return POL_EINVALID;
		}
	}
	return POL_OK;
}

/* --- the stacks ------------------------------------------------------------------------------- */

static bool has_data_line(const struct pol_stack_group *group)
{
	for (uint32_t i = 0; i < group->count; i++) {
		if (group->lines[i].written->data_line > 0) {
			return true;
		}
	}
	return false;
}

/* Copies the lines of a group, and puts in what was prepared now. */
static bool renew_group(struct pol_snapshot *out, struct pol_stack_group *group)
{
	struct pol_stack_line *lines = pol_arena_alloc(&out->arena, group->count, sizeof *lines);

	if (lines == NULL) {
		return false;
	}
	memcpy(lines, group->lines, group->count * sizeof *lines);
	for (uint32_t i = 0; i < group->count; i++) {
		uint32_t number = lines[i].written->data_line;

		if (number > 0) {
			const struct pol_prepared *prepared = out->data_lines[number - 1].prepared;

			lines[i].module = prepared->module;
			lines[i].state = prepared->state;
		}
	}
	group->lines = lines;
	return true;
}

static enum pol_status renew_stacks(struct pol_snapshot *out)
{
	const struct pol_stack *from = out->compiled->stacks;
	struct pol_stack *stacks = pol_arena_alloc(&out->arena, out->stack_count, sizeof *stacks);

	if (stacks == NULL) {
		return out->arena.status;
	}
	if (out->stack_count > 0) {
		memcpy(stacks, from, out->stack_count * sizeof *stacks);
	}
	for (uint32_t i = 0; i < out->stack_count; i++) {
		for (int group = 0; group < POL_GROUP_COUNT; group++) {
			if (has_data_line(&stacks[i].groups[group]) &&
				!renew_group(out, &stacks[i].groups[group])) {
				return out->arena.status;
			}
		}
	}
	out->stacks = stacks;
	if (out->compiled->other != NULL) {
		out->other = stacks + (out->compiled->other - from);
	}
	return POL_OK;
}

/* --- the snapshot ----------------------------------------------------------------------------- */

/* A copy of all that is shared; NULL: no memory. */
static struct pol_snapshot *begin(const struct pol_snapshot *before)
{
	const size_t shared = offsetof(struct pol_snapshot, revision);
	struct pol_snapshot *out = calloc(1, sizeof *out);

	if (out == NULL) {
		return NULL;
	}
	memcpy((char *)out + shared, (const char *)before + shared, sizeof *out - shared);
	atomic_init(&out->references, 1);
	pol_arena_init(&out->arena, POL_SNAPSHOT_LIMIT);
	out->compiled = before->compiled;
	if (before->compiled == NULL) {
		out->compiled = (struct pol_snapshot *)(uintptr_t)before;
	}
	atomic_fetch_add_explicit(&out->compiled->holders, 1, memory_order_relaxed);
	out->data = NULL;
	out->data_lines = NULL;
	out->data_line_count = 0;
	return out;
}

static enum pol_status renew(struct renewal *renewal)
{
	struct pol_snapshot *out = renewal->out;
	enum pol_status status;

	repeat_warnings(renewal->diags, out->fixed);
	status = renew_lines(renewal);
	pol_prepared_settle(out);
	if (status == POL_OK) {
		status = renew_stacks(out);
	}
	if (status == POL_OK && !pol_prepared_join_notes(out)) {
		status = out->arena.status;
	}
	pol_diags_sort(renewal->diags);
	pol_revision_text(out->fixed->sources, pol_dependency_hash(out), out->revision);
	return status;
}

enum pol_status pol_renew(const struct pol_snapshot *before, const struct pol_host *host,
	struct pol_diags *diags, struct pol_snapshot **out)
{
	struct renewal renewal = { .host = host, .diags = diags };
	enum pol_status status;

	renewal.before = before->base != NULL ? before->base : before;
	if (!before->fixed->whole) {
		return POL_EINVALID;
	}
	renewal.out = begin(renewal.before);
	if (renewal.out == NULL) {
		return POL_ENOMEM;
	}
	pol_budget_init(&renewal.budget, before->fixed->limit);
	if (pol_budget_take(&renewal.budget, before->fixed->taken)) {
		status = renew(&renewal);
	} else {
		status = POL_EINVALID;
	}
	if (status != POL_OK) {
		pol_snapshot_unref(renewal.out);
		return status;
	}
	*out = renewal.out;
	return POL_OK;
}
