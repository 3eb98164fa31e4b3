/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/compile/compile.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/stored_internal.h"
#include "policy/snapshot/tree.h"

/*
 * What a stored role allows and denies, as lines that any later policy can read. A line is
 * `+GET,PUT api:/loans/{loan}`, or begins with `-` for what is denied: an effect; the methods, and
 * the actions without methods; the node as declared. In a literal, `%` and `{` are encoded, so that
 * no literal looks like a parameter. All other bytes are as they are, blanks too, so that a line is
 * no grant of the policy language.
 */

/* The most memory for reading the lines of one role. */
#define SCRATCH_LIMIT ((size_t)64 * 1024 * 1024)

/* --- into lines ------------------------------------------------------------------------------- */

struct writing {
	const struct pol_snapshot *snapshot;
	pol_stored_line seen;
	void *context;
	struct pol_resource line;
};

/* Writes what the set has of one node. False: `seen` stops it. */
static bool write_node(
	struct writing *writing, const struct pol_permset *set, const char *effect, uint32_t node)
{
	const struct pol_snapshot *snapshot = writing->snapshot;
	struct pol_run run = pol_tree_node_run(snapshot, node);
	const char *before = effect;

	writing->line.len = 0;
	for (uint32_t i = run.first; i < run.first + run.count; i++) {
		if (pol_permset_has(set, i)) {
			pol_resource_put(&writing->line, pol_str_of(before));
			pol_resource_put(&writing->line, snapshot->verbs[snapshot->permissions[i]]);
			before = ",";
		}
	}
	pol_resource_put(&writing->line, POL_STR(" "));
	pol_resource_append_node(&writing->line, snapshot, node);
	return writing->seen(
		writing->context, (struct pol_str){ writing->line.text, writing->line.len });
}

static bool write_set(struct writing *writing, const struct pol_permset *set, const char *effect)
{
	const struct pol_snapshot *snapshot = writing->snapshot;

	for (uint32_t node = 0; set->count > 0 && node < snapshot->node_count; node++) {
		struct pol_run run = pol_tree_node_run(snapshot, node);

		if (run.count > 0 && pol_permset_has_any(set, run) &&
			!write_node(writing, set, effect, node)) {
			return false;
		}
	}
	return true;
}

enum pol_status pol_stored_lines_write(const struct pol_snapshot *snapshot,
	const struct pol_stored *stored, pol_stored_line seen, void *context)
{
	struct writing writing = { .snapshot = snapshot,
		.seen = seen,
		.context = context,
		.line.form = POL_RESOURCE_STORED };
	bool whole;

	writing.line.text = malloc(POL_RESOURCE_TEXT);
	if (writing.line.text == NULL) {
		return POL_ENOMEM;
	}
	whole = write_set(&writing, &stored->allow, "+") && write_set(&writing, &stored->deny, "-");
	free(writing.line.text);
	return whole ? POL_OK : POL_ELIMIT;
}

/* --- from lines ------------------------------------------------------------------------------- */

struct runs {
	struct pol_run *items;
	size_t count, capacity;
};

struct reading {
	const struct pol_snapshot *snapshot;
	struct pol_arena arena;
	struct runs allow, deny;
	char literal[POL_PATH_BYTES];
};

/* Takes what stands before the next `at`, or all that is left. False: nothing is left. */
static bool cut(struct pol_str *rest, char at, struct pol_str *out)
{
	const char *end;

	if (rest->len == 0) {
		return false;
	}
	end = memchr(rest->ptr, at, rest->len);
	out->ptr = rest->ptr;
	out->len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
	rest->ptr += out->len + (end != NULL);
	rest->len -= out->len + (end != NULL);
	return true;
}

/* Decodes a literal: of the two bytes that are encoded, % is %25 and { is %7B. */
static struct pol_str read_literal(struct reading *reading, struct pol_str text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len && len < sizeof reading->literal; i++) {
		char c = text.ptr[i];

		if (c == '%' && text.len - i > 2) {
			c = text.ptr[i + 1] == '2' ? '%' : '{';
			i += 2;
		}
		reading->literal[len++] = c;
	}
	return (struct pol_str){ reading->literal, len };
}

/* The child that the segment names, or POL_NONE. */
static uint32_t find_child(struct reading *reading, uint32_t node, struct pol_str segment)
{
	const struct pol_snapshot *snapshot = reading->snapshot;
	struct pol_segment wild = { .kind = POL_SEGMENT_PARAM };
	uint32_t child;

	if (segment.len == 0 || segment.ptr[0] != '{') {
		return pol_tree_literal_find(snapshot, node, read_literal(reading, segment),
			       &child) == POL_LITERAL_EXACT
			       ? child
			       : POL_NONE;
	}
	segment = (struct pol_str){ segment.ptr + 1, segment.len > 1 ? segment.len - 2 : 0 };
	if (segment.len > 3 && memcmp(segment.ptr + segment.len - 3, "...", 3) == 0) {
		wild.kind = POL_SEGMENT_REST;
		segment.len -= 3;
	}
	wild.text = segment;
	return pol_compile_pattern_wild_child(snapshot, node, &wild);
}

