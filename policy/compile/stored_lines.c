/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/compile/stored_condition.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/stored_internal.h"
#include "policy/snapshot/tree.h"

/*
 * What a stored role allows and denies, as lines that any later policy can read. A line is
 * `+GET,PUT api:/loans/{loan}`, or begins with `-` for what is denied: an effect; the methods, and
 * the actions without methods; the node as declared. What has a condition ends with ` when ` and
 * the condition, in which names are put in. In a literal, `%` and `{` are encoded, so that no
 * literal looks like a parameter, and a blank before the word `when`. All other bytes are as they
 * are, blanks too, so that a line is not a grant of the policy language.
 */

/* The most memory for reading the lines of one role. */
#define SCRATCH_LIMIT ((size_t)64 * 1024 * 1024)

/* --- into lines ------------------------------------------------------------------------------- */

struct writing {
	const struct pol_snapshot *snapshot;
	pol_stored_line seen;
	void *context;
	struct pol_resource line;
	char *whole; /* the line with its condition; NULL: it has none */
	size_t condition_len;
};

/* Ends the line and gives it to `seen`. The condition is at the end of `whole` already. */
static bool end_line(struct writing *writing)
{
	struct pol_str line = { writing->line.text, writing->line.len };

	if (writing->whole != NULL) {
		char *at = writing->whole + POL_RESOURCE_TEXT - line.len;

		memcpy(at, line.ptr, line.len);
		line = (struct pol_str){ at, line.len + writing->condition_len };
	}
	return writing->seen(writing->context, line);
}

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
	return end_line(writing);
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

/* Writes what is allowed or denied under one condition. POL_ENOMEM; POL_ELIMIT: `seen` stops it. */
static enum pol_status write_conditional(struct writing *writing, const struct pol_conditional *one)
{
	static const char when[] = " when ";
	size_t len = pol_condition_format(writing->snapshot, one->condition, NULL, 0);
	size_t room = sizeof when - 1 + len + 1;
	char *at;
	bool whole;

	writing->whole = malloc(POL_RESOURCE_TEXT + room);
	if (writing->whole == NULL) {
		return POL_ENOMEM;
	}
	at = writing->whole + POL_RESOURCE_TEXT;
	memcpy(at, when, sizeof when - 1);
	pol_condition_format(writing->snapshot, one->condition, at + sizeof when - 1, len + 1);
	writing->condition_len = sizeof when - 1 + len;
	whole = write_set(writing, &one->set, one->deny ? "-" : "+");
	free(writing->whole);
	writing->whole = NULL;
	return whole ? POL_OK : POL_ELIMIT;
}

enum pol_status pol_stored_lines_write(const struct pol_snapshot *snapshot,
	const struct pol_stored *stored, pol_stored_line seen, void *context)
{
	struct writing writing = { .snapshot = snapshot,
		.seen = seen,
		.context = context,
		.line.form = POL_RESOURCE_STORED };
	enum pol_status status = POL_ELIMIT;

	writing.line.text = malloc(POL_RESOURCE_TEXT);
	if (writing.line.text == NULL) {
		return POL_ENOMEM;
	}
	if (write_set(&writing, &stored->allow, "+") && write_set(&writing, &stored->deny, "-")) {
		status = POL_OK;
	}
	for (uint32_t i = 0; status == POL_OK && i < stored->conditional_count; i++) {
		status = write_conditional(&writing, &stored->conditionals[i]);
	}
	free(writing.line.text);
	return status;
}

/* --- from lines ------------------------------------------------------------------------------- */

struct runs {
	struct pol_run *items;
	size_t count, capacity;
};

/* What has one condition and effect. */
struct conditional_runs {
	const struct pol_condition *condition;
	bool deny;
	struct runs runs;
};

struct reading {
	const struct pol_snapshot *snapshot;
	struct pol_arena arena;
	struct runs allow, deny;
	struct conditional_runs *conditionals;
	size_t conditional_count, conditional_capacity;
	struct pol_stored_conditions conditions;
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

/* Decodes a literal: of the bytes that are encoded, % is %25, { is %7B and a blank is %20. */
static struct pol_str read_literal(struct reading *reading, struct pol_str text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len && len < sizeof reading->literal; i++) {
		char c = text.ptr[i];

