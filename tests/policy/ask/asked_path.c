/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/ask/asked_path.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/snapshot/compiled.h"
#include "policy/snapshot/tree.h"

/* Splits a pattern. Returns the number of segments, without the two stars at its end. */
static uint32_t split(const char *pattern, char out[16][32], bool *deep)
{
	uint32_t count = 0;
	const char *at = strchr(pattern, '/');

	*deep = false;
	while (at != NULL && at[1] != '\0') {
		size_t len = strcspn(at + 1, "/");

		cr_assert(len < 32 && count < 16);
		snprintf(out[count++], 32, "%.*s", (int)len, at + 1);
		at = strchr(at + 1, '/');
	}
	if (count > 0 && strcmp(out[count - 1], "**") == 0) {
		*deep = true;
		count--;
	}
	return count;
}

bool asked_path_matches(const struct asked_path *path, const char *pattern)
{
	char segments[16][32];
	bool deep;
	uint32_t count = split(pattern, segments, &deep);
	uint32_t kinds = (uint32_t)strlen(path->kinds);
	bool rest = count > 0 && strstr(segments[count - 1], "...}") != NULL;

	if (rest) {
		if (kinds == 0 || path->kinds[kinds - 1] != 'r') {
			return false;
		}
		count--;
		/* As declared the rest comes after the others; at a place below it, after values.
		 */
		if (count < kinds - 1 || count > path->count) {
			return false;
		}
	} else if (deep ? count > path->count : count != path->count) {
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (segments[i][0] == '{' ? i >= kinds || path->kinds[i] != 'p'
					  : strcmp(segments[i], path->segments[i]) != 0) {
			return false;
		}
	}
	/* A path that ends in a rest of no segments is the rest's, not its parent's. */
	return rest || deep || kinds <= path->count;
}

bool asked_path_is_at(const struct asked_path *path, const char *place)
{
	size_t len = strlen(place) - 4; /* without "api:" */

	return len <= 1 || (strncmp(place + 4, path->text, len) == 0 &&
				   (path->text[len] == '/' || path->text[len] == '\0'));
}

/* The child of a node that a segment names, by the nodes' own names. */
static uint32_t child_of(const struct pol_snapshot *snapshot, uint32_t node, const char *name)
{
	for (uint32_t i = node + 1; node != POL_NONE && i < snapshot->nodes[node].end;
		i = snapshot->nodes[i].end) {
		if (snapshot->nodes[i].kind == POL_SEGMENT_LITERAL &&
			pol_str_equal(snapshot->nodes[i].name, pol_str_of(name))) {
			return i;
		}
	}
	return POL_NONE;
}

static enum pol_segment_kind kind_of(const struct pol_snapshot *snapshot, uint32_t node)
{
	return node != POL_NONE ? snapshot->nodes[node].kind : POL_SEGMENT_LITERAL;
}

/* The parameter or rest below a node, or the rest itself. */
static uint32_t wild_of(const struct pol_snapshot *snapshot, uint32_t node)
{
	if (kind_of(snapshot, node) == POL_SEGMENT_REST || node == POL_NONE) {
		return node;
	}
	return snapshot->nodes[node].wild;
}

void asked_path_name_kinds(struct asked_path *path, const struct pol_snapshot *const sides[2])
{
	uint32_t nodes[2];
	size_t used = 0;
	bool rest = false, own = false, param = false;

	for (int s = 0; s < 2; s++) {
		nodes[s] = sides[s]->trees[pol_tree_number(sides[s], POL_STR("api"))].root;
	}
	for (uint32_t i = 0; i < path->count && !rest; i++) {
		uint32_t exact[2];
		bool literal;

		param = false;
		for (int s = 0; s < 2; s++) {
			exact[s] = child_of(sides[s], nodes[s], path->segments[i]);
			nodes[s] = exact[s] == POL_NONE ? wild_of(sides[s], nodes[s]) : exact[s];
			param = param || kind_of(sides[s], nodes[s]) == POL_SEGMENT_PARAM;
		}
		literal = exact[0] != POL_NONE || exact[1] != POL_NONE;
		rest = !literal && !param;
		path->kinds[used++] = literal ? 'l' : param ? 'p' : 'r';
	}
	param = false;
	for (int s = 0; s < 2; s++) {
		own = own ||
		      (nodes[s] != POL_NONE && pol_tree_node_run(sides[s], nodes[s]).count > 0);
		param = param ||
			kind_of(sides[s], wild_of(sides[s], nodes[s])) == POL_SEGMENT_PARAM;
	}
	/* Without permissions of its own the node is its rest's. */
	if (!rest && !own && !param &&
		(kind_of(sides[0], wild_of(sides[0], nodes[0])) == POL_SEGMENT_REST ||
			kind_of(sides[1], wild_of(sides[1], nodes[1])) == POL_SEGMENT_REST)) {
		path->kinds[used++] = 'r';
	}
	path->kinds[used] = '\0';
}

bool asked_path_make(struct asked_path *out, uint32_t number)
{
	static const char *const words[] = { "a", "b", "c", "v" };
	uint32_t power = 1;

	*out = (struct asked_path){ .count = 0 };
	while (number >= power) {
		number -= power;
		power *= 4;
		out->count++;
	}
	if (out->count > RANDOM_DEPTH + 1) {
		return false;
	}
	for (uint32_t i = 0; i < out->count; i++) {
		strcpy(out->segments[i], words[number % 4]);
		number /= 4;
		strcat(strcat(out->text, "/"), out->segments[i]);
	}
	if (out->count == 0) {
		strcpy(out->text, "/");
	}
	return true;
}
