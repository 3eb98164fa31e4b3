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
		if ((matched->open >> (i + index) & 1) != 0) {
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
