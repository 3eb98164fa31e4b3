/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"
#include "policy/compile/suite_fixture.h"
#include "policy/decide/registry.h"
#include "policy/decide/stack.h"
#include "policy/snapshot/tree.h"
#include "policy/text/nearest.h"
#include "policy/text/path.h"
#include "policy/text/reason.h"

static void check_because(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	const struct pol_word *because = &step->because;
	const struct pol_str *reasons;
	struct pol_snapshot_module foreign;
	struct pol_nearest nearest;
	size_t count;

	if (because->text.ptr == NULL) {
		return;
	}
	if (!step->deny) {
		pol_diag_error(builder->diags, because->at,
			"an 'allow' has no reason: 'because' belongs to 'deny'");
		return;
	}
	if (pol_reason_is_denial(because->text) &&
		(pol_reason_is_known(because->text) || pol_registry_find(because->text) != NULL ||
			pol_snapshot_module(builder->snapshot, 0, &foreign))) {
		return;
	}
	nearest = pol_nearest_to(because->text);
	count = pol_reasons(&reasons);
	for (size_t i = 1; i < count; i++) {
		pol_nearest_offer(&nearest, reasons[i]);
	}
	pol_diag_error(builder->diags, because->at, "no denial has the reason '%.*s'" POL_NEAREST,
		POL_STR_ARGS(because->text), POL_NEAREST_ARGS(nearest));
}

/* A method, or a word that the parser reported as a misspelt one. */
static bool is_capitals(struct pol_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((text.ptr[i] < 'A' || text.ptr[i] > 'Z') && text.ptr[i] != '-') {
			return false;
		}
	}
	return true;
}

/* Reports an action that no node has. It would be denied, so a misspelt name in a `deny` line would
 * make a test that always passes. */
static void check_verb(struct pol_suite_builder *builder, const struct pol_word *word)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	struct pol_nearest nearest;

	if (is_capitals(word->text) ||
		pol_names_find(&snapshot->verb_names, word->text) != POL_NONE) {
		return;
	}
	nearest = pol_nearest_to(word->text);
	for (uint32_t i = 0; i < snapshot->verb_count; i++) {
		pol_nearest_offer(&nearest, snapshot->verbs[i]);
	}
	pol_diag_error(builder->diags, word->at, "no resource has the action '%.*s'" POL_NEAREST,
		POL_STR_ARGS(word->text), POL_NEAREST_ARGS(nearest));
}

static void check_tree(struct pol_suite_builder *builder, const struct pol_word *word)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	struct pol_nearest nearest;
	struct pol_str tree;
	struct pol_str path;

	if (!pol_path_split(word->text, &tree, &path) || snapshot->tree_lost ||
		pol_tree_number(snapshot, tree) != POL_NONE) {
		return;
	}
	nearest = pol_nearest_to(tree);
	for (uint32_t i = 0; i < snapshot->tree_count; i++) {
		pol_nearest_offer(&nearest, snapshot->trees[i].name);
	}
	pol_diag_error(builder->diags, word->at, "unknown tree '%.*s'" POL_NEAREST,
		POL_STR_ARGS(tree), POL_NEAREST_ARGS(nearest));
}

static void check_service(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	const struct pol_word *word = builder->fixture.undeclared;
	const struct pol_snapshot *snapshot = builder->snapshot;
	struct pol_nearest nearest;

	if (word == NULL || pol_str_equal(step->because.text, POL_STR("unknown_service"))) {
		return;
	}
	builder->fixture.undeclared = NULL;
	if (pol_stack_find(snapshot, word->text) != NULL) {
		pol_diag_error(builder->diags, word->at,
			"stack '%.*s' is a fragment: no request may name it",
			POL_STR_ARGS(word->text));
		return;
	}
	nearest = pol_nearest_to(word->text);
	for (uint32_t i = 0; i < snapshot->stack_count; i++) {
		pol_nearest_offer(&nearest, snapshot->stacks[i].name);
	}
	pol_diag_error(builder->diags, word->at,
		"no stack is declared for service '%.*s'" POL_NEAREST, POL_STR_ARGS(word->text),
		POL_NEAREST_ARGS(nearest));
}

/* Would all expectations of the line, each action at each resource, stay within what the policy may
 * take? Counted before they are made. */
