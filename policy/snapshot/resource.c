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

void pol_resource_begin(struct pol_resource *resource, struct pol_str tree)
{
	resource->len = 0;
	put(resource, tree.ptr, tree.len);
	put(resource, ":", 1);
}

/* What would not be read back as it is. */
static bool is_escaped(char c)
{
	return c == '%' || c == '?' || c == '#' || c == ';' || c == '\\';
}

void pol_resource_value(struct pol_resource *resource, struct pol_str value)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t done = 0;

	put(resource, "/", 1);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char byte = (unsigned char)value.ptr[i];
		char escape[3] = { '%', digits[byte >> 4], digits[byte & 15] };

		if (is_escaped(value.ptr[i])) {
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
	put(resource, "/{", 2);
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
