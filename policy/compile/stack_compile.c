/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile.h"
#include "policy/compile/stack_draft.h"
#include "policy/decide/modules/modules.h"
#include "policy/text/nearest.h"

/* Each line is checked once, in the stack that has it, and not again where it is included. */

static void resolve_stack(struct pol_stack_compiler *compiler, struct pol_draft_line *line)
{
	struct pol_word name = line->ast->module;
	const char *group = pol_terms_group(line->ast->group);
	struct pol_nearest nearest;
	struct pol_diag *diag;

	line->target = pol_names_find(&compiler->snapshot->stack_names, name.text);
	if (line->target == POL_NONE) {
		nearest = pol_nearest_to(name.text);
		for (uint32_t i = 0; i < compiler->count && i < POL_NEAREST_OFFERS &&
				     compiler->diags->errors < POL_NEAREST_ERRORS;
			i++) {
			pol_nearest_offer(&nearest, compiler->drafts[i].ast->name.text);
		}
		pol_diag_error(compiler->diags, name.at, "unknown stack '%.*s'" POL_NEAREST,
			POL_STR_ARGS(name.text), POL_NEAREST_ARGS(nearest));
		return;
	}
	if (line->ast->argument_count > 0) {
		pol_diag_error(compiler->diags, line->ast->arguments[0].values.items[0].at,
			"an inclusion takes no arguments: they belong to the lines of stack '%.*s'",
			POL_STR_ARGS(name.text));
	}
	if (compiler->drafts[line->target].counts[line->ast->group] == 0 &&
		!compiler->drafts[line->target].ast->incomplete) {
		diag = pol_diag_error(compiler->diags, name.at,
			"stack '%.*s' has no '%s' line to include", POL_STR_ARGS(name.text), group);
		pol_diag_note(compiler->diags, diag, compiler->drafts[line->target].ast->name.at,
			"the stack is declared here");
	}
}

/* Reports groups that a stack of that name must have or must not have. */
static void check_shape(struct pol_stack_compiler *compiler, const struct pol_draft *draft)
{
	struct pol_word name = draft->ast->name;
	bool authenticates = draft->counts[POL_GROUP_AUTHENTICATE] > 0;
	bool authorizes = draft->counts[POL_GROUP_AUTHORIZE] > 0;

	if ((authenticates || authorizes) && pol_str_equal(name.text, POL_STR("authz"))) {
		pol_diag_error(compiler->diags, name.at,
			"stack 'authz' has account and record lines alone: managing is decided by "
			"the modules key, role and scope");
		return;
	}
	/* A line that the parser did not understand may be the missing one. */
	if (draft->ast->incomplete) {
		return;
	}
	if (authenticates != authorizes) {
		pol_diag_error(compiler->diags, name.at,
			"stack '%.*s' has no '%s' line: add one, or leave out both 'authenticate' "
			"and 'authorize' to make it a fragment that others include",
			POL_STR_ARGS(name.text), authenticates ? "authorize" : "authenticate");
		return;
	}
	if (!authenticates && pol_str_equal(name.text, POL_STR("other"))) {
		pol_diag_error(compiler->diags, name.at,
			"stack 'other' decides for every service without a stack of its own: it "
			"needs 'authenticate' and 'authorize' lines");
		return;
	}
	if (draft->ast->line_count == 0) {
		pol_diag_warning(compiler->diags, name.at, POL_WARNING_STACK_EMPTY,
			"stack '%.*s' has no lines", POL_STR_ARGS(name.text));
	}
}

/* "allow=10.0.0.0/8,2001:db8::/32" */
static struct pol_str join_values(struct pol_arena *arena, const struct pol_words *values)
{
	size_t len = 0;
	char *text;
	size_t used = 0;

	for (uint32_t i = 0; i < values->count; i++) {
		len += values->items[i].text.len + 1;
	}
	text = pol_arena_alloc(arena, len, 1);
	for (uint32_t i = 0; text != NULL && i < values->count; i++) {
		if (i > 0) {
			text[used++] = ',';
		}
		memcpy(text + used, values->items[i].text.ptr, values->items[i].text.len);
		used += values->items[i].text.len;
	}
	return (struct pol_str){ text, text != NULL ? used : 0 };
}

