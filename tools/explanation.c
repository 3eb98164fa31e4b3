/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/explanation.h"

#include "policy/text/terms.h"
#include "tools/record.h"

/* The items of an array field; *out_count of them, each a cursor over one value. */
static struct wire_cursor *read_items(
	struct app *app, struct wire_cursor map, const char *name, uint32_t *out_count)
{
	struct wire_cursor value;
	struct wire_cursor *items;
	uint32_t count = 0;

	*out_count = 0;
	if (!record_find(map, name, &value) || !wire_read_array(&value, &count)) {
		return NULL;
	}
	items = pol_arena_alloc(&app->arena, count, sizeof *items);
	while (items != NULL && *out_count < count && wire_take(&value, &items[*out_count])) {
		++*out_count;
	}
	return items;
}

static const struct pol_str *read_texts(
	struct app *app, struct wire_cursor map, const char *name, uint32_t *out_count)
{
	struct wire_cursor *items = read_items(app, map, name, out_count);
	struct pol_str *texts = pol_arena_alloc(&app->arena, *out_count, sizeof *texts);

	for (uint32_t i = 0; texts != NULL && i < *out_count; i++) {
		struct wire_str text = { NULL, 0 };

		(void)wire_read_text(&items[i], &text);
		texts[i] = (struct pol_str){ text.ptr, text.len };
	}
	if (texts == NULL) {
		*out_count = 0;
	}
	return texts;
}

static struct pol_position read_position(struct wire_cursor map)
{
	int64_t line = record_int(map, "line", 0);

	return (struct pol_position){ .file = record_str(map, "file"),
		.line = line > 0 && line <= UINT32_MAX ? (uint32_t)line : 0 };
}

static bool is(struct wire_cursor map, const char *name, const char *word)
{
	return pol_str_equal(record_str(map, name), pol_str_of(word));
}

static struct pol_explained_line read_line(struct app *app, struct wire_cursor map)
{
	struct pol_explained_line line = { .module = record_str(map, "module"),
		.reason = record_str(map, "reason"),
		.fact = record_str(map, "fact"),
		.stack = record_str(map, "stack"),
		.position = read_position(map),
		.asked = record_str(map, "verdict").len > 0 };

	line.arguments = read_texts(app, map, "arguments", &line.argument_count);
	for (int i = POL_CONTROL_REQUIRED; i <= POL_CONTROL_OPTIONAL; i++) {
		if (is(map, "control", pol_terms_control((enum pol_control)i))) {
			line.control = (enum pol_control)i;
		}
	}
	for (int i = POL_ERROR; i <= POL_ALLOW; i++) {
		if (is(map, "verdict", pol_terms_verdict((enum pol_verdict)i))) {
			line.verdict = (enum pol_verdict)i;
		}
	}
	if (is(map, "ends", "group")) {
		line.ends = POL_ENDS_GROUP;
	} else if (is(map, "ends", "substack")) {
		line.ends = POL_ENDS_SUBSTACK;
	}
	return line;
}

static struct pol_explained_group read_group(struct app *app, struct wire_cursor map)
{
	struct pol_explained_group group = { .reason = record_str(map, "reason") };
	struct wire_cursor passed;
	uint32_t count;
	struct wire_cursor *items = read_items(app, map, "lines", &count);
	struct pol_explained_line *lines = pol_arena_alloc(&app->arena, count, sizeof *lines);

	group.asked = record_find(map, "passed", &passed);
	group.passed = record_bool(map, "passed", false);
	if (lines == NULL) {
		return group;
	}
	for (uint32_t i = 0; i < count; i++) {
		lines[i] = read_line(app, items[i]);
	}
	group.lines = lines;
	group.line_count = count;
	return group;
}

static void read_groups(struct app *app, struct wire_cursor map, struct pol_explanation *out)
{
	uint32_t count;
	struct wire_cursor *items = read_items(app, map, "groups", &count);

	for (uint32_t i = 0; i < count; i++) {
		for (int group = 0; group < POL_GROUP_COUNT; group++) {
			if (is(items[i], "group", pol_terms_group((enum pol_group)group))) {
				out->groups[group] = read_group(app, items[i]);
			}
		}
	}
}

