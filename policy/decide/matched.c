/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/matched.h"

#include <string.h>

#include "policy/decide/zone.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"

static bool has_node(const struct pol_matched *matched)
{
	return matched != NULL && matched->node != POL_NONE;
}

static size_t node(const struct pol_request *request, char *out, size_t size)
{
	const struct pol_matched *matched = request->matched;
	char text[POL_RESOURCE_TEXT];
	struct pol_resource resource = { .text = text };
	struct pol_str whole = { NULL, 0 };
	size_t len;

	if (has_node(matched)) {
		whole = pol_resource_of_node(&resource, matched->snapshot, matched->node);
	}
	if (size > 0) {
		len = whole.len < size ? whole.len : size - 1;
		if (len > 0) {
			memcpy(out, whole.ptr, len);
		}
		out[len] = '\0';
	}
	return whole.len;
}

/* Is it `{loan}`, or `{path...}`? */
static bool is_braced(struct pol_str segment)
{
	return segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
}

/* Is the segment the parameter of the node, as it is declared? */
static bool is_parameter(const struct pol_node *at, struct pol_str segment)
{
	const struct pol_str dots = POL_STR("...");
	struct pol_str name = { segment.ptr + 1, segment.len - 2 };

	if (at->kind == POL_SEGMENT_REST) {
		if (name.len <= dots.len ||
			!pol_str_equal((struct pol_str){ name.ptr + name.len - dots.len, dots.len },
				dots)) {
			return false;
		}
		name.len -= dots.len;
	}
	return pol_str_equal(name, at->name);
}

enum pol_open pol_matched_open(const struct pol_matched *matched, uint32_t segment)
{
	const struct pol_path *path = matched->path;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(matched->snapshot, matched->node, chain);
	/* The segments from the last node on are of a rest. */
	uint32_t last = segment < depth ? segment : depth - 1;
	const struct pol_node *at = &matched->snapshot->nodes[chain[last]];

	if (at->kind == POL_SEGMENT_LITERAL || (path->encoded >> segment & 1) != 0 ||
		!is_braced(path->segments[segment])) {
		return POL_OPEN_NOT;
	}
	return is_parameter(at, path->segments[segment]) &&
			       (at->kind != POL_SEGMENT_REST || path->count == depth)
		       ? POL_OPEN_ANY
		       : POL_OPEN_MISNAMED;
}

static bool parameter(
	const struct pol_request *request, struct pol_str name, uint32_t index, struct pol_str *out)
{
	const struct pol_matched *matched = request->matched;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth;

	if (!has_node(matched)) {
		return false;
	}
	depth = pol_resource_node_chain(matched->snapshot, matched->node, chain);
	for (uint32_t i = 0; i < depth; i++) {
		const struct pol_node *at = &matched->snapshot->nodes[chain[i]];
		uint32_t values = at->kind == POL_SEGMENT_REST ? matched->path->count - i : 1;

		if (at->kind == POL_SEGMENT_LITERAL || !pol_str_equal(at->name, name)) {
			continue;
		}
		if (i > matched->path->count || index >= values) {
			return false;
		}
		if (matched->asked != NULL &&
			pol_matched_open(matched, i + index) != POL_OPEN_NOT) {
			*matched->asked = true;
			return false;
		}
		*out = matched->path->segments[i + index];
		return true;
	}
	return false;
}

/* UTC has no file. */
static int32_t zone_offset(const struct pol_zone *zone, int64_t time)
{
	return zone != NULL ? pol_zone_offset(zone, time) : 0;
}

struct pol_request pol_matched_request(
	const struct pol_facts *facts, const struct pol_matched *matched)
{
	return (struct pol_request){ .facts = facts,
		.node = node,
		.parameter = parameter,
		.zone_offset = zone_offset,
		.matched = matched };
}
