/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/explain.h"

#include "policy/text/terms.h"

/*
 * An explanation has some seventy small pieces: they are laid one after the other into room that is
 * reserved a line or a rule at a time.
 */

/* All of one piece but its texts: keys, heads, numbers, words of the language. */
#define FIXED 256

/* Where it is laid. */
struct writer {
	struct wire_buf *buf;
	bool positions; /* with the places in the files */
};

/* A map of at most 15 pairs that is being laid; its head counts them. */
struct map {
	uint8_t *head;
	uint8_t *to;
};

/* False: there is no room, and the buffer says so. */
static bool begin(const struct writer *writer, size_t texts, struct map *out)
{
	uint8_t *to = wire_buf_reserve(writer->buf, FIXED + texts);

	if (to == NULL) {
		return false;
	}
	*to = 0x80;
	*out = (struct map){ .head = to, .to = to + 1 };
	return true;
}

static void end(const struct writer *writer, const struct map *map)
{
	writer->buf->len = (size_t)(map->to - writer->buf->data);
}

static inline void lay_key(struct map *map, struct wire_str key)
{
	map->to = wire_lay_str(map->to, key);
	++*map->head;
}
#define KEY(map, key) lay_key((map), WIRE_STR(key))

static inline void lay_text(struct map *map, struct wire_str key, struct pol_str value)
{
	if (value.len > 0) {
		lay_key(map, key);
		map->to = wire_lay_str(map->to, (struct wire_str){ value.ptr, value.len });
	}
}
#define TEXT(map, key, value) lay_text((map), WIRE_STR(key), (value))

static inline void lay_bool(struct map *map, bool value)
{
	*map->to++ = value ? 0xc3 : 0xc2;
}

static size_t room_of(const struct pol_str *items, uint32_t count)
{
	size_t room = 0;

	for (uint32_t i = 0; i < count; i++) {
		room += WIRE_LAY_HEAD + items[i].len;
	}
	return room;
}

static inline void lay_list(
	struct map *map, struct wire_str key, const struct pol_str *items, uint32_t count)
{
	if (count == 0) {
		return;
	}
	lay_key(map, key);
	map->to = wire_lay_array(map->to, count);
	for (uint32_t i = 0; i < count; i++) {
		map->to = wire_lay_str(map->to, (struct wire_str){ items[i].ptr, items[i].len });
	}
}
#define LIST(map, key, items, count) lay_list((map), WIRE_STR(key), (items), (count))

static void lay_kinds(struct map *map, struct wire_str key, struct pol_explained_kinds kinds)
{
	struct pol_str names[2];
	uint32_t count = 0;

	if (kinds.role) {
		names[count++] = POL_STR("role");
	}
	if (kinds.scope) {
		names[count++] = POL_STR("scope");
	}
	lay_list(map, key, names, count);
}
#define KINDS(map, key, kinds) lay_kinds((map), WIRE_STR(key), (kinds))

static void lay_position(const struct writer *writer, struct map *map, struct pol_position position)
{
	if (writer->positions && position.line > 0) {
		TEXT(map, "file", position.file);
		KEY(map, "line");
		map->to = wire_lay_uint(map->to, position.line);
	}
}

/* --- the walk --------------------------------------------------------------------------------- */

static void put_line(const struct writer *writer, const struct pol_explained_line *line)
{
	size_t texts = line->module.len + line->stack.len + line->position.file.len +
		       line->reason.len + line->fact.len +
		       room_of(line->arguments, line->argument_count);
	struct map map;

	if (!begin(writer, texts, &map)) {
		return;
	}
	TEXT(&map, "control", pol_str_of(pol_terms_control(line->control)));
	TEXT(&map, "module", line->module);
	LIST(&map, "arguments", line->arguments, line->argument_count);
	TEXT(&map, "stack", line->stack);
	lay_position(writer, &map, line->position);
	if (line->asked) {
		TEXT(&map, "verdict", pol_str_of(pol_terms_verdict(line->verdict)));
		TEXT(&map, "reason", line->reason);
		TEXT(&map, "fact", line->fact);
	}
	if (line->ends != POL_ENDS_NOTHING) {
		TEXT(&map, "ends",
			line->ends == POL_ENDS_GROUP ? POL_STR("group") : POL_STR("substack"));
	}
	end(writer, &map);
}

static void put_group(
	const struct writer *writer, enum pol_group number, const struct pol_explained_group *group)
{
	struct map map;

	if (!begin(writer, group->reason.len, &map)) {
		return;
	}
	TEXT(&map, "group", pol_str_of(pol_terms_group(number)));
	if (group->asked) {
		KEY(&map, "passed");
		lay_bool(&map, group->passed);
		TEXT(&map, "reason", group->reason);
	}
	KEY(&map, "lines");
	map.to = wire_lay_array(map.to, group->line_count);
	end(writer, &map);
	for (uint32_t i = 0; i < group->line_count; i++) {
		put_line(writer, &group->lines[i]);
	}
}

