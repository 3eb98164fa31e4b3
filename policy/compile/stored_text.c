/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile/compile.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/stored_internal.h"
#include "policy/snapshot/tree.h"

/*
 * A line is `+GET,PUT api:/loans/{loan}`, or with `-` for what is denied: an effect, the atoms of
 * permission (methods, and actions without methods), and the node as declared. In a literal's text
 * `%` and `{` are encoded, so that no literal looks like a parameter.
 */

/* What one role may take while it is read: far more than anybody writes into one message. */
#define SCRATCH_LIMIT ((size_t)64 * 1024 * 1024)

/* --- from grants ------------------------------------------------------------------------------ */

/* The grant as the body of a role, alone, on a line of its own: what is after it cannot hide. */
static const char head[] = "role r {\n";
static const char tail[] = "\n}\n";

struct parsing {
	struct pol_arena arena;
	struct pol_snapshot *work; /* for the compiler, which counts in it */
	struct pol_compiler compiler;
	struct pol_stored_fault *fault;
};

static void fault_at(struct pol_stored_fault *fault, size_t entry, uint32_t column, const char *why)
{
	fault->entry = entry;
	fault->column = column;
	snprintf(fault->why, sizeof fault->why, "%s", why);
}

static bool is_one_line(struct pol_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < ' ' && text.ptr[i] != '\t') {
			return false;
		}
	}
	return text.len > 0;
}

static bool is_one_grant(const struct pol_ast *ast)
{
	return ast->roles_count == 1 && ast->roles[0].grant_count == 1 && ast->scopes_count == 0 &&
	       ast->trees_count == 0 && ast->environments_count == 0 &&
	       ast->principals_count == 0 && ast->exclusives_count == 0 && ast->limits_count == 0 &&
	       ast->stacks_count == 0 && ast->tests_count == 0;
}

static struct pol_str wrap(struct pol_arena *arena, struct pol_str grant)
{
	size_t len = sizeof head - 1 + grant.len + sizeof tail - 1;
	char *text = pol_arena_alloc(arena, len + 1, 1);

	if (text == NULL) {
		return (struct pol_str){ 0 };
	}
	memcpy(text, head, sizeof head - 1);
	memcpy(text + sizeof head - 1, grant.ptr, grant.len);
	memcpy(text + sizeof head - 1 + grant.len, tail, sizeof tail - 1);
	return (struct pol_str){ text, len };
}

static void take_fault(struct parsing *parsing, struct pol_diags *diags, size_t entry)
{
	const struct pol_diag *diag;
	char why[POL_STORED_WHY];

	pol_diags_sort(diags);
	diag = diags->first;
	while (diag != NULL && diag->severity != POL_SEVERITY_ERROR) {
		diag = diag->next;
	}
	if (diag == NULL) {
		fault_at(parsing->fault, entry, 0, "is no grant");
		return;
	}
	snprintf(why, sizeof why, "%.*s", POL_STR_ARGS(diag->message));
	fault_at(parsing->fault, entry, diag->line == 2 ? diag->column : 0, why);
}

/* Adds what one grant selects to the sets. */
static enum pol_status add_grant(
	struct parsing *parsing, struct pol_str grant, size_t entry, struct pol_grantee *into)
{
	struct pol_compiler *compiler = &parsing->compiler;
	struct pol_source source = { POL_STR("grants"), wrap(&parsing->arena, grant) };
	struct pol_grantee one = { 0 };
	struct pol_origin origin = { 0 };
	struct pol_diags diags;
	struct pol_ast ast = { 0 };
	enum pol_status status;