static bool count_expectations(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	uint64_t count = (uint64_t)step->verbs.count * step->places.count;

	if (count <= pol_budget_left(builder->arena->budget) / sizeof(struct pol_expectation)) {
		return true;
	}
	pol_diag_error(builder->diags, step->at,
		"this line expects %llu decisions, each action at each resource: too many",
		(unsigned long long)count);
	return false;
}

static void add_expectation(struct pol_suite_builder *builder, struct pol_expectation expectation)
{
	struct pol_case *test = builder->test;
	struct pol_expectation *grown;

	if (test->count == builder->capacity) {
		grown = pol_arena_grow(builder->arena, test->expectations, test->count,
			(size_t)test->count + 1, sizeof *grown, &builder->capacity);
		if (grown == NULL) {
			return;
		}
		test->expectations = grown;
	}
	test->expectations[test->count++] = expectation;
}

/* May an action of these resources be missing because of a mistake that was reported? */
static bool may_lack_actions(
	const struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	struct pol_loss loss = { 0 };

	for (uint32_t i = 0; i < step->places.count; i++) {
		pol_damage_of_resource(builder->snapshot, step->places.items[i].text, &loss);
	}
	return loss.verbs;
}

void pol_suite_check_expectation(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	/* With a reason, what is not there may be what the denial is about. */
	bool pinned = step->deny && step->because.text.ptr != NULL;
	bool lack;

	check_because(builder, step);
	check_service(builder, step);
	lack = pinned || may_lack_actions(builder, step);
	for (uint32_t i = 0; !lack && i < step->verbs.count; i++) {
		check_verb(builder, &step->verbs.items[i]);
	}
	for (uint32_t i = 0; !pinned && i < step->places.count; i++) {
		check_tree(builder, &step->places.items[i]);
	}
}

static void expect(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	struct pol_expectation expectation = { .facts = pol_suite_fixture_facts(builder),
		.deny = step->deny };

	if (!count_expectations(builder, step)) {
		return;
	}
	pol_suite_check_expectation(builder, step);
	expectation.because = pol_arena_copy(builder->arena, step->because.text);
	for (uint32_t i = 0; i < step->places.count; i++) {
		const struct pol_word *place = &step->places.items[i];

		expectation.resource = pol_arena_copy(builder->arena, place->text);
		expectation.at = place->at;
		for (uint32_t j = 0; j < step->verbs.count; j++) {
			expectation.verb =
				pol_arena_copy(builder->arena, step->verbs.items[j].text);
			add_expectation(builder, expectation);
		}
	}
}

static void compile_test(struct pol_suite_builder *builder, const struct pol_ast_test *test)
{
	struct pol_case *out = builder->test;
	bool expects = false;

	out->name = pol_arena_copy(builder->arena, test->name.text);
	out->line = pol_diag_span_line(builder->diags->sources, &builder->lines, test->name.at);
	out->file =
		pol_arena_copy(builder->arena, builder->diags->sources[test->name.at.file].name);
	builder->capacity = 0;
	builder->fixture = pol_suite_fixture_begin();
	for (uint32_t i = 0; i < test->step_count; i++) {
		if (test->steps[i].kind == POL_STEP_EXPECT) {
			expects = true;
			expect(builder, &test->steps[i]);
		} else {
			pol_suite_fixture_apply(builder, &test->steps[i]);
		}
	}
	if (!expects && !test->incomplete) {
		pol_diag_warning(builder->diags, test->name.at, POL_WARNING_TEST_EXPECTS_NOTHING,
			"test \"%.*s\" expects nothing: add an 'allow' or 'deny' line",
			POL_STR_ARGS(out->name));
	}
}

enum pol_status pol_suite_compile(
	struct pol_snapshot *snapshot, const struct pol_ast *ast, struct pol_diags *diags)
{
	struct pol_suite_builder builder = {
		.snapshot = snapshot, .arena = &snapshot->arena, .diags = diags
	};
	size_t errors = diags->errors;

	snapshot->tests =
		pol_arena_alloc(&snapshot->arena, ast->tests_count, sizeof *snapshot->tests);
	if (snapshot->tests == NULL) {
		return snapshot->arena.status;
	}
	for (size_t i = 0; i < ast->tests_count && snapshot->arena.status == POL_OK; i++) {
		builder.test = &snapshot->tests[i];
		compile_test(&builder, &ast->tests[i]);
	}
	if (snapshot->arena.status != POL_OK) {
		return snapshot->arena.status;
	}
	snapshot->test_count = (uint32_t)ast->tests_count;
	return diags->errors > errors ? POL_EINVALID : POL_OK;
}
