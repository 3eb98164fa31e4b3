/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/given.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/wire_head.h"
#include "daemon/host/redact.h"
#include "policy/snapshot/condition.h"
#include "policy/text/str.h"

/* A fact's name that is longer is not part of `param`, which has to hold the entry's index too. */
#define NAMED 40

/* One map that is being read. */
struct reader {
	const struct call *call;
	struct given_room *room;
	struct given_map *map;
	const char **out_param;
	bool ignore;    /* undeclared facts are ignored, ill-typed ones are unknown */
	uint32_t last;  /* the fact that was added before; 0: none was */
	uint32_t named; /* declared facts that were read, nil included */
	size_t bytes;   /* of their names and texts */

	/* the fact that is being read; it becomes the map's next item */
	struct pol_str name;
	uint32_t number;
	const struct pol_declared_fact *declared;
};

static const char *wrong_map(struct reader *reader, const char *what)
{
	*reader->out_param = "facts";
	return what;
}

/* Could the text be a fact's name? Only such text is repeated, since it might be a token. */
static bool looks_like_fact(struct pol_str name)
{
	char copy[NAMED];
	bool dotted = false;

	if (name.len == 0 || name.len > NAMED) {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		dotted = dotted || c == '.';
		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			c != '_' && c != '-' && c != '.') {
			return false;
		}
	}
	memcpy(copy, name.ptr, name.len);
	return dotted && redact_tokens(copy, name.len, "...") == name.len;
}

__attribute__((noinline)) static const char *wrong_fact(struct reader *reader, const char *what)
{
	struct given_room *room = reader->room;
	struct pol_str name = reader->name;

	*reader->out_param = "facts";
	if (looks_like_fact(name)) {
		snprintf(room->param, sizeof room->param, "facts.%.*s", POL_STR_ARGS(name));
		*reader->out_param = room->param;
	}
	snprintf(room->wrong, sizeof room->wrong, "%s", what);
	return room->wrong;
}

static const char *check_bytes(struct reader *reader)
{
	return reader->bytes > POL_GIVEN_BYTES
		       ? wrong_map(reader, "has more than 16 KiB of names and text")
		       : NULL;
}

/* --- values ----------------------------------------------------------------------------------- */

static struct pol_value *next_value(struct reader *reader)
{
	return &reader->map->items[reader->map->count].value;
}

/* A value that the fact cannot have: it is unknown, or `why` says what is wrong. */
__attribute__((noinline)) static const char *refuse(
	struct reader *reader, enum pol_status status, const char *why)
{
	if (status != POL_EINVALID || !reader->ignore) {
		return wrong_fact(reader, why);
	}
	*next_value(reader) = (struct pol_value){ .type = POL_TYPE_ABSENT };
	return NULL;
}

static inline const char *accept(struct reader *reader, enum pol_status status)
{
	return status == POL_OK ? NULL : refuse(reader, status, reader->room->why);
}

static const char no_value[] = "must be text, a 64-bit integer, true, false, a list of text or nil";

/* A value that no fact can have; the cursor is after it. */
__attribute__((noinline)) static const char *refuse_kind(struct reader *reader)
{
	const char *wrong = check_bytes(reader);

	return wrong != NULL ? wrong : refuse(reader, POL_EINVALID, no_value);
}

static const char *read_text(struct reader *reader, struct wire_cursor *at)
{
	struct wire_str text;

	if (!wire_head_text(at, &text)) {
		(void)wire_skip(at);
		return refuse_kind(reader);
	}
	reader->bytes += text.len;
	if (reader->bytes > POL_GIVEN_BYTES) {
		return check_bytes(reader);
	}
	return accept(reader,
		pol_given_read_string(reader->declared, (struct pol_str){ text.ptr, text.len },
			next_value(reader), reader->room->why));
}

static const char *read_int(struct reader *reader, struct wire_cursor *at)
{
	int64_t number;

	if (!wire_head_int(at, &number)) {
		(void)wire_skip(at);
		return refuse_kind(reader);
	}
	if (reader->bytes > POL_GIVEN_BYTES) {
		return check_bytes(reader);
	}
	return accept(reader, pol_given_read_number(reader->declared, number, next_value(reader),
				      reader->room->why));
}

static const char *read_bool(struct reader *reader, struct wire_cursor *at)
{
	bool truth;

	if (!wire_read_bool(at, &truth)) {
		(void)wire_skip(at);
		return refuse_kind(reader);
	}
	if (reader->bytes > POL_GIVEN_BYTES) {
		return check_bytes(reader);
	}
	return accept(reader, pol_given_read_bool(reader->declared, truth, next_value(reader),
				      reader->room->why));
}

/* Reads the items of an array into the room. False: one is not text. */
static bool read_members(
	struct reader *reader, struct wire_cursor *at, struct pol_str *members, uint32_t count)
{
	bool known = true;

