/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "client/authz_handle.h"

/*
 * The answer to `plan`, copied into memory of the plan's own. What cannot be read whole is an
 * error, and the plan stays AUTHZ_NEVER: half a tree would allow more, or less.
 */

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(array)[0])

/* Memory of a plan: a list of blocks. */
struct block {
	struct block *next;
	max_align_t bytes[];
};

/* What a result is read into. */
struct reader {
	struct block *blocks;
	bool no_memory;
};

static void *allocate(struct reader *reader, size_t count, size_t size)
{
	struct block *block = NULL;

	if (count <= (SIZE_MAX / 2 - sizeof *block) / size) {
		block = calloc(1, sizeof *block + count * size);
	}
	if (block == NULL) {
		reader->no_memory = true;
		return NULL;
	}
	block->next = reader->blocks;
	reader->blocks = block;
	return block->bytes;
}

static void free_blocks(struct block *block)
{
	while (block != NULL) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
}

void authz_plan_deny(struct authz_plan *out)
{
	static const char reason[] = "unavailable";

	*out = (struct authz_plan){ .kind = AUTHZ_NEVER, .status = 503, .when = "", .node = "" };
	memcpy(out->reason, reason, sizeof reason);
}

void authz_plan_finish(struct authz_plan *plan)
{
	if (plan != NULL) {
		free_blocks(plan->memory);
		authz_plan_deny(plan);
	}
}

/* --- texts ------------------------------------------------------------------------------------ */

static bool read_text(struct reader *reader, struct wire_cursor *cursor, const char **out)
{
	struct wire_str text;
	char *copy;

	if (!wire_read_text(cursor, &text)) {
		return false;
	}
	copy = allocate(reader, text.len + 1, 1);
	*out = copy;
	return copy != NULL && authz_copy_whole(copy, text.len + 1, text);
}

static bool read_texts(struct reader *reader, struct wire_cursor *cursor, const char *const **out,
	size_t *out_count)
{
	const char **items;
	uint32_t count;

	if (!wire_read_array(cursor, &count)) {
		return false;
	}
	items = allocate(reader, count, sizeof *items);
	for (uint32_t i = 0; items != NULL && i < count; i++) {
		if (!read_text(reader, cursor, &items[i])) {
			return false;
		}
	}
	*out = items;
	*out_count = count;
	return items != NULL;
}

/* --- operands --------------------------------------------------------------------------------- */

static const struct {
	struct wire_str name;
	enum authz_value_type type;
} types[] = {
	{ { "string", 6 }, AUTHZ_STRING },
	{ { "strings", 7 }, AUTHZ_STRINGS },
	{ { "int", 3 }, AUTHZ_INT },
	{ { "bool", 4 }, AUTHZ_BOOL },
	{ { "time", 4 }, AUTHZ_TIME },
	{ { "duration", 8 }, AUTHZ_DURATION },
	{ { "address", 7 }, AUTHZ_ADDRESS },
	{ { "word", 4 }, AUTHZ_WORD },
	{ { "network", 7 }, AUTHZ_NETWORK },
};

static enum authz_value_type type_of(struct wire_str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (wire_str_equal(name, types[i].name)) {
			return types[i].type;
		}
	}
	return AUTHZ_TYPE_NONE;
}

/* The type of a fact: a text, or ["word", [WORD, …]]. */
static bool read_type(struct reader *reader, struct wire_cursor *cursor, struct authz_term *out)
{
	struct wire_str name;
	uint32_t count = 0;
	bool words = wire_read_array(cursor, &count);

	if (!wire_read_text(cursor, &name) || (words && count != 2)) {
		return false;
	}
	out->type = type_of(name);
	if (words) {
		return out->type == AUTHZ_WORD &&
		       read_texts(reader, cursor, &out->items, &out->item_count);
	}
	return out->type != AUTHZ_TYPE_NONE;
}

