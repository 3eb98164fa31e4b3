/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/prepared.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct pol_prepared *pol_prepared_create(size_t limit, struct pol_budget *budget)
{
	struct pol_prepared *prepared = calloc(1, sizeof *prepared);

	if (prepared != NULL) {
		atomic_init(&prepared->references, 1);
		pol_arena_init_shared(&prepared->arena, limit, budget);
	}
	return prepared;
}

struct pol_prepared *pol_prepared_ref(struct pol_prepared *prepared)
{
	size_t before = atomic_fetch_add_explicit(&prepared->references, 1, memory_order_relaxed);

	assert(before > 0);
	(void)before;
	return prepared;
}

void pol_prepared_unref(struct pol_prepared *prepared)
{
	if (prepared != NULL &&
		atomic_fetch_sub_explicit(&prepared->references, 1, memory_order_acq_rel) == 1) {
		pol_arena_finish(&prepared->arena);
		free(prepared);
	}
}

bool pol_prepared_use(struct pol_prepared *prepared, struct pol_str name, uint64_t hash)
{
	struct pol_data_use *uses = prepared->uses;

	if (prepared->use_count == prepared->use_capacity) {
		uses = pol_arena_grow(&prepared->arena, uses, prepared->use_count,
			prepared->use_count + (size_t)1, sizeof *uses, &prepared->use_capacity);
	}
	if (uses == NULL) {
		return false;
	}
	prepared->uses = uses;
	uses[prepared->use_count] =
		(struct pol_data_use){ pol_arena_copy(&prepared->arena, name), hash };
	return uses[prepared->use_count++].name.ptr != NULL;
}

bool pol_prepared_add(struct pol_snapshot *snapshot, struct pol_data_line line)
{
	struct pol_data_line *lines = snapshot->data_lines;

	/* The capacity is the next power of two. */
	if ((snapshot->data_line_count & (snapshot->data_line_count - 1)) == 0) {
		size_t room = snapshot->data_line_count > 0 ? 2 * snapshot->data_line_count : 1;

		lines = pol_arena_alloc(&snapshot->arena, room, sizeof *lines);
		if (lines == NULL) {
			return false;
		}
		if (snapshot->data_line_count > 0) {
			memcpy(lines, snapshot->data_lines,
				snapshot->data_line_count * sizeof *lines);
		}
		snapshot->data_lines = lines;
	}
	lines[snapshot->data_line_count++] = line;
	return true;
}

/* The notes of the snapshot while they are joined. */
struct joined {
	struct pol_note *notes;
	uint32_t count;
};

static void add_note(struct joined *joined, struct pol_note note)
{
	if (joined->count < POL_NOTES_MAX) {
		joined->notes[joined->count++] = note;
	}
}

bool pol_prepared_join_notes(struct pol_snapshot *snapshot)
{
	const struct pol_fixed *fixed = snapshot->fixed;
	size_t most = (size_t)fixed->note_count + snapshot->data_line_count;
	struct joined joined = { 0 };
	uint32_t next = 0;

	joined.notes = pol_arena_alloc(&snapshot->arena,
		most < POL_NOTES_MAX ? most : POL_NOTES_MAX, sizeof *joined.notes);
	if (joined.notes == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < snapshot->data_line_count; i++) {
		const struct pol_data_line *line = &snapshot->data_lines[i];

		while (next < line->fixed_notes) {
			add_note(&joined, fixed->notes[next++]);
		}
		if (line->prepared->note.ptr != NULL) {
			add_note(&joined, (struct pol_note){
						  .module = pol_str_of(line->module->name),
						  .text = line->prepared->note,
						  .at = line->line->at,
						  .line = line->number,
					  });
		}
	}
	while (next < fixed->note_count) {
		add_note(&joined, fixed->notes[next++]);
	}
	snapshot->notes = joined.notes;
	snapshot->note_count = joined.count;
	return true;
}

size_t pol_prepared_bytes(const struct pol_snapshot *snapshot)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < snapshot->data_line_count; i++) {
		bytes += pol_arena_bytes(&snapshot->data_lines[i].prepared->arena);
	}
	return bytes;
}

void pol_prepared_settle(struct pol_snapshot *snapshot)
{
	for (uint32_t i = 0; i < snapshot->data_line_count; i++) {
		struct pol_prepared *prepared = snapshot->data_lines[i].prepared;

		/* One that is shared has none, and other threads may read it. */
		if (prepared->arena.budget != NULL) {
			prepared->arena.budget = NULL;
		}
	}
}

void pol_prepared_release(struct pol_snapshot *snapshot)
{
	for (uint32_t i = 0; i < snapshot->data_line_count; i++) {
		pol_prepared_unref(snapshot->data_lines[i].prepared);
	}
	snapshot->data_line_count = 0;
}