/* Keeps what explanations show of a line. */
static enum pol_status keep_written(struct pol_stack_compiler *compiler,
	const struct pol_draft *draft, struct pol_draft_line *line)
{
	struct pol_arena *arena = &compiler->snapshot->arena;
	const struct pol_ast_line *ast = line->ast;
	struct pol_written_line *written = line->written;
	uint32_t number = (uint32_t)(draft - compiler->drafts);

	written->at = ast->at;
	written->line = pol_diag_span_line(compiler->diags->sources, &compiler->lines, ast->at);
	written->stack = compiler->snapshot->stacks[number].name;
	written->argument_count = ast->argument_count;
	written->arguments =
		pol_arena_alloc(arena, ast->argument_count, sizeof *written->arguments);
	for (uint32_t i = 0; written->arguments != NULL && i < ast->argument_count; i++) {
		written->arguments[i] = join_values(arena, &ast->arguments[i].values);
	}
	return arena->status;
}

/* Makes the draft's lines. */
static enum pol_status make_lines(struct pol_stack_compiler *compiler, struct pol_draft *draft)
{
	const struct pol_ast_stack *ast = draft->ast;

	struct pol_arena *arena = &compiler->snapshot->arena;
	struct pol_written_line *written = pol_arena_alloc(arena, ast->line_count, sizeof *written);
	enum pol_status status = POL_OK;

	draft->lines = pol_arena_alloc(arena, ast->line_count, sizeof *draft->lines);
	if (draft->lines == NULL || written == NULL) {
		return arena->status;
	}
	for (uint32_t i = 0; status == POL_OK && i < ast->line_count; i++) {
		draft->lines[i].ast = &ast->lines[i];
		draft->lines[i].target = POL_NONE;
		draft->lines[i].written = &written[i];
		draft->counts[ast->lines[i].group]++;
		status = keep_written(compiler, draft, &draft->lines[i]);
	}
	return status;
}

static void resolve(struct pol_stack_compiler *compiler, struct pol_draft *draft)
{
	for (uint32_t i = 0; i < draft->ast->line_count; i++) {
		if (pol_draft_includes(draft->lines[i].ast)) {
			resolve_stack(compiler, &draft->lines[i]);
		} else {
			pol_stack_resolve(compiler, &draft->lines[i]);
		}
	}
	if (!draft->aside) {
		check_shape(compiler, draft);
	}
}

/* Warns of a group of `warn` lines alone: that module ignores, and a group in which no line decides
 * fails. */
static void warn_undecided(
	struct pol_stack_compiler *compiler, const struct pol_draft *draft, enum pol_group group)
{
	const struct pol_stack_group *flat = &draft->groups[group].flat;

	for (uint32_t i = 0; i < flat->count; i++) {
		if (flat->lines[i].module != &pol_module_warn) {
			return;
		}
	}
	if (flat->count > 0) {
		pol_diag_warning(compiler->diags, draft->ast->name.at, POL_WARNING_STACK_UNDECIDED,
			"stack '%.*s' denies everything: '%s' has 'warn' alone, which decides "
			"nothing",
			POL_STR_ARGS(draft->ast->name.text), pol_terms_group(group));
	}
}

/* Warns of stacks without `other`: beside them the built-in stack decides for every request that
 * names no service. A stack whose name is not readable may be that stack. */
static void warn_without_other(const struct pol_stack_compiler *compiler)
{
	const struct pol_stack *stacks = compiler->snapshot->stacks;
	uint32_t first = compiler->count;

	for (uint32_t i = compiler->count; i > 0; i--) {
		const struct pol_stack *stack = &stacks[i - 1];

		if (compiler->drafts[i - 1].ast->name.text.ptr == NULL) {
			return;
		}
		if (!compiler->drafts[i - 1].aside && !stack->fragment &&
			!pol_str_equal(stack->name, POL_STR("authz"))) {
			first = i - 1;
		}
	}
	if (first < compiler->count && compiler->snapshot->other == NULL) {
		pol_diag_warning(compiler->diags, stacks[first].at, POL_WARNING_NO_OTHER_STACK,
			"no stack is called 'other': a request that names no service is decided by "
			"the built-in one, without this stack's lines: declare 'other', even if it "
			"only denies");
	}
}