		if (c == '%' && text.len - i > 2) {
			c = text.ptr[i + 1] == '7' ? '{' : text.ptr[i + 2] == '0' ? ' ' : '%';
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

/* The runs with that condition and effect, or NULL: the arena has no memory. */
static struct runs *find_runs(
	struct reading *reading, const struct pol_condition *condition, bool deny)
{
	struct conditional_runs *grown = reading->conditionals;

	if (condition == NULL) {
		return deny ? &reading->deny : &reading->allow;
	}
	/* The lines of one condition follow each other. */
	for (size_t i = reading->conditional_count; i > 0; i--) {
		if (grown[i - 1].condition == condition && grown[i - 1].deny == deny) {
			return &grown[i - 1].runs;
		}
	}
	if (reading->conditional_count == reading->conditional_capacity) {
		grown = pol_arena_grow(&reading->arena, grown, reading->conditional_count,
			reading->conditional_count + 1, sizeof *grown,
			&reading->conditional_capacity);
		if (grown == NULL) {
			return NULL;
		}
		reading->conditionals = grown;
	}
	grown = &reading->conditionals[reading->conditional_count++];
	*grown = (struct conditional_runs){ .condition = condition, .deny = deny };
	return &grown->runs;
}

/* Where " when " begins the condition of a line's node; false: it has none. */
static bool split_condition(struct pol_str *node, struct pol_str *out)
{
	static const char when[] = " when ";
	const size_t len = sizeof when - 1;

	for (size_t i = 0; i + len <= node->len; i++) {
		if (memcmp(node->ptr + i, when, len) == 0) {
			*out = (struct pol_str){ node->ptr + i + len, node->len - i - len };
			node->len = i;
			return true;
		}
	}
	return false;
}

/* What a line is about. */
struct line {
	bool deny;
	struct pol_str verbs;
	uint32_t node;
	const struct pol_condition *condition; /* NULL: always */
	bool lacks_condition;                  /* the policy does not have all that it needs */
};

/* POL_ENOTFOUND: the policy lacks the node, or the text is not a line. */
static enum pol_status parse_line(struct reading *reading, struct pol_str text, struct line *out)
{
	struct pol_str condition;
	enum pol_status status = POL_OK;

	*out = (struct line){ .deny = text.len > 0 && text.ptr[0] == '-' };
	if (!cut(&text, ' ', &out->verbs) || out->verbs.len == 0) {
		return POL_ENOTFOUND;
	}
	out->verbs.ptr++;
	out->verbs.len--;
	/* Before there were conditions, a literal with " when " was written as it is. */
	out->node = find_node(reading, text);
	if (out->node != POL_NONE || !split_condition(&text, &condition)) {
		return out->node != POL_NONE ? POL_OK : POL_ENOTFOUND;
	}
	out->node = find_node(reading, text);
	if (out->node == POL_NONE) {
		return POL_ENOTFOUND;
	}
	status = pol_stored_condition_read(
		&reading->conditions, condition, out->node, &out->condition);
	out->lacks_condition = out->condition == NULL;
	return status;
}

/* Adds what one line has. POL_ENOTFOUND: the policy lacks something of it; the rest is added. */
static enum pol_status read_line(struct reading *reading, struct pol_str text)
{
	const struct pol_snapshot *snapshot = reading->snapshot;
	struct line line;
	enum pol_status status = parse_line(reading, text, &line);
	bool missing = line.lacks_condition;
	struct pol_run run;
	struct pol_str verb;
	struct runs *runs;

	if (status != POL_OK) {
		return status;
	}
	if (line.lacks_condition && !line.deny) {
		return POL_ENOTFOUND;
	}
	runs = find_runs(reading, line.condition, line.deny);
	if (runs == NULL) {
		return reading->arena.status;
	}
	run = pol_tree_node_run(snapshot, line.node);
	while (status == POL_OK && cut(&line.verbs, ',', &verb)) {
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

static enum pol_status join_conditionals(
	struct reading *reading, struct pol_permset_pool *pool, struct pol_grantee *out)
{
	struct pol_conditional *made =
		pol_arena_alloc(&reading->arena, reading->conditional_count, sizeof *made);
	enum pol_status status = POL_OK;

	if (made == NULL) {
		return reading->arena.status;
	}
	out->conditionals = made;
	for (size_t i = 0; status == POL_OK && i < reading->conditional_count; i++) {
		const struct conditional_runs *from = &reading->conditionals[i];
		struct pol_conditional *one = &made[out->conditional_count];

		one->condition = from->condition;
		one->deny = from->deny;
		status = pol_permset_pool_of_runs(
			pool, from->runs.items, from->runs.count, &one->set);
		out->conditional_count += one->set.count > 0;
	}
	return status;
}

static enum pol_status join_runs(struct reading *reading, struct pol_stored **out)
{
	struct pol_permset_pool *pool = pol_permset_pool_create(&reading->arena);
	struct pol_grantee made = { 0 };
	enum pol_status status = POL_ENOMEM;

	if (pool != NULL) {
		status = pol_permset_pool_of_runs(
			pool, reading->allow.items, reading->allow.count, &made.allow);
	}
	if (status == POL_OK) {
		status = pol_permset_pool_of_runs(
			pool, reading->deny.items, reading->deny.count, &made.deny);
	}
	if (status == POL_OK) {
		status = join_conditionals(reading, pool, &made);
	}
	if (status == POL_OK) {
		*out = pol_stored_own_create(&made);
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
	reading->conditions.snapshot = snapshot;
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
	pol_stored_condition_end(&reading->conditions);
	pol_arena_finish(&reading->arena);
	free(reading);
	return status;
}