/* Two pairs of the whole: the stack, and the array of its groups. */
static void put_stack(const struct writer *writer, const struct pol_explanation *explanation)
{
	struct map map;
	uint32_t count = 0;

	wire_put_str(writer->buf, WIRE_STR("stack"));
	if (!begin(writer, explanation->stack.len + explanation->position.file.len, &map)) {
		return;
	}
	TEXT(&map, "name", explanation->stack);
	lay_position(writer, &map, explanation->position);
	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		count += explanation->groups[group].line_count > 0;
	}
	map.to = wire_lay_array(wire_lay_str(map.to, WIRE_STR("groups")), count);
	end(writer, &map);
	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		if (explanation->groups[group].line_count > 0) {
			put_group(writer, (enum pol_group)group, &explanation->groups[group]);
		}
	}
}

/* --- the rules -------------------------------------------------------------------------------- */

static void put_predicate(
	const struct writer *writer, const struct pol_explained_predicate *predicate)
{
	struct map map;

	if (!begin(writer, predicate->text.len + predicate->values.len, &map)) {
		return;
	}
	TEXT(&map, "predicate", predicate->text);
	TEXT(&map, "values", predicate->values);
	TEXT(&map, "truth", pol_str_of(pol_truth_text(predicate->truth)));
	end(writer, &map);
}

/* The pairs of a rule that are about its condition; its predicates come after them. */
static void lay_condition(struct map *map, const struct pol_explained_rule *rule)
{
	if (rule->when.len == 0) {
		return;
	}
	TEXT(map, "when", rule->when);
	TEXT(map, "truth", pol_str_of(pol_truth_text(rule->truth)));
	KEY(map, "predicates");
	map->to = wire_lay_array(map->to, rule->predicate_count);
}

static void put_rule(
	const struct writer *writer, const struct pol_explained_rule *rule, bool needed)
{
	size_t texts = room_of(rule->chain, rule->chain_count) + rule->text.len +
		       rule->position.file.len + room_of(rule->at, rule->at_count) +
		       room_of(rule->verbs, rule->verb_count) + rule->when.len;
	struct map map;

	if (!begin(writer, texts, &map)) {
		return;
	}
	if (!needed) {
		TEXT(&map, "effect", rule->deny ? POL_STR("deny") : POL_STR("allow"));
	}
	if (rule->scope) {
		LIST(&map, "scope", rule->chain, rule->chain_count);
	} else {
		LIST(&map, "role", rule->chain, rule->chain_count);
	}
	TEXT(&map, "rule", rule->text);
	lay_position(writer, &map, rule->position);
	if (rule->held) {
		KEY(&map, "held");
		lay_bool(&map, true);
	}
	LIST(&map, "at", rule->at, rule->at_count);
	TEXT(&map, "holder", pol_str_of(pol_terms_holder(rule->holder)));
	if (rule->until != 0) {
		KEY(&map, "until");
		map.to = wire_lay_uint64(map.to, (uint64_t)rule->until);
	}
	LIST(&map, "actions", rule->verbs, rule->verb_count);
	lay_condition(&map, rule);
	end(writer, &map);
	for (uint32_t i = 0; rule->when.len > 0 && i < rule->predicate_count; i++) {
		put_predicate(writer, &rule->predicates[i]);
	}
}

/* A pair of the whole, or none. */
static uint32_t put_rules(const struct writer *writer, struct wire_str key,
	const struct pol_explained_rule *rules, uint32_t count, bool needed)
{
	if (count == 0) {
		return 0;
	}
	wire_put_str(writer->buf, key);
	wire_put_array(writer->buf, count);
	for (uint32_t i = 0; i < count; i++) {
		put_rule(writer, &rules[i], needed);
	}
	return 1;
}

void explain_put(struct wire_buf *buf, const struct pol_explanation *explanation, bool positions)
{
	const struct writer writer = { buf, positions };
	size_t texts = explanation->resource.len + explanation->action.len + explanation->fact.len +
		       explanation->quota.len + room_of(explanation->has, explanation->has_count) +
		       room_of(explanation->key_at, explanation->key_at_count);
	size_t at = buf->len;
	uint32_t more = 0;
	struct map map;

	if (!begin(&writer, texts, &map)) {
		return;
	}
	if (explanation->stage != POL_STAGE_END) {
		TEXT(&map, "ended", pol_str_of(pol_terms_stage(explanation->stage)));
	}
	TEXT(&map, "resource", explanation->resource);
	TEXT(&map, "action", explanation->action);
	LIST(&map, "has", explanation->has, explanation->has_count);
	TEXT(&map, "fact", explanation->fact);
	TEXT(&map, "quota", explanation->quota);
	LIST(&map, "key_at", explanation->key_at, explanation->key_at_count);
	KINDS(&map, "missing", explanation->missing);
	KINDS(&map, "none", explanation->none);
	end(&writer, &map);
	if (explanation->has_stack) {
		put_stack(&writer, explanation);
		more += 2;
	}
	more += put_rules(
		&writer, WIRE_STR("rules"), explanation->rules, explanation->rule_count, false);
	more += put_rules(
		&writer, WIRE_STR("needed"), explanation->needs, explanation->need_count, true);
	if (explanation->more_needs > 0) {
		wire_put_str(buf, WIRE_STR("more"));
		wire_put_int(buf, explanation->more_needs);
		more++;
	}
	if (buf->status == WIRE_OK) {
		buf->data[at] = (uint8_t)(buf->data[at] + more);
	}
}
