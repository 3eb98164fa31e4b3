/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/resource.h"

#include <string.h>

static void put(struct pol_resource *resource, const char *text, size_t len)
{
	if (len <= POL_RESOURCE_TEXT - resource->len) {
		memcpy(resource->text + resource->len, text, len);
		resource->len += len;
	}
}

uint32_t pol_resource_node_chain(
	const struct pol_snapshot *snapshot, uint32_t node, uint32_t out[POL_PATH_SEGMENTS])
{
	uint32_t depth = 0;
	uint32_t at = node;

	while (snapshot->nodes[at].parent != POL_NONE) {
		at = snapshot->nodes[at].parent;
		depth++;
	}
	for (uint32_t i = depth; i > 0; i--) {
		out[i - 1] = node;
		node = snapshot->nodes[node].parent;
	}
	return depth;
}

void pol_resource_put(struct pol_resource *resource, struct pol_str text)
{
	put(resource, text.ptr, text.len);
}

void pol_resource_begin(struct pol_resource *resource, struct pol_str tree)
{
	resource->len = 0;
	put(resource, tree.ptr, tree.len);
	put(resource, ":", 1);
}

static void put_slash(struct pol_resource *resource)
{
	put(resource, "/", 1);
	resource->segment = resource->len;
}

/* Does " when" stand there, as a word of its own? */
static bool is_when(struct pol_str value, size_t at)
{
	static const char when[] = " when";
	size_t end = at + sizeof when - 1;

	return value.len >= end && memcmp(value.ptr + at, when, sizeof when - 1) == 0 &&
	       (value.len == end || value.ptr[end] == ' ');
}

static bool is_escaped(enum pol_resource_form form, struct pol_str value, size_t at)
{
	char c = value.ptr[at];

	if (form == POL_RESOURCE_STORED) {
		return c == '%' || c == '{' || (c == ' ' && is_when(value, at));
	}
	return c == '%' || c == '?' || c == '#' || c == ';' || c == '\\';
}

void pol_resource_value(struct pol_resource *resource, struct pol_str value)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t done = 0;

	put_slash(resource);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char byte = (unsigned char)value.ptr[i];
		char escape[3] = { '%', digits[byte >> 4], digits[byte & 15] };

		if (is_escaped(resource->form, value, i)) {
			put(resource, value.ptr + done, i - done);
			put(resource, escape, sizeof escape);
			done = i + 1;
		}
	}
	if (done < value.len) {
		put(resource, value.ptr + done, value.len - done);
	}
}

void pol_resource_node(struct pol_resource *resource, const struct pol_node *node)
{
	if (node->kind == POL_SEGMENT_LITERAL) {
		pol_resource_value(resource, node->name);
		return;
	}
	put_slash(resource);
	put(resource, "{", 1);
	put(resource, node->name.ptr, node->name.len);
	put(resource, "...}", node->kind == POL_SEGMENT_REST ? 4 : 0);
	if (node->kind != POL_SEGMENT_REST) {
		put(resource, "}", 1);
	}
}

struct pol_str pol_resource_end(struct pol_resource *resource)
{
	if (resource->len > 0 && resource->text[resource->len - 1] == ':' &&
		memchr(resource->text, '/', resource->len) == NULL) {
		put(resource, "/", 1);
	}
	return (struct pol_str){ resource->text, resource->len };
}

void pol_resource_append_node(
	struct pol_resource *resource, const struct pol_snapshot *snapshot, uint32_t node)
{
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(snapshot, node, chain);

	pol_resource_put(resource, snapshot->trees[snapshot->nodes[node].tree].name);
	put(resource, ":", 1);
	for (uint32_t i = 0; i < depth; i++) {
		pol_resource_node(resource, &snapshot->nodes[chain[i]]);
	}
}

struct pol_str pol_resource_of_node(
	struct pol_resource *resource, const struct pol_snapshot *snapshot, uint32_t node)
{
	resource->len = 0;
	pol_resource_append_node(resource, snapshot, node);
	return pol_resource_end(resource);
}