static uint32_t find_node(struct reading *reading, struct pol_str resource)
{
	const struct pol_snapshot *snapshot = reading->snapshot;
	struct pol_str tree, segment;
	uint32_t number, node;

	if (!cut(&resource, ':', &tree)) {
		return POL_NONE;
	}
	number = pol_tree_number(snapshot, tree);
	if (number == POL_NONE) {
		return POL_NONE;
	}
	node = snapshot->trees[number].root;
	if (resource.len > 0) {
		resource.ptr++;
		resource.len--;
	}
	while (node != POL_NONE && cut(&resource, '/', &segment)) {
		node = find_child(reading, node, segment);
	}
	return node;
}

static enum pol_status add_run(struct reading *reading, struct runs *runs, uint32_t permission)
{
	struct pol_run *last = runs->count > 0 ? &runs->items[runs->count - 1] : NULL;

	if (last != NULL && last->first + last->count == permission) {
		last->count++;
		return POL_OK;
	}
	if (runs->count == runs->capacity) {
		struct pol_run *grown = pol_arena_grow(&reading->arena, runs->items, runs->count,
			runs->count + 1, sizeof *grown, &runs->capacity);

		if (grown == NULL) {
			return reading->arena.status;
		}
		runs->items = grown;
	}
	runs->items[runs->count++] = (struct pol_run){ permission, 1 };
	return POL_OK;
}

/* Adds what one line has. POL_ENOTFOUND: the policy lacks something of it; the rest is added. */
static enum pol_status read_line(struct reading *reading, struct pol_str line)
{
	const struct pol_snapshot *snapshot = reading->snapshot;
	struct runs *runs = line.len > 0 && line.ptr[0] == '-' ? &reading->deny : &reading->allow;
	struct pol_str verbs, verb;
	struct pol_run run;
	enum pol_status status = POL_OK;
	bool missing = false;
	uint32_t node;

	if (!cut(&line, ' ', &verbs) || verbs.len == 0) {
		return POL_ENOTFOUND;
	}
	node = find_node(reading, line);
	if (node == POL_NONE) {
		return POL_ENOTFOUND;
	}
	verbs.ptr++;
	verbs.len--;
	run = pol_tree_node_run(snapshot, node);
	while (status == POL_OK && cut(&verbs, ',', &verb)) {
		uint32_t number = pol_names_find(&snapshot->verb_names, verb);
		uint32_t at = run.first;

		while (at < run.first + run.count && snapshot->permissions[at] != number) {
			at++;
		}
		if (number == POL_NONE || at == run.first + run.count) {
			missing = true;
		} else {
			status = add_run(reading, runs, at);
		}
	}
	return status == POL_OK && missing ? POL_ENOTFOUND : status;
}

static enum pol_status join_runs(struct reading *reading, struct pol_stored **out)
{
	struct pol_permset_pool *pool = pol_permset_pool_create(&reading->arena);
	struct pol_permset allow = { 0 }, deny = { 0 };
	enum pol_status status = POL_ENOMEM;

	if (pool != NULL) {
		status = pol_permset_pool_of_runs(
			pool, reading->allow.items, reading->allow.count, &allow);
	}
	if (status == POL_OK) {
		status = pol_permset_pool_of_runs(
			pool, reading->deny.items, reading->deny.count, &deny);
	}
	if (status == POL_OK) {
		*out = pol_stored_create(&allow, &deny);
		status = *out != NULL ? POL_OK : POL_ENOMEM;
	}
	pol_permset_pool_destroy(pool);
	return status;
}

enum pol_status pol_stored_lines_read(const struct pol_snapshot *snapshot,
	const struct pol_stored_source *source, struct pol_stored **out)
{
	struct reading *reading = calloc(1, sizeof *reading);
	enum pol_status status = POL_OK;
	struct pol_str line;

	if (reading == NULL) {
		return POL_ENOMEM;
	}
	reading->snapshot = snapshot;
	pol_arena_init(&reading->arena, SCRATCH_LIMIT);
	while (status == POL_OK && source->lines(source->context, &line)) {
		status = read_line(reading, line);
		if (status == POL_ENOTFOUND) {
			status = POL_OK;
			if (source->missing != NULL) {
				source->missing(source->context, line);
			}
		}
	}
	if (status == POL_OK) {
		status = join_runs(reading, out);
	}
	pol_arena_finish(&reading->arena);
	free(reading);
	return status;
}