static enum pol_truth read_truth(struct wire_cursor map)
{
	if (is(map, "truth", pol_truth_text(POL_TRUE))) {
		return POL_TRUE;
	}
	return is(map, "truth", pol_truth_text(POL_FALSE)) ? POL_FALSE : POL_UNKNOWN;
}

/* A rule without a condition is true. */
static void read_condition(struct app *app, struct wire_cursor map, struct pol_explained_rule *out)
{
	struct wire_cursor *items = read_items(app, map, "predicates", &out->predicate_count);
	struct pol_explained_predicate *predicates =
		pol_arena_alloc(&app->arena, out->predicate_count, sizeof *predicates);

	out->when = record_str(map, "when");
	out->truth = out->when.len > 0 ? read_truth(map) : POL_TRUE;
	if (predicates == NULL) {
		out->predicate_count = 0;
		return;
	}
	for (uint32_t i = 0; i < out->predicate_count; i++) {
		predicates[i] = (struct pol_explained_predicate){
			.text = record_str(items[i], "predicate"),
			.values = record_str(items[i], "values"),
			.truth = read_truth(items[i]),
		};
	}
	out->predicates = predicates;
}

static const struct pol_explained_rule *read_rules(
	struct app *app, struct wire_cursor map, const char *name, uint32_t *out_count)
{
	struct wire_cursor *items = read_items(app, map, name, out_count);
	struct pol_explained_rule *rules = pol_arena_alloc(&app->arena, *out_count, sizeof *rules);

	if (rules == NULL) {
		*out_count = 0;
		return NULL;
	}
	for (uint32_t i = 0; i < *out_count; i++) {
		struct pol_explained_rule *rule = &rules[i];
		struct wire_cursor scope;

		rule->scope = record_find(items[i], "scope", &scope);
		rule->deny = is(items[i], "effect", "deny");
		rule->held = record_bool(items[i], "held", false);
		rule->chain = read_texts(
			app, items[i], rule->scope ? "scope" : "role", &rule->chain_count);
		rule->text = record_str(items[i], "rule");
		rule->position = read_position(items[i]);
		rule->at = read_texts(app, items[i], "at", &rule->at_count);
		rule->holder = pol_terms_find_holder(record_str(items[i], "holder"));
		rule->until = record_int(items[i], "until", 0);
		rule->verbs = read_texts(app, items[i], "actions", &rule->verb_count);
		read_condition(app, items[i], rule);
	}
	return rules;
}

static struct pol_explained_kinds read_kinds(
	struct app *app, struct wire_cursor map, const char *name)
{
	struct pol_explained_kinds kinds = { 0 };
	uint32_t count;
	const struct pol_str *names = read_texts(app, map, name, &count);

	for (uint32_t i = 0; i < count; i++) {
		kinds.role = kinds.role || pol_str_equal(names[i], POL_STR("role"));
		kinds.scope = kinds.scope || pol_str_equal(names[i], POL_STR("scope"));
	}
	return kinds;
}

bool explanation_read(struct app *app, struct wire_cursor result, struct pol_explanation *out)
{
	struct pol_explanation read = { .stage = POL_STAGE_END };
	struct wire_cursor map, stack;

	if (!record_find(result, "explain", &map)) {
		return false;
	}
	for (int stage = 0; stage < POL_STAGE_COUNT; stage++) {
		if (is(map, "ended", pol_terms_stage((enum pol_stage)stage))) {
			read.stage = (enum pol_stage)stage;
		}
	}
	read.has_stack = record_find(map, "stack", &stack);
	if (read.has_stack) {
		read.stack = record_str(stack, "name");
		read.position = read_position(stack);
		read_groups(app, map, &read);
	}
	read.resource = record_str(map, "resource");
	read.action = record_str(map, "action");
	read.has = read_texts(app, map, "has", &read.has_count);
	read.fact = record_str(map, "fact");
	read.quota = record_str(map, "quota");
	read.rules = read_rules(app, map, "rules", &read.rule_count);
	read.missing = read_kinds(app, map, "missing");
	read.none = read_kinds(app, map, "none");
	read.needs = read_rules(app, map, "needed", &read.need_count);
	read.more_needs = (uint32_t)record_int(map, "more", 0);
	read.key_at = read_texts(app, map, "key_at", &read.key_at_count);
	if (app->arena.status != POL_OK) {
		return false;
	}
	*out = read;
	return true;
}
