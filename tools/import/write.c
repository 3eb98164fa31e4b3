/* SPDX-License-Identifier: Apache-2.0 */

/* A model as policy text. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/format/format.h"
#include "policy/text/diag.h"
#include "tools/import/import.h"

struct writer {
	struct import *import;
	char *text;
	size_t len, capacity;
	bool full; /* no memory, or larger than a file may be */
};

static void put(struct writer *out, struct pol_str text)
{
	if (!out->full && out->len + text.len > out->capacity) {
		char *grown = out->len + text.len <= POL_FILE_MAX
				      ? pol_arena_grow(&out->import->arena, out->text, out->len,
						out->len + text.len, 1, &out->capacity)
				      : NULL;

		out->full = grown == NULL;
		out->text = grown != NULL ? grown : out->text;
	}
	if (!out->full && text.len > 0) {
		memcpy(out->text + out->len, text.ptr, text.len);
		out->len += text.len;
	}
}

static void put_text(struct writer *out, const char *text)
{
	put(out, pol_str_of(text));
}

/* ` "text"`, or nothing. */
static void quoted(struct writer *out, struct pol_str text)
{
	if (text.len == 0) {
		return;
	}
	put_text(out, " \"");
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\') {
			put_text(out, "\\");
		}
		put(out, (struct pol_str){ text.ptr + i, 1 });
	}
	put_text(out, "\"");
}

bool import_is_plain(struct pol_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '_' || c == '-' || c == '~' || (c == '.' && i > 0))) {
			return false;
		}
	}
	return true;
}

static void literal(struct writer *out, struct pol_str text)
{
	char escape[4];

	if (import_is_plain(text)) {
		put(out, text);
		return;
	}
	put_text(out, "\"");
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%' || c == ';') {
			snprintf(escape, sizeof escape, "%%%02X", (unsigned char)c);
			put_text(out, escape);
			continue;
		}
		if (c == '"') {
			put_text(out, "\\");
		}
		put(out, (struct pol_str){ text.ptr + i, 1 });
	}
	put_text(out, "\"");
}

static void segment(struct writer *out, const struct import_node *node)
{
	put_text(out, "/");
	if (!node->segment.param) {
		literal(out, node->segment.text);
		return;
	}
	put_text(out, "{");
	put(out, node->segment.text);
	put_text(out, node->rest ? "...}" : "}");
}

/* The segments from `top`, which is not written, down to the node. */
static void path(struct writer *out, const struct import_node *top, const struct import_node *node)
{
	const struct import_node *spine[IMPORT_SEGMENTS_MAX + 1];
	size_t depth = 0;

	while (node != top && node->parent != NULL) {
		spine[depth++] = node;
		node = node->parent;
	}
	while (depth > 0) {
		segment(out, spine[--depth]);
	}
}

const char *import_node_path(struct import *import, const struct import_node *node)
{
	struct writer out = { .import = import };

	if (node->parent == NULL) {
		return "/";
	}
	path(&out, import->root, node);
	put(&out, (struct pol_str){ "", 1 });
	return out.full ? "" : out.text;
}

/* --- the tree ----------------------------------------------------------------------------------
 */

/* True if an operation of the node before this one is the same action, and was written with the
 * methods of both. */
static bool is_written(const struct import *import, const struct import_node *node, size_t at)
{
	const struct import_operation *one = &import->operations[at];

	if (one->shares) {
		return true;
	}
	for (size_t i = node->first; i < at && one->action.len > 0; i++) {
		if (!import->operations[i].shares &&
			pol_str_equal(import->operations[i].action, one->action)) {
			return true;
		}
	}
	return false;
}

/* The methods of the action from `at` on. */
static void action_methods(struct writer *out, const struct import_node *node, size_t at)
{
	const struct import_operation *operations = out->import->operations;

	for (size_t i = at; i < node->first + node->count; i++) {
		if (i == at ||
			(!operations[i].shares && operations[at].action.len > 0 &&
				pol_str_equal(operations[i].action, operations[at].action))) {
			put_text(out, i == at ? "" : " ");
			put(out, operations[i].method);
		}
	}
}

static void actions(struct writer *out, const struct import_node *node)
{
	const struct import *import = out->import;

	for (size_t i = node->first; i < node->first + node->count; i++) {
		const struct import_operation *one = &import->operations[i];

		if (is_written(import, node, i)) {
			continue;
		}
		if (one->action.len > 0) {
			put(out, one->action);
			put_text(out, " ");
		}
		action_methods(out, node, i);
		quoted(out, one->description);
		put_text(out, "\n");
	}
}

/* The node at the end of a chain of nodes that have nothing but one child. */
static const struct import_node *chain_end(const struct import_node *node)
{
	while (node->count == 0 && node->first_child != NULL && node->first_child->next == NULL) {
		node = node->first_child;
	}
	return node;
}

/* A node without children whose only action has one method and no description. */
static bool is_short(const struct import *import, const struct import_node *node)
{
	size_t count = 0;

	for (size_t i = node->first; i < node->first + node->count; i++) {
		count += !import->operations[i].shares;
	}
	return node->first_child == NULL && count == 1 &&
	       import->operations[node->first].description.len == 0;
}