static bool read_value(struct reader *reader, struct wire_cursor *cursor, struct authz_term *out)
{
	bool truth;

	switch (out->type) {
	case AUTHZ_STRING:
	case AUTHZ_ADDRESS:
	case AUTHZ_WORD:
	case AUTHZ_NETWORK:
		return read_text(reader, cursor, &out->text);
	case AUTHZ_STRINGS:
		return read_texts(reader, cursor, &out->items, &out->item_count);
	case AUTHZ_INT:
	case AUTHZ_TIME:
	case AUTHZ_DURATION:
		return wire_read_int(cursor, &out->number);
	case AUTHZ_BOOL:
		if (!wire_read_bool(cursor, &truth)) {
			return false;
		}
		out->number = truth;
		return true;
	case AUTHZ_TYPE_NONE:
		break;
	}
	return false;
}

static bool read_operand(struct reader *reader, struct wire_cursor *cursor, struct authz_term *out)
{
	struct wire_str name;
	uint32_t count;

	if (!wire_read_array(cursor, &count) || !wire_read_text(cursor, &name)) {
		return false;
	}
	if (wire_str_equal(name, WIRE_STR("fact")) || wire_str_equal(name, WIRE_STR("parameter"))) {
		out->kind = name.len == 4 ? AUTHZ_FACT : AUTHZ_PARAMETER;
		return count == 3 && read_text(reader, cursor, &out->text) &&
		       read_type(reader, cursor, out);
	}
	out->kind = AUTHZ_VALUE;
	out->type = type_of(name);
	return count == 2 && read_value(reader, cursor, out);
}

/* --- terms ------------------------------------------------------------------------------------ */

static const struct {
	struct wire_str name;
	enum authz_term_kind kind;
} terms[] = {
	{ { "and", 3 }, AUTHZ_AND },
	{ { "or", 2 }, AUTHZ_OR },
	{ { "present", 7 }, AUTHZ_PRESENT },
	{ { "absent", 6 }, AUTHZ_ABSENT },
	{ { "is", 2 }, AUTHZ_IS },
	{ { "is not", 6 }, AUTHZ_IS_NOT },
	{ { "<", 1 }, AUTHZ_LESS },
	{ { "<=", 2 }, AUTHZ_LESS_OR_EQUAL },
	{ { "has", 3 }, AUTHZ_HAS },
	{ { "has not", 7 }, AUTHZ_HAS_NOT },
	{ { "has any", 7 }, AUTHZ_HAS_ANY },
	{ { "has none", 8 }, AUTHZ_HAS_NONE },
	{ { "has all", 7 }, AUTHZ_HAS_ALL },
	{ { "has not all", 11 }, AUTHZ_HAS_NOT_ALL },
	{ { "within", 6 }, AUTHZ_WITHIN },
	{ { "not within", 10 }, AUTHZ_NOT_WITHIN },
};

static enum authz_term_kind kind_of(struct wire_str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(terms); i++) {
		if (wire_str_equal(name, terms[i].name)) {
			return terms[i].kind;
		}
	}
	return AUTHZ_TERM_NONE;
}

/* Has a term of the kind that many parts? */
static bool is_count(enum authz_term_kind kind, uint32_t count)
{
	if (kind == AUTHZ_AND || kind == AUTHZ_OR) {
		return count >= 2;
	}
	return count == (kind == AUTHZ_PRESENT || kind == AUTHZ_ABSENT ? 1 : 2);
}

/* A message nests at most WIRE_MAX_DEPTH deep, which bounds the recursion. */
static bool read_term(struct reader *reader, struct wire_cursor *cursor, struct authz_term *out)
{
	struct authz_term *parts;
	struct wire_str name;
	uint32_t count;

	if (!wire_read_array(cursor, &count) || count == 0 || !wire_read_text(cursor, &name)) {
		return false;
	}
	out->kind = kind_of(name);
	count--;
	if (out->kind == AUTHZ_TERM_NONE || !is_count(out->kind, count)) {
		return false;
	}
	parts = allocate(reader, count, sizeof *parts);
	for (uint32_t i = 0; parts != NULL && i < count; i++) {
		bool inner = out->kind == AUTHZ_AND || out->kind == AUTHZ_OR;

		if (!(inner ? read_term : read_operand)(reader, cursor, &parts[i])) {
			return false;
		}
	}
	out->parts = parts;
	out->part_count = count;
	return parts != NULL;
}

