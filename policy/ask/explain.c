/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/explain.h"

#include "policy/ask/explain_internal.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

struct pol_position pol_explain_position(
	const struct pol_snapshot *snapshot, struct pol_span at, uint32_t line)
{
	if (line == 0 || at.file >= snapshot->file_count) {
		return (struct pol_position){ 0 };
	}
	return (struct pol_position){ snapshot->files[at.file].name, line, at };
}

static struct pol_explained_line explain_line(
	const struct pol_snapshot *snapshot, const struct pol_stack_line *line)
{
	struct pol_explained_line out = { .control = line->control,
		.module = pol_str_of(line->module->name) };

	if (line->written != NULL) {
		out.stack = line->written->stack;
		out.arguments = line->written->arguments;
		out.argument_count = line->written->argument_count;
		out.position =
			pol_explain_position(snapshot, line->written->at, line->written->line);
	}
	return out;
}

static struct pol_str keep_fact(struct pol_explainer *explainer, const char *fact)
{
	return pol_arena_copy(explainer->arena, pol_str_of(fact));
}

/* Explains every line of the group, asked or not. The trace has those that were asked, in order. */
static void explain_group(struct pol_explainer *explainer, enum pol_group number)
{
	const struct pol_trace *trace = explainer->trace;
	const struct pol_stack_group *group = &trace->stack->groups[number];
	const struct pol_trace_group *traced = &trace->groups[number];
	struct pol_explained_group *out = &explainer->out->groups[number];
	struct pol_explained_line *lines =
		pol_arena_alloc(explainer->arena, group->count, sizeof *lines);
	uint32_t next = 0;

	if (lines == NULL) {
		return;
	}
	for (uint32_t i = 0; i < group->count; i++) {
		const struct pol_trace_line *asked = &trace->lines[traced->first + next];

		lines[i] = explain_line(explainer->snapshot, &group->lines[i]);
		if (next == traced->count || asked->line != &group->lines[i]) {
			continue;
		}
		lines[i].asked = true;
		lines[i].verdict = asked->verdict;
		lines[i].reason = asked->reason;
		if (asked->verdict == POL_DENY) {
			char fact[POL_FACT_TEXT];

			pol_stack_fact(asked->line, &trace->facts, fact);
			lines[i].fact = keep_fact(explainer, fact);
		}
		if (asked->ended) {
			lines[i].ends = asked->line->skip > 0 ? POL_ENDS_SUBSTACK : POL_ENDS_GROUP;
		}
		next++;
	}
	*out = (struct pol_explained_group){ .asked = traced->asked,
		.passed = traced->passed,
		.reason = traced->reason,
		.lines = lines,
		.line_count = group->count };
}

static void explain_stack(struct pol_explainer *explainer)
{
	const struct pol_stack *stack = explainer->trace->stack;
	struct pol_explanation *out = explainer->out;

	if (stack == NULL || explainer->trace->stage < POL_STAGE_SERVICE) {
		return;
	}
	out->has_stack = true;
	out->stack = stack->name;
	out->position = pol_explain_position(explainer->snapshot, stack->at, stack->line);
	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		explain_group(explainer, (enum pol_group)group);
	}
}

/* The node as declared. A buffer of POL_RESOURCE_TEXT bytes would be far too large for it. */
static struct pol_str name_node(const struct pol_explainer *explainer, uint32_t node)
{
	const struct pol_snapshot *snapshot = explainer->snapshot;
	struct pol_str tree = snapshot->trees[snapshot->nodes[node].tree].name;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(snapshot, node, chain);
	struct pol_resource resource = { 0 };
	size_t room = tree.len + sizeof ":/";

	for (uint32_t i = 0; i < depth; i++) {
		/* All of its bytes encoded, or with braces and dots. */
		room += 3 * snapshot->nodes[chain[i]].name.len + sizeof "/{...}";
	}
	resource.text = pol_arena_alloc(explainer->arena, room, 1);
	if (resource.text == NULL) {
		return (struct pol_str){ 0 };
	}
	return pol_resource_of_node(&resource, snapshot, node);
}

static void explain_actions(struct pol_explainer *explainer)
{
	const struct pol_snapshot *snapshot = explainer->snapshot;
	uint32_t node = explainer->trace->node;
	uint32_t first = snapshot->nodes[node].action;
	uint32_t count = snapshot->nodes[node + 1].action - first;
	struct pol_str *has;

	count = count < POL_EXPLAIN_ACTIONS ? count : POL_EXPLAIN_ACTIONS;
	has = pol_arena_alloc(explainer->arena, count, sizeof *has);
	if (has == NULL) {
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		has[i] = snapshot->verbs[snapshot->actions[first + i].verb];
	}
	explainer->out->has = has;
	explainer->out->has_count = count;
}

static void explain_resource(struct pol_explainer *explainer)
{
	const struct pol_snapshot *snapshot = explainer->snapshot;
	const struct pol_trace *trace = explainer->trace;
	struct pol_run run = trace->run;
	uint32_t action;

	if (trace->node == POL_NONE) {
		return;
	}
	explainer->out->resource = name_node(explainer, trace->node);
	if (run.count == 0) {
		explain_actions(explainer);
		return;
	}
	action = pol_tree_run_action(snapshot, trace->node, run);
	if (action != POL_NONE) {
		explainer->out->action = snapshot->verbs[snapshot->actions[action].verb];
	}
}

/* Explains the decision that the trace of `of` is about; its other fields are filled here. */
static enum pol_status explain(const struct pol_explainer *of, const struct pol_facts *facts,
	const struct pol_decision *decision, struct pol_explanation *out)
{
	const struct pol_trace *trace = of->trace;
	struct pol_explainer explainer = *of;
	struct pol_truth_table truth;
	struct pol_explanation explanation = { .stage = trace->stage };

	explainer.out = &explanation;
	explainer.truth = &truth;
	explainer.predicates_left = POL_EXPLAIN_PREDICATES;
	explain_stack(&explainer);
	if (trace->stage >= POL_STAGE_RESOURCE) {
		explain_resource(&explainer);
	}
	if (trace->stage == POL_STAGE_NETWORKS) {
		char fact[POL_FACT_TEXT];

		pol_eval_fact(explainer.snapshot, decision, facts, fact);
		explanation.fact = keep_fact(&explainer, fact);
	}
	if (trace->stage >= POL_STAGE_SUBJECT) {
		pol_truth_begin(&truth, explainer.snapshot, &trace->facts, trace->tree, trace->at);
		pol_explain_rules(&explainer);
		truth.steps = POL_TRUTH_STEPS;
		pol_explain_needs(&explainer);
	}
	if (explainer.arena->status == POL_OK) {
		*out = explanation;
	}
	return explainer.arena->status;
}

enum pol_status pol_explain(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_arena *arena, struct pol_decision *decision, struct pol_explanation *out)
{
	struct pol_trace trace;
	struct pol_explainer explainer = { .snapshot = snapshot, .trace = &trace, .arena = arena };

	pol_eval_traced(snapshot, facts, &trace, decision);
	return explain(&explainer, facts, decision, out);
}

enum pol_status pol_explain_tried(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_arena *arena, struct pol_decision *decision,
	struct pol_explanation *out)
{
	struct pol_trace trace;
	struct pol_explainer explainer = { .snapshot = snapshot, .trace = &trace, .arena = arena };

	pol_eval_tried(snapshot, facts, &trace, decision);
	return explain(&explainer, facts, decision, out);
}