/* A node with all below it; no deeper than IMPORT_SEGMENTS_MAX. */
static void block(struct writer *out, const struct import_node *top)
{
	const struct import_node *node = chain_end(top);
	const struct import_operation *one = &out->import->operations[node->first];

	path(out, top->parent, node);
	quoted(out, node->about);
	if (is_short(out->import, node)) {
		put_text(out, " { ");
		put(out, one->action);
		put_text(out, one->action.len > 0 ? " " : "");
		put(out, one->method);
		put_text(out, " }\n");
		return;
	}
	put_text(out, " {\n");
	actions(out, node);
	for (const struct import_node *child = node->first_child; child != NULL;
		child = child->next) {
		block(out, child);
	}
	put_text(out, "}\n");
}

/* --- scopes ------------------------------------------------------------------------------------
 */

/* How a grant names the operation: an action of several methods is more than the one. */
static struct pol_str verb_of(const struct import *import, const struct import_operation *one)
{
	const struct import_node *node = one->node;

	for (size_t i = node->first; i < node->first + node->count; i++) {
		const struct import_operation *other = &import->operations[i];

		if (other != one && !other->shares && one->action.len > 0 &&
			pol_str_equal(other->action, one->action)) {
			return one->method;
		}
	}
	return one->action.len > 0 ? one->action : one->method;
}

static void grants(struct writer *out, const struct import_scope *scope)
{
	const struct import *import = out->import;

	for (size_t i = 0; i < scope->count;) {
		const struct import_node *node = import->operations[scope->operations[i]].node;
		size_t first = i;

		put_text(out, "allow ");
		for (; i < scope->count && import->operations[scope->operations[i]].node == node;
			i++) {
			put_text(out, i > first ? ", " : "");
			put(out, verb_of(import, &import->operations[scope->operations[i]]));
		}
		put_text(out, " on ");
		put_text(out, import->tree);
		put_text(out, node->parent == NULL ? ":/" : ":");
		path(out, import->root, node);
		put_text(out, "\n");
	}
}

/* A scope that stands for several together includes those that allow anything by themselves. */
static void included(struct writer *out, const struct import_scope *scope)
{
	const struct import *import = out->import;
	bool any = false;

	for (uint32_t i = 0; scope->all != NULL && i < scope->all->count; i++) {
		const struct import_scope *part = &import->scopes[scope->all->scopes[i]];

		if (part->count > 0) {
			put_text(out, any ? ", " : " includes ");
			put(out, part->id);
			any = true;
		}
	}
}

static int compare_ids(const void *a, const void *b)
{
	const struct import_scope *const *first = a, *const *second = b;

	return pol_str_compare((*first)->id, (*second)->id);
}

static void scopes(struct writer *out)
{
	struct import *import = out->import;
	const struct import_scope **sorted =
		pol_arena_alloc(&import->arena, import->scope_count, sizeof *sorted);

	for (size_t i = 0; sorted != NULL && i < import->scope_count; i++) {
		sorted[i] = &import->scopes[i];
	}
	if (sorted == NULL) {
		out->full = true;
		return;
	}
	qsort(sorted, import->scope_count, sizeof(struct import_scope *), compare_ids);
	for (size_t i = 0; i < import->scope_count; i++) {
		const struct import_scope *scope = sorted[i];

		if (scope->count == 0) {
			import_note(import,
				import_text(import, "scope %.*s", POL_STR_ARGS(scope->id)),
				"allows nothing by itself, and is left out");
			continue;
		}
		put_text(out, "\nscope ");
		put(out, scope->id);
		quoted(out, scope->description);
		included(out, scope);
		put_text(out, " {\n");
		grants(out, scope);
		put_text(out, "}\n");
	}
}

static bool fail_size(struct import *import)
{
	return import_fail(import,
		"the policy would be larger than %zu MiB, which is the most that one file may "
		"have: "
		"import the API in parts",
		POL_FILE_MAX >> 20);
}

bool import_format(struct import *import, struct pol_str *text)
{
	const struct pol_source source = { POL_STR("(imported)"), *text };
	enum pol_status status;
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	status = pol_format(&diags, &import->arena, text);
	pol_diags_finish(&diags);
	if (status == POL_EINVALID) {
		return fail_size(import);
	}
	return status == POL_OK ? true : import_fail(import, "no memory left");
}

bool import_write(struct import *import, struct pol_str *out)
{
	struct writer writer = { .import = import };

	put_text(&writer, "tree ");
	put_text(&writer, import->tree);
	quoted(&writer, import->title);
	put_text(&writer, " {\n");
	actions(&writer, import->root);
	for (const struct import_node *child = import->root->first_child; child != NULL;
		child = child->next) {
		block(&writer, child);
	}
	put_text(&writer, "}\n");
	scopes(&writer);
	if (import->arena.status != POL_OK) {
		return import_fail(import, "no memory left");
	}
	if (writer.full) {
		return fail_size(import);
	}
	*out = (struct pol_str){ writer.text, writer.len };
	return import_format(import, out);
}