/* --- the result ------------------------------------------------------------------------------- */

static bool read_kind(struct wire_cursor *cursor, enum authz_plan_kind *out)
{
	struct wire_str text;

	if (!wire_read_text(cursor, &text)) {
		return false;
	}
	if (wire_str_equal(text, WIRE_STR("always"))) {
		*out = AUTHZ_ALWAYS;
	} else if (wire_str_equal(text, WIRE_STR("when"))) {
		*out = AUTHZ_WHEN;
	} else if (wire_str_equal(text, WIRE_STR("never"))) {
		*out = AUTHZ_NEVER;
	} else {
		return false;
	}
	return true;
}

static bool read_tree(struct reader *reader, struct wire_cursor *cursor, struct authz_plan *out)
{
	struct authz_term *tree = allocate(reader, 1, sizeof *tree);

	out->tree = tree;
	return tree != NULL && read_term(reader, cursor, tree);
}

static bool read_status(struct wire_cursor *cursor, struct authz_plan *out)
{
	int64_t status;

	if (!wire_read_int(cursor, &status) || status < 100 || status > 599) {
		return false;
	}
	out->status = (int)status;
	return true;
}

static bool read_field(struct reader *reader, struct wire_str name, struct wire_cursor *cursor,
	struct authz_plan *out)
{
	struct wire_str text;

	if (wire_str_equal(name, WIRE_STR("plan"))) {
		return read_kind(cursor, &out->kind);
	}
	if (wire_str_equal(name, WIRE_STR("status"))) {
		return read_status(cursor, out);
	}
	if (wire_str_equal(name, WIRE_STR("reason"))) {
		return wire_read_text(cursor, &text) &&
		       authz_copy_whole(out->reason, sizeof out->reason, text);
	}
	if (wire_str_equal(name, WIRE_STR("revision"))) {
		return wire_read_text(cursor, &text) &&
		       authz_copy_whole(out->revision, sizeof out->revision, text);
	}
	if (wire_str_equal(name, WIRE_STR("when"))) {
		return read_text(reader, cursor, &out->when);
	}
	if (wire_str_equal(name, WIRE_STR("node"))) {
		return read_text(reader, cursor, &out->node);
	}
	if (wire_str_equal(name, WIRE_STR("missing"))) {
		return read_texts(reader, cursor, &out->missing, &out->missing_count);
	}
	if (wire_str_equal(name, WIRE_STR("tree"))) {
		return out->tree == NULL && read_tree(reader, cursor, out);
	}
	return wire_skip(cursor);
}

/* Are the fields there that its kind has? */
static bool is_whole(const struct authz_plan *plan, bool has_kind)
{
	bool never = plan->kind == AUTHZ_NEVER;

	return has_kind && plan->revision[0] != '\0' &&
	       (plan->tree != NULL) == (plan->kind == AUTHZ_WHEN) && never == (plan->status != 0) &&
	       never == (plan->reason[0] != '\0') && plan->status != 200;
}

static bool read_fields(struct reader *reader, struct wire_cursor cursor, struct authz_plan *out)
{
	bool has_kind = false;
	struct wire_str name;
	uint32_t pairs;

	if (!wire_read_map(&cursor, &pairs)) {
		return false;
	}
	for (uint32_t i = 0; i < pairs; i++) {
		if (!wire_read_text(&cursor, &name) || !read_field(reader, name, &cursor, out)) {
			return false;
		}
		has_kind = has_kind || wire_str_equal(name, WIRE_STR("plan"));
	}
	return is_whole(out, has_kind);
}

int authz_plan_read(struct wire_cursor value, struct authz_plan *out)
{
	struct authz_plan plan = { .when = "", .node = "" };
	struct reader reader = { .blocks = NULL };

	if (!read_fields(&reader, value, &plan)) {
		free_blocks(reader.blocks);
		return reader.no_memory ? AUTHZ_ENOMEM : AUTHZ_EPROTO;
	}
	if (plan.kind != AUTHZ_NEVER) {
		plan.status = 200;
		memcpy(plan.reason, "ok", sizeof "ok");
	}
	plan.memory = reader.blocks;
	*out = plan;
	return AUTHZ_OK;
}