/* Copies a flat stack into the snapshot. */
static void finish_stack(struct pol_stack_compiler *compiler, uint32_t number)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_draft *draft = &compiler->drafts[number];
	struct pol_stack *stack = &snapshot->stacks[number];
	uint32_t total = 0;

	stack->at = draft->ast->name.at;
	stack->line = pol_diag_span_line(compiler->diags->sources, &compiler->lines, stack->at);
	stack->fragment = draft->counts[POL_GROUP_AUTHENTICATE] == 0;
	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		stack->groups[group] = draft->groups[group].flat;
		total += stack->groups[group].count;
		/* A record group decides nothing, and a fragment may be part of a group that does.
		 */
		if (group != POL_GROUP_RECORD && !stack->fragment &&
			!draft->groups[group].doubtful) {
			warn_undecided(compiler, draft, (enum pol_group)group);
		}
	}
	if (total > POL_STACK_LINES) {
		pol_stack_flatten_too_long(compiler, draft);
	}
	if (pol_str_equal(stack->name, POL_STR("other"))) {
		snapshot->other = stack;
	}
}

/* Numbers the stacks and reports names that are declared twice. */
static enum pol_status declare(struct pol_stack_compiler *compiler, const struct pol_ast *ast)
{
	struct pol_snapshot *snapshot = compiler->snapshot;

	for (size_t i = 0; i < ast->stacks_count; i++) {
		const struct pol_ast_stack *stack = &ast->stacks[i];
		struct pol_str name = pol_arena_copy(&snapshot->arena, stack->name.text);
		uint32_t number = compiler->count;
		uint32_t first;
		struct pol_diag *diag;

		compiler->drafts[number].ast = stack;
		compiler->count++;
		if (snapshot->arena.status != POL_OK) {
			return snapshot->arena.status;
		}
		if (stack->name.text.ptr == NULL) {
			compiler->drafts[number].aside = true;
			continue;
		}
		snapshot->stacks[number].name = name;
		first = pol_names_add(&snapshot->stack_names, name, number);
		if (first != number) {
			compiler->drafts[number].aside = true;
			diag = pol_diag_error(compiler->diags, stack->name.at,
				"stack '%.*s' is declared twice", POL_STR_ARGS(name));
			pol_diag_note(compiler->diags, diag, compiler->drafts[first].ast->name.at,
				"the first declaration is here");
		}
	}
	return POL_OK;
}

static enum pol_status compile(struct pol_stack_compiler *compiler, const struct pol_ast *ast)
{
	enum pol_status status = declare(compiler, ast);

	compiler->snapshot->stack_count = compiler->count;
	for (uint32_t i = 0; status == POL_OK && i < compiler->count; i++) {
		status = make_lines(compiler, &compiler->drafts[i]);
	}
	if (status != POL_OK) {
		return status;
	}
	for (uint32_t i = 0; i < compiler->count; i++) {
		resolve(compiler, &compiler->drafts[i]);
	}
	for (uint32_t i = 0; i < compiler->count; i++) {
		for (int group = 0;
			status == POL_OK && !compiler->drafts[i].aside && group < POL_GROUP_COUNT;
			group++) {
			status = pol_stack_flatten(compiler, i, (enum pol_group)group);
		}
	}
	if (status != POL_OK) {
		return status;
	}
	for (uint32_t i = 0; i < compiler->count; i++) {
		if (!compiler->drafts[i].aside) {
			finish_stack(compiler, i);
		}
	}
	warn_without_other(compiler);
	return pol_stack_quota_check(compiler);
}

enum pol_status pol_stack_compile(struct pol_snapshot *snapshot, const struct pol_ast *ast,
	const struct pol_host *host, struct pol_diags *diags)
{
	struct pol_stack_compiler compiler = { .snapshot = snapshot, .host = host, .diags = diags };
	size_t errors = diags->errors;
	size_t count = ast->stacks_count;
	enum pol_status status;

	if (count == 0) {
		return POL_OK;
	}
	compiler.drafts = pol_arena_alloc(&snapshot->arena, count, sizeof *compiler.drafts);
	snapshot->stacks = pol_arena_alloc(&snapshot->arena, count, sizeof *snapshot->stacks);
	if (compiler.drafts == NULL || snapshot->stacks == NULL) {
		return snapshot->arena.status;
	}
	status = pol_names_init(&snapshot->stack_names, &snapshot->arena, count);
	if (status == POL_OK) {
		status = compile(&compiler, ast);
	}
	if (status == POL_OK && snapshot->arena.status != POL_OK) {
		status = snapshot->arena.status;
	}
	if (status != POL_OK) {
		return status;
	}
	return diags->errors > errors ? POL_EINVALID : POL_OK;
}