	for (uint32_t i = 0; i < count; i++) {
		struct wire_str text;

		if (wire_head_text(at, &text)) {
			members[i] = (struct pol_str){ text.ptr, text.len };
			reader->bytes += text.len;
		} else {
			known = false;
			(void)wire_skip(at);
		}
	}
	return known;
}

/* Apart, so that reading other values saves no registers for it. */
__attribute__((noinline)) static const char *read_set(struct reader *reader, struct wire_cursor *at)
{
	struct given_room *room = reader->room;
	struct pol_str *members = &room->members[room->member_count];
	struct pol_value *value = next_value(reader);
	enum pol_status status;
	const char *wrong;
	uint32_t count;

	if (!wire_head_array(at, &count) || count > POL_GIVEN_MEMBERS) {
		return wrong_fact(reader, "has more than 256 members");
	}
	if (!read_members(reader, at, members, count)) {
		return refuse_kind(reader);
	}
	wrong = check_bytes(reader);
	if (wrong != NULL) {
		return wrong;
	}
	status = pol_given_read_set(reader->declared, members, count, value, room->why);
	if (status == POL_OK) {
		room->member_count += value->strings.count;
	}
	return accept(reader, status);
}

/* Reads a value that is not nil to the map's next item. */
static const char *read_value(struct reader *reader, enum wire_type kind, struct wire_cursor *at)
{
	switch (kind) {
	case WIRE_TEXT:
		return read_text(reader, at);
	case WIRE_INT:
		return read_int(reader, at);
	case WIRE_BOOL:
		return read_bool(reader, at);
	case WIRE_ARRAY:
		return read_set(reader, at);
	case WIRE_NIL:
	case WIRE_NONE:
	case WIRE_FLOAT:
	case WIRE_MAP:
	case WIRE_EXT:
		break;
	}
	(void)wire_skip(at);
	return refuse_kind(reader);
}

/* --- facts ------------------------------------------------------------------------------------ */

static bool is_named(const struct pol_fact_set *set, uint32_t fact)
{
	return (set->words[fact / 64] >> fact % 64 & 1) != 0;
}

/* False: it is there already. */
static bool add_name(struct pol_fact_set *set, uint32_t fact)
{
	uint64_t *word = &set->words[fact / 64], bit = UINT64_C(1) << fact % 64;
	bool is_new = (*word & bit) == 0;

	*word |= bit;
	return is_new;
}

/* Finds the map's next fact by its name. A guess is only taken where the policy gives that fact
 * this name. */
static void find_fact(struct reader *reader, struct pol_str name)
{
	const struct pol_snapshot *snapshot = reader->call->snapshot;
	uint32_t *guess = &reader->room->guesses[reader->named % POL_GIVEN_FACTS];
	uint32_t number = *guess;
	const struct pol_declared_fact *fact = pol_condition_declared(snapshot, number);

	if (fact == NULL || !pol_str_equal_short(fact->name, name)) {
		number = *guess = pol_condition_fact(snapshot, name);
		fact = pol_condition_declared(snapshot, number);
	}
	reader->name = name;
	reader->number = number;
	reader->declared = fact;
}

/* Adds the fact that was read to the map. */
static void add(struct reader *reader)
{
	struct given_map *map = reader->map;

	map->items[map->count++].fact = reader->number;
	map->unsorted |= reader->last > reader->number;
	reader->last = reader->number;
}

/* Reads one fact; the cursor is at its value. */
static const char *read_fact(struct reader *reader, struct pol_str name, struct wire_cursor *value)
{
	struct given_map *map = reader->map;
	enum wire_type kind;
	const char *wrong;

	find_fact(reader, name);
	if (reader->number == POL_NONE && reader->ignore) {
		(void)wire_skip(value);
		return NULL;
	}
	if (reader->number == POL_NONE) {
		return wrong_fact(reader, "the policy declares no such fact");
	}
	if (reader->number < POL_FACT_KNOWN) {
		return wrong_fact(reader, "the daemon knows this fact itself: it is never given");
	}
	if (!add_name(&map->named, reader->number)) {
		return wrong_fact(reader, "is given twice");
	}
	/* Before its value is read: the room has members for POL_GIVEN_FACTS sets. */
	if (reader->named == POL_GIVEN_FACTS) {
		return wrong_map(reader, "has more than 64 facts");
	}
	map->of_principal |= reader->declared->space == POL_SPACE_PRINCIPAL;
	reader->bytes += name.len;
	reader->named++;
	kind = wire_head_peek(value);
	if (kind == WIRE_NIL) {
		(void)wire_read_nil(value);
		return check_bytes(reader);
	}
	wrong = read_value(reader, kind, value);
	if (wrong == NULL) {
		add(reader);
	}
	return wrong;
}