	if (source.text.ptr == NULL) {
		return parsing->arena.status;
	}
	pol_diags_init(&diags, &source, 1);
	status = pol_parse(&source, 1, compiler->scratch, &diags, &ast);
	if (status == POL_OK && diags.errors == 0 && is_one_grant(&ast)) {
		compiler->diags = &diags;
		compiler->ast = &ast;
		status = pol_compile_grants(compiler, &ast.roles[0], &one, &origin);
	} else if (status == POL_OK) {
		status = POL_EINVALID;
	}
	if (status == POL_OK && diags.errors > 0) {
		status = POL_EINVALID;
	}
	if (status == POL_EINVALID) {
		take_fault(parsing, &diags, entry);
	}
	pol_diags_finish(&diags);
	if (status == POL_OK) {
		status = pol_permset_union(compiler->pool, &into->allow, &one.allow, &into->allow);
	}
	if (status == POL_OK) {
		status = pol_permset_union(compiler->pool, &into->deny, &one.deny, &into->deny);
	}
	return status;
}

static enum pol_status parse_all(struct parsing *parsing, const struct pol_str *grants,
	size_t count, struct pol_grantee *out)
{
	enum pol_status status = pol_compile_expand_postings(&parsing->compiler);

	if (status == POL_OK) {
		status = pol_compile_expand_create(&parsing->compiler);
	}
	for (size_t i = 0; status == POL_OK && i < count; i++) {
		if (!is_one_line(grants[i])) {
			fault_at(parsing->fault, i, 0,
				"is no grant: write one `allow …` or `deny …` an entry, on one "
				"line");
			return POL_EINVALID;
		}
		status = add_grant(parsing, grants[i], i, out);
	}
	return status;
}

enum pol_status pol_stored_text_parse(const struct pol_snapshot *snapshot,
	const struct pol_str *grants, size_t count, struct pol_stored_fault *fault,
	struct pol_stored **out)
{
	const size_t shared = offsetof(struct pol_snapshot, revision);
	struct parsing parsing = { .fault = fault };
	struct pol_grantee made = { 0 };
	enum pol_status status = POL_ENOMEM;

	pol_arena_init(&parsing.arena, SCRATCH_LIMIT);
	parsing.work = calloc(1, sizeof *parsing.work);
	if (parsing.work == NULL) {
		return POL_ENOMEM;
	}
	memcpy((char *)parsing.work + shared, (const char *)snapshot + shared,
		sizeof *snapshot - shared);
	pol_arena_init(&parsing.work->arena, SCRATCH_LIMIT);
	parsing.compiler = (struct pol_compiler){
		.snapshot = parsing.work,
		.scratch = &parsing.arena,
		.pool = pol_permset_pool_create(&parsing.arena),
	};
	if (parsing.compiler.pool != NULL) {
		status = parse_all(&parsing, grants, count, &made);
	}
	if (status == POL_OK) {
		*out = pol_stored_keep(&made.allow, &made.deny);
		status = *out != NULL ? POL_OK : POL_ENOMEM;
	}
	pol_compile_expand_destroy(&parsing.compiler);
	pol_permset_pool_destroy(parsing.compiler.pool);
	pol_arena_finish(&parsing.work->arena);
	pol_arena_finish(&parsing.arena);
	free(parsing.work);
	return status;
}

/* --- into lines ------------------------------------------------------------------------------- */

struct spelling {
	const struct pol_snapshot *snapshot;
	pol_stored_line seen;
	void *context;
	struct pol_resource line;
};

static void put(struct pol_resource *line, struct pol_str text)
{
	if (text.len <= POL_RESOURCE_TEXT - line->len) {
		memcpy(line->text + line->len, text.ptr, text.len);
		line->len += text.len;
	}
}

static void put_literal(struct pol_resource *line, struct pol_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '%') {
			put(line, POL_STR("%25"));
		} else if (text.ptr[i] == '{') {
			put(line, POL_STR("%7B"));
		} else {
			put(line, (struct pol_str){ text.ptr + i, 1 });
		}
	}
}

