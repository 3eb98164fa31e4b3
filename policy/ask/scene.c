/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/scene.h"

#include <stdlib.h>
#include <string.h>

#include "policy/compile/suite_fixture.h"

/* The most memory of one explanation, as of the suite's. */
#define WHY_MEMORY ((size_t)1 << 20)

/* What a line is written into, to be parsed as a test. In column 1 its word could be a statement.
 */
static const char before[] = "test \"try\" {\n    ";
static const char after[] = "\n}\n";

struct pol_scene {
	struct pol_snapshot *snapshot;
	struct pol_arena arena; /* of the lines and of what they state */
	struct pol_suite_builder builder;
	struct pol_source source;
	struct pol_diags diags;
	bool has_diags;
};

struct pol_scene *pol_scene_create(struct pol_snapshot *snapshot)
{
	struct pol_scene *scene = calloc(1, sizeof *scene);

	if (scene == NULL) {
		return NULL;
	}
	scene->snapshot = pol_snapshot_ref(snapshot);
	pol_arena_init(&scene->arena, POL_SCENE_MEMORY);
	scene->builder = (struct pol_suite_builder){
		.snapshot = snapshot,
		.arena = &scene->arena,
		.diags = &scene->diags,
		.fixture = pol_suite_fixture_begin(),
	};
	return scene;
}

void pol_scene_destroy(struct pol_scene *scene)
{
	if (scene == NULL) {
		return;
	}
	if (scene->has_diags) {
		pol_diags_finish(&scene->diags);
	}
	pol_arena_finish(&scene->arena);
	pol_snapshot_unref(scene->snapshot);
	free(scene);
}

const struct pol_diags *pol_scene_diags(const struct pol_scene *scene)
{
	return &scene->diags;
}

/* The line's source, which what it states may have views of. */
static enum pol_status begin(struct pol_scene *scene, struct pol_str line)
{
	size_t len = sizeof before - 1 + line.len + sizeof after - 1;
	char *text = pol_arena_alloc(&scene->arena, len, 1);

	if (text == NULL) {
		return scene->arena.status;
	}
	memcpy(text, before, sizeof before - 1);
	memcpy(text + sizeof before - 1, line.ptr, line.len);
	memcpy(text + sizeof before - 1 + line.len, after, sizeof after - 1);
	if (scene->has_diags) {
		pol_diags_finish(&scene->diags);
	}
	scene->source = (struct pol_source){ POL_STR("try"), { text, len } };
	pol_diags_init(&scene->diags, &scene->source, 1);
	scene->has_diags = true;
	return POL_OK;
}

static size_t statements(const struct pol_ast *ast)
{
	size_t count = 0;

#define ADD(type, field) count += ast->field##_count;
	POL_AST_LISTS(ADD)
#undef ADD
	return count;
}

/* The one step of the line; NULL: it has none or several, which is reported. */
static const struct pol_ast_step *only_step(struct pol_scene *scene, const struct pol_ast *ast)
{
	if (statements(ast) != 1 || ast->tests_count != 1 || ast->tests[0].step_count != 1) {
		pol_diag_error(&scene->diags, POL_NO_POSITION, "one line of a test is expected");
		return NULL;
	}
	return &ast->tests[0].steps[0];
}

static void ask(const struct pol_scene *scene, const struct pol_ast_step *step,
	struct pol_facts *facts, pol_scene_visit visit, void *context)
{
	struct pol_explanation explanation;
	struct pol_scene_answer answer = { .verb = facts->verb, .resource = facts->path };
	struct pol_arena arena;

	pol_arena_init(&arena, WHY_MEMORY);
	if (pol_explain(scene->snapshot, facts, &arena, &answer.decision, &explanation) == POL_OK) {
		answer.explanation = &explanation;
	}
	answer.holds = answer.decision.allow != step->deny &&
		       (step->because.text.len == 0 ||
			       pol_str_equal(step->because.text, answer.decision.reason));
	visit(context, &answer);
	pol_arena_finish(&arena);
}

static enum pol_status question(struct pol_scene *scene, const struct pol_ast_step *step,
	pol_scene_visit visit, void *context)
{
	const struct pol_facts *facts;

	pol_suite_check_expectation(&scene->builder, step);
	if ((uint64_t)step->verbs.count * step->places.count > POL_SCENE_QUESTIONS) {
		pol_diag_error(&scene->diags, step->at, "more than %d questions in one line",
			POL_SCENE_QUESTIONS);
	}
	if (scene->diags.errors > 0) {
		return POL_EINVALID;
	}
	facts = pol_suite_fixture_facts(&scene->builder);
	if (facts == NULL) {
		return scene->arena.status;
	}
	for (uint32_t i = 0; i < step->places.count; i++) {
		for (uint32_t j = 0; j < step->verbs.count; j++) {
			struct pol_facts asked = *facts;

			asked.verb = step->verbs.items[j].text;
			asked.path = step->places.items[i].text;
			ask(scene, step, &asked, visit, context);
		}
	}
	return POL_OK;
}

static enum pol_status state(struct pol_scene *scene, const struct pol_ast_step *step)
{
	struct pol_fixture was = scene->builder.fixture;
	struct pol_fixture_roles *own = &was.held[POL_HOLDER_SUBJECT];
	const struct pol_fixture_role *items = own->items;

	/* `as role` writes over the roles of before. */
	own->items = pol_arena_alloc(&scene->arena, own->count, sizeof *own->items);
	if (own->items == NULL) {
		return scene->arena.status;
	}
	for (size_t i = 0; i < own->count; i++) {
		own->items[i] = items[i];
	}
	own->capacity = own->count;
	pol_suite_fixture_apply(&scene->builder, step);
	if (scene->arena.status == POL_OK && scene->diags.errors == 0) {
		return POL_OK;
	}
	scene->builder.fixture = was;
	return scene->arena.status != POL_OK ? scene->arena.status : POL_EINVALID;
}

enum pol_status pol_scene_line(struct pol_scene *scene, struct pol_str line, pol_scene_visit visit,
	void *context, bool *out_question)
{
	const struct pol_ast_step *step;
	struct pol_ast ast = { 0 };
	enum pol_status status = line.len <= POL_SCENE_LINE ? begin(scene, line) : POL_ELIMIT;

	if (status == POL_OK) {
		status = pol_parse(&scene->source, 1, &scene->arena, &scene->diags, &ast);
	}
	if (status != POL_OK) {
		return status;
	}
	step = only_step(scene, &ast);
	if (step == NULL) {
		return POL_EINVALID;
	}
	*out_question = step->kind == POL_STEP_EXPECT;
	return *out_question ? question(scene, step, visit, context) : state(scene, step);
}