static const char *read_map(struct reader *reader, const struct wire_value *facts)
{
	struct wire_cursor items = facts->items;
	uint32_t count = facts->given ? facts->count : 0;
	struct wire_str name;
	const char *wrong;
	uint32_t twice;

	/* The items are not cleared for each request. */
	reader->map->count = 0;
	reader->map->unsorted = false;
	reader->map->named = (struct pol_fact_set){ 0 };
	reader->map->of_principal = false;
	for (uint32_t i = 0; i < count; i++) {
		if (!wire_head_text(&items, &name)) {
			return wrong_map(reader, "the name of a fact is not text");
		}
		wrong = read_fact(reader, (struct pol_str){ name.ptr, name.len }, &items);
		if (wrong != NULL) {
			return wrong;
		}
	}
	if (reader->map->unsorted) {
		(void)pol_given_sort(reader->map->items, reader->map->count, &twice);
	}
	return NULL;
}

/* --- a call ----------------------------------------------------------------------------------- */

void given_begin(const struct call *call)
{
	struct given_room *room = call->given;

	if (room != NULL) {
		room->shared_bytes = NULL;
		room->shared_size = 0;
		room->shared_members = 0;
	}
}

/* NULL, or that `undeclared` is wrong. */
static const char *read_mode(const struct given_params *params, struct reader *reader)
{
	const struct wire_value *undeclared = params->undeclared;

	if (undeclared->given && !wire_str_equal(undeclared->text, WIRE_STR("ignore"))) {
		*reader->out_param = "undeclared";
		return "must be ignore, or absent";
	}
	reader->ignore = undeclared->given;
	return NULL;
}

static struct reader reader_of(
	const struct call *call, struct given_map *map, const char **out_param)
{
	return (struct reader){
		.call = call, .room = call->given, .map = map, .out_param = out_param
	};
}

const char *given_begin_shared(
	const struct call *call, const struct given_params *params, const char **out_param)
{
	struct given_room *room = call->given;
	struct reader reader = reader_of(call, &room->shared, out_param);
	const char *wrong = read_mode(params, &reader);

	given_begin(call);
	if (wrong != NULL || !params->facts->given) {
		return wrong;
	}
	room->member_count = 0;
	wrong = read_map(&reader, params->facts);
	room->shared_members = room->member_count;
	room->shared_bytes = params->facts->items.ptr;
	room->shared_size = reader.bytes;
	return wrong;
}

static void copy(const struct given_map *map, struct pol_given *out)
{
	*out = (struct pol_given){ map->items, map->count };
}

/* Both lists are sorted. */
static bool merge(struct given_room *room)
{
	const struct given_map *shared = &room->shared, *own = &room->own;
	uint32_t count = 0, next = 0;

	for (uint32_t i = 0; i <= shared->count; i++) {
		bool over = i == shared->count;
		bool replaced = !over && is_named(&own->named, shared->items[i].fact);

		while (next < own->count &&
			(over || own->items[next].fact < shared->items[i].fact)) {
			if (count == POL_GIVEN_FACTS) {
				return false;
			}
			room->merged[count++] = own->items[next++];
		}
		if (over || replaced) {
			continue;
		}
		if (count == POL_GIVEN_FACTS) {
			return false;
		}
		room->merged[count++] = shared->items[i];
	}
	room->given = (struct pol_given){ room->merged, count };
	return true;
}

static const char *read_own(
	struct reader *reader, const struct given_params *params, struct given_read *out)
{
	struct given_room *room = reader->room;
	const char *wrong;

	room->member_count = room->shared_members;
	reader->bytes = room->shared_size;
	wrong = read_map(reader, params->facts);
	if (wrong != NULL) {
		return wrong;
	}
	out->of_principal = room->own.of_principal;
	if (room->shared_bytes == NULL) {
		copy(&room->own, &room->given);
		return NULL;
	}
	out->of_principal = out->of_principal || room->shared.of_principal;
	return merge(room) ? NULL
			   : wrong_map(reader, "with the shared ones there are more than 64 facts");
}

const char *given_read(const struct call *call, const struct given_params *params,
	struct given_read *out, const char **out_param)
{
	struct given_room *room = call->given;
	struct reader reader = reader_of(call, &room->own, out_param);
	const char *wrong = read_mode(params, &reader);

	*out = (struct given_read){ .given = NULL };
	if (wrong != NULL) {
		return wrong;
	}
	if (room->shared_bytes != NULL && params->facts->items.ptr == room->shared_bytes) {
		copy(&room->shared, &room->given);
		out->of_principal = room->shared.of_principal;
	} else {
		wrong = read_own(&reader, params, out);
	}
	out->given = wrong == NULL && room->given.count > 0 ? &room->given : NULL;
	return wrong;
}