static void put_node(struct spelling *spelling, uint32_t number)
{
	const struct pol_snapshot *snapshot = spelling->snapshot;
	const struct pol_node *nodes = snapshot->nodes;
	struct pol_resource *line = &spelling->line;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(snapshot, number, chain);

	put(line, snapshot->trees[nodes[number].tree].name);
	put(line, POL_STR(":"));
	for (uint32_t i = 0; i < depth; i++) {
		const struct pol_node *node = &nodes[chain[i]];

		put(line, POL_STR("/"));
		if (node->kind == POL_SEGMENT_LITERAL) {
			put_literal(line, node->name);
			continue;
		}
		put(line, POL_STR("{"));
		put(line, node->name);
		put(line, node->kind == POL_SEGMENT_REST ? POL_STR("...}") : POL_STR("}"));
	}
}

/* What the set has of one node. false: `seen` said stop. */
static bool spell_node(
	struct spelling *spelling, const struct pol_permset *set, const char *effect, uint32_t node)
{
	const struct pol_snapshot *snapshot = spelling->snapshot;
	struct pol_run run = pol_tree_node_run(snapshot, node);
	const char *before = effect;

	spelling->line.len = 0;
	for (uint32_t i = run.first; i < run.first + run.count; i++) {
		if (pol_permset_has(set, i)) {
			put(&spelling->line, pol_str_of(before));
			put(&spelling->line, snapshot->verbs[snapshot->permissions[i]]);
			before = ",";
		}
	}
	put(&spelling->line, POL_STR(" "));
	put_node(spelling, node);
	return spelling->seen(
		spelling->context, (struct pol_str){ spelling->line.text, spelling->line.len });
}

static bool spell_set(struct spelling *spelling, const struct pol_permset *set, const char *effect)
{
	const struct pol_snapshot *snapshot = spelling->snapshot;

	for (uint32_t node = 0; set->count > 0 && node < snapshot->node_count; node++) {
		struct pol_run run = pol_tree_node_run(snapshot, node);

		if (run.count > 0 && pol_permset_has_any(set, run) &&
			!spell_node(spelling, set, effect, node)) {
			return false;
		}
	}
	return true;
}

enum pol_status pol_stored_text_spell(const struct pol_snapshot *snapshot,
	const struct pol_stored *stored, pol_stored_line seen, void *context)
{
	struct spelling spelling = { .snapshot = snapshot, .seen = seen, .context = context };
	bool whole;

	spelling.line.text = malloc(POL_RESOURCE_TEXT);
	if (spelling.line.text == NULL) {
		return POL_ENOMEM;
	}
	whole = spell_set(&spelling, &stored->allow, "+") &&
		spell_set(&spelling, &stored->deny, "-");
	free(spelling.line.text);
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

/* Cuts off what stands before `at`; false at the end. */
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
	uint32_t wild = snapshot->nodes[node].wild;
	enum pol_segment_kind kind = POL_SEGMENT_PARAM;
	uint32_t child;

	if (segment.len == 0 || segment.ptr[0] != '{') {
		return pol_tree_literal_find(snapshot, node, read_literal(reading, segment),
			       &child) == POL_LITERAL_EXACT
			       ? child
			       : POL_NONE;
	}
	segment = (struct pol_str){ segment.ptr + 1, segment.len > 1 ? segment.len - 2 : 0 };
	if (segment.len > 3 && memcmp(segment.ptr + segment.len - 3, "...", 3) == 0) {
		kind = POL_SEGMENT_REST;
		segment.len -= 3;
	}
	return wild != POL_NONE && snapshot->nodes[wild].kind == kind &&
			       pol_str_equal(snapshot->nodes[wild].name, segment)
		       ? wild
		       : POL_NONE;
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

/* POL_ENOTFOUND: something of the line is not there. */
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
		status = pol_permset_of_runs(
			pool, reading->allow.items, reading->allow.count, &allow);
	}
	if (status == POL_OK) {
		status = pol_permset_of_runs(pool, reading->deny.items, reading->deny.count, &deny);
	}
	if (status == POL_OK) {
		*out = pol_stored_keep(&allow, &deny);
		status = *out != NULL ? POL_OK : POL_ENOMEM;
	}
	pol_permset_pool_destroy(pool);
	return status;
}

enum pol_status pol_stored_text_read(const struct pol_snapshot *snapshot,
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
