/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/authorize_explain.h"

#include "policy/terms.h"

/* A map that is being written: its pairs are counted as they come. */
struct map {
	struct wire_buf *buf;
	size_t at;
	uint32_t pairs;
};

static struct map open_map(struct wire_buf *buf)
{
	return (struct map){ .buf = buf, .at = wire_open_map(buf) };
}

static void close_map(struct map *map)
{
	wire_close_map(map->buf, map->at, map->pairs);
}

static void put_key(struct map *map, const char *key)
{
	wire_put_cstr(map->buf, key);
	map->pairs++;
}

static void put_str(struct map *map, const char *key, struct pol_str value)
{
	if (value.len > 0) {
		put_key(map, key);
		wire_put_str(map->buf, (struct wire_str){ value.ptr, value.len });
	}
}

static void put_text(struct map *map, const char *key, const char *value)
{
	put_str(map, key, pol_str_of(value));
}

static void put_list(struct map *map, const char *key, const struct pol_str *items, uint32_t count)
{
	if (count == 0) {
		return;
	}
	put_key(map, key);
	wire_put_array(map->buf, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_put_str(map->buf, (struct wire_str){ items[i].ptr, items[i].len });
	}
}

static void put_place(struct map *map, struct pol_place place)
{
	if (place.line > 0) {
		put_str(map, "file", place.file);
		put_key(map, "line");
		wire_put_int(map->buf, place.line);
	}
}

static void put_line(struct wire_buf *buf, const struct pol_explained_line *line)
{
	struct map map = open_map(buf);

	put_text(&map, "control", pol_control_name(line->control));
	put_str(&map, "module", line->module);
	put_list(&map, "arguments", line->arguments, line->argument_count);
	put_str(&map, "stack", line->stack);
	put_place(&map, line->place);
	if (line->asked) {
		put_text(&map, "verdict", pol_verdict_name(line->verdict));
		put_str(&map, "reason", line->reason);
	}
	if (line->ends != POL_ENDS_NOTHING) {
		put_text(&map, "ends", line->ends == POL_ENDS_GROUP ? "group" : "substack");
	}
	close_map(&map);
}

static void put_group(
	struct wire_buf *buf, enum pol_group number, const struct pol_explained_group *group)
{
	struct map map = open_map(buf);

	put_text(&map, "group", pol_group_name(number));
	if (group->asked) {
		put_key(&map, "passed");
		wire_put_bool(buf, group->passed);
		put_str(&map, "reason", group->reason);
	}
	put_key(&map, "lines");
	wire_put_array(buf, group->line_count);
	for (uint32_t i = 0; i < group->line_count; i++) {
		put_line(buf, &group->lines[i]);
	}
	close_map(&map);
}

static void put_groups(struct map *map, const struct pol_explanation *told)
{
	uint32_t count = 0;

	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		count += told->groups[group].line_count > 0;
	}
	put_key(map, "groups");
	wire_put_array(map->buf, count);
	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		if (told->groups[group].line_count > 0) {
			put_group(map->buf, (enum pol_group)group, &told->groups[group]);
		}
	}
}

static void put_stack(struct map *map, const struct pol_explanation *told)
{
	struct map stack;

	put_key(map, "stack");
	stack = open_map(map->buf);
	put_str(&stack, "name", told->stack);
	put_place(&stack, told->place);
	close_map(&stack);
}

static void put_rule(struct wire_buf *buf, const struct pol_explained_rule *rule, bool needed)
{
	struct map map = open_map(buf);

	if (!needed) {
		put_text(&map, "effect", rule->deny ? "deny" : "allow");
	}
	put_list(&map, rule->scope ? "scope" : "role", rule->chain, rule->chain_count);
	put_str(&map, "rule", rule->text);
	put_place(&map, rule->place);
	if (rule->held) {
		put_key(&map, "held");
		wire_put_bool(buf, true);
	}
	put_list(&map, "at", rule->at, rule->at_count);
	if (rule->until != 0) {
		put_key(&map, "until");
		wire_put_int(buf, rule->until);
	}
	put_list(&map, "actions", rule->verbs, rule->verb_count);
	close_map(&map);
}

static void put_rules(struct map *map, const char *key, const struct pol_explained_rule *rules,
	uint32_t count, bool needed)
{
	if (count == 0) {
		return;
	}
	put_key(map, key);
	wire_put_array(map->buf, count);
	for (uint32_t i = 0; i < count; i++) {
		put_rule(map->buf, &rules[i], needed);
	}
}

void authorize_put_explanation(struct wire_buf *buf, const struct pol_explanation *told)
{
	struct map map = open_map(buf);

	if (told->stage != POL_STAGE_END) {
		put_text(&map, "ended", pol_stage_name(told->stage));
	}
	if (told->has_stack) {
		put_stack(&map, told);
		put_groups(&map, told);
	}
	put_str(&map, "resource", told->resource);
	put_str(&map, "action", told->action);
	put_rules(&map, "rules", told->rules, told->rule_count, false);
	put_rules(&map, "needed", told->needs, told->need_count, true);
	if (told->more_needs > 0) {
		put_key(&map, "more");
		wire_put_int(buf, told->more_needs);
	}
	put_list(&map, "key_at", told->key_at, told->key_at_count);
	close_map(&map);
}
