/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/who.h"

#include <errno.h>
#include <string.h>

#include "daemon/manage/record.h"
#include "policy/ask/query.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/stored.h"

/* The parts of a list, in their order; the first byte of a cursor. The policy's revision follows,
 * since numbers of roles and principals are those of one policy, then where the part goes on. */
enum part {
	PART_ROLES = 'f', /* of the files: the number of the next one */
	PART_STORED_ROLES = 's',
	PART_EVERYONE = 'e',   /* those that stand for all: the number of the next one */
	PART_PRINCIPALS = 'p', /* of the store: the id of the last one */
	PART_DECLARED = 'd',   /* of the files: the number of the next one */
	PART_KEYS = 'k',       /* the number of the last one */
};

enum { REVISION = 16, HEAD = 1 + REVISION };
_Static_assert(HEAD + STORE_MAX_NAME <= LIST_MAX_CURSOR, "a cursor holds an id");

/* Where a page begins. */
struct from {
	enum part part;
	uint64_t number;
	struct pol_str text; /* in `buffer` */
	char buffer[LIST_MAX_CURSOR];
};

/* Steps of formulas that take as long as one decision, as in permissions.c. */
#define STEPS_A_DECISION 64

/* A page ends too where the conditions of its items took a turn's work. */
static bool has_room(struct who_walk *walk)
{
	struct list *list = &walk->list;

	if (walk->who != NULL && walk->who->steps > POL_QUERY_STEPS && list->seen > 0) {
		list->full = true;
		return false;
	}
	return list_has_room(list);
}

/* --- cursors ---------------------------------------------------------------------------------- */

static void visited(struct who_walk *walk, enum part part, struct pol_str at, bool item)
{
	char cursor[LIST_MAX_CURSOR];

	cursor[0] = (char)part;
	memcpy(cursor + 1, pol_snapshot_revision(walk->list.call->snapshot), REVISION);
	memcpy(cursor + HEAD, at.ptr, at.len);
	list_visited(&walk->list, (struct pol_str){ cursor, HEAD + at.len }, item);
}

static void visited_number(struct who_walk *walk, enum part part, uint64_t number, bool item)
{
	char text[LIST_NUMBER];

	visited(walk, part, list_number_cursor(number, text), item);
}

/* False: the cursor is of another policy. */
static bool resume(const struct who_walk *walk, struct from *out)
{
	const struct list *list = &walk->list;
	size_t len = list->cursor_len > HEAD ? list->cursor_len - HEAD : 0;

	*out = (struct from){ .part = PART_ROLES };
	if (list->cursor_len < HEAD) {
		return list->cursor_len == 0;
	}
	out->part = (enum part)list->cursor[0];
	memcpy(out->buffer, list->cursor + HEAD, len);
	out->text = (struct pol_str){ out->buffer, len };
	for (size_t i = 0; i < len && i < LIST_NUMBER; i++) {
		out->number = out->number << 8 | (unsigned char)out->buffer[i];
	}
	return memcmp(list->cursor + 1, pol_snapshot_revision(list->call->snapshot), REVISION) == 0;
}

/* --- items ------------------------------------------------------------------------------------ */

static void put(struct wire_buf *out, const char *name, struct pol_str text, uint32_t *count)
{
	if (text.len > 0) {
		wire_put_cstr(out, name);
		wire_put_str(out, subject_wire(text));
		(*count)++;
	}
}

/* The condition of an item, or of a role that it is owed to. */
static void put_when(struct wire_buf *out, const char *when, uint32_t *count)
{
	put(out, "when", pol_str_of(when), count);
}

static void put_held(
	struct call *call, const struct pol_held *held, enum pol_holder holder, const char *when)
{
	size_t map = wire_open_map(call->out);
	uint32_t count = 0;

	put(call->out, "role", pol_snapshot_role_name(call->snapshot, held->role), &count);
	if (held->place_count > 0) {
		wire_put_str(call->out, WIRE_STR("at"));
		wire_put_array(call->out, held->place_count);
		for (uint32_t i = 0; i < held->place_count; i++) {
			wire_put_str(call->out, subject_wire(held->places[i]));
		}
		count++;
	}
	if (held->until != 0) {
		wire_put_str(call->out, WIRE_STR("until"));
		wire_put_int(call->out, held->until);
		count++;
	}
	put(call->out, "holder", pol_str_of(pol_terms_holder(holder)), &count);
	put_when(call->out, when, &count);
	wire_close_map(call->out, map, count);
}

/* The roles to which the subject owes it. */
static void put_through(struct who_walk *walk, const struct pol_facts *facts, uint32_t *count)
{
	struct call *call = walk->list.call;
	char when[POL_WHEN_TEXT];
	uint32_t items = 0;
	size_t array;

	wire_put_str(call->out, WIRE_STR("through"));
	array = wire_open_array(call->out);
	for (uint32_t i = 0; i < facts->held_count; i++) {
		if (who_held_counts(walk, facts, i, when) != POL_WHEN_NEVER) {
			put_held(call, &facts->held[i], pol_subject_holder(facts, i), when);
			items++;
		}
	}
	wire_close_array(call->out, array, items);
	(*count)++;
	put_when(call->out, walk->when, count);
}

static void put_declared(struct wire_buf *out, uint32_t *count)
{
	wire_put_str(out, WIRE_STR("declared"));
	wire_put_bool(out, true);
	(*count)++;
}

static void put_role(struct who_walk *walk, struct pol_str name, bool declared)
{
	struct call *call = walk->list.call;
	size_t map = wire_open_map(call->out);
	uint32_t count = 0;

	put(call->out, "kind", POL_STR("role"), &count);
	put(call->out, "id", name, &count);
	if (declared) {
		put_declared(call->out, &count);
	}
	put_when(call->out, walk->when, &count);
	wire_close_map(call->out, map, count);
}

/* Everything that may do something is active. */
static void put_status(const struct who_walk *walk, struct wire_str status, uint32_t *count)
{
	if (walk->heirs != NULL) {
		wire_put_str(walk->list.call->out, WIRE_STR("status"));
		wire_put_str(walk->list.call->out, status);
		(*count)++;
	}
}

static void put_principal(struct who_walk *walk, struct pol_str id, struct pol_str name,
	const struct pol_facts *facts)
{
	struct wire_buf *out = walk->list.call->out;
	size_t map = wire_open_map(out);
	uint32_t count = 0;

	put(out, "kind", POL_STR("principal"), &count);
	put(out, "id", id, &count);
	put(out, "name", name, &count);
	if (facts->declared) {
		put_declared(out, &count);
	}
	put_status(walk,
		facts->principal_state == POL_PRINCIPAL_ACTIVE ? WIRE_STR("active")
							       : WIRE_STR("inactive"),
		&count);
	put_through(walk, facts, &count);
	wire_close_map(out, map, count);
}

static void put_everyone(struct who_walk *walk, const struct pol_facts *facts)
{
	struct wire_buf *out = walk->list.call->out;
	size_t map = wire_open_map(out);
	uint32_t count = 0;

	put(out, "kind", pol_str_of(pol_terms_holder(walk->holder)), &count);
	put_status(walk, WIRE_STR("active"), &count);
	put_through(walk, facts, &count);
	wire_close_map(out, map, count);
}

static void put_key(
	struct who_walk *walk, const struct store_key *key, const struct pol_facts *facts)
{
	struct wire_buf *out = walk->list.call->out;
	size_t map = wire_open_map(out);
	uint32_t count = 0;

	put(out, "kind", POL_STR("key"), &count);
	put(out, "id", key->kid, &count);
	put(out, "name", key->name, &count);
	put(out, "principal", key->principal, &count);
	put(out, "environment", key->environment, &count);
	put_status(walk, record_status(key, walk->list.call->now), &count);
	put_through(walk, facts, &count);
	wire_close_map(out, map, count);
}

/* --- the parts -------------------------------------------------------------------------------- */

static void walk_roles(struct who_walk *walk, uint64_t from)
{
	struct call *call = walk->list.call;
	size_t count =
		pol_snapshot_role_count(call->snapshot) - pol_stored_role_count(call->snapshot);

	for (uint64_t i = from; i < count && has_room(walk); i++) {
		bool counts = who_role_counts(walk, (uint32_t)i, walk->when) != POL_WHEN_NEVER;

		if (counts) {
			put_role(walk, pol_snapshot_role_name(call->snapshot, (uint32_t)i), true);
		}
		visited_number(walk, PART_ROLES, i + 1, counts);
	}
}

static int on_role(void *context, const struct store_role *role)
{
	struct who_walk *walk = (struct who_walk *)context;
	struct call *call = walk->list.call;
	uint64_t ignored;
	uint32_t number;
	bool counts;

	if (!has_room(walk)) {
		return 1;
	}
	number = pol_stored_named(call->snapshot, walk->tenant, role->name, &ignored);
	counts = number != POL_NONE && who_role_counts(walk, number, walk->when) != POL_WHEN_NEVER;
	if (counts) {
		put_role(walk, role->name, false);
	}
	visited(walk, PART_STORED_ROLES, role->name, counts);
	return 0;
}

static bool subject_counts(struct who_walk *walk, const struct pol_facts *facts)
{
	return who_subject_counts(walk, facts, walk->when) != POL_WHEN_NEVER;
}

static int on_principal(void *context, const struct store_principal *principal)
{
	struct who_walk *walk = (struct who_walk *)context;
	struct call *call = walk->list.call;
	bool disabled = (principal->flags & STORE_PRINCIPAL_DISABLED) != 0;
	bool counts = false;
	struct subject subject;

	if (!has_room(walk)) {
		return 1;
	}
	if (!disabled || walk->heirs != NULL) {
		walk->r = subject_describe_principal(call, principal, &subject);
		if (walk->r < 0) {
			return 1;
		}
		if (disabled) {
			subject.facts.principal_state = POL_PRINCIPAL_INACTIVE;
		}
		call->cost += subject_place_cost(&subject);
		counts = subject_counts(walk, &subject.facts);
	}
	if (counts) {
		put_principal(walk, principal->id, principal->name, &subject.facts);
	}
	visited(walk, PART_PRINCIPALS, principal->id, counts);
	return 0;
}

/* Does one of what they hold as such count? */
static bool counts_by(struct who_walk *walk, const struct pol_facts *facts)
{
	for (uint32_t i = 0; i < facts->held_count; i++) {
		if (pol_subject_holder(facts, i) == walk->holder &&
			who_held_counts(walk, facts, i, walk->when) != POL_WHEN_NEVER) {
			return true;
		}
	}
	return false;
}

static void set_of_all(struct who_walk *walk, bool of_all)
{
	if (walk->who != NULL) {
		walk->who->of_all = of_all;
	}
}

/* Every principal, or every caller, as one item. */
static int add_everyone(struct who_walk *walk, enum store_everyone kind, bool *out_counts)
{
	struct call *call = walk->list.call;
	struct store_principal record;
	struct subject subject;
	int r = store_get_everyone(call->read, walk->tenant, kind, &record);

	*out_counts = false;
	if (r == 0) {
		r = subject_describe_everyone(call, walk->tenant, kind, &record, &subject);
	}
	if (r != 0) {
		return r == -ENOENT ? 0 : r;
	}
	call->cost += subject_place_cost(&subject);
	walk->holder = kind == STORE_EVERY_PRINCIPAL ? POL_HOLDER_EVERYONE : POL_HOLDER_ANYONE;
	set_of_all(walk, true);
	*out_counts = counts_by(walk, &subject.facts) && subject_counts(walk, &subject.facts);
	if (*out_counts) {
		put_everyone(walk, &subject.facts);
	}
	set_of_all(walk, false);
	walk->holder = POL_HOLDER_SUBJECT;
	return 0;
}

static int walk_everyone(struct who_walk *walk, uint64_t from)
{
	for (uint64_t i = from; i < STORE_EVERYONE_KINDS && has_room(walk); i++) {
		bool counts;
		int r = add_everyone(walk, (enum store_everyone)i, &counts);

		if (r < 0) {
			return r;
		}
		visited_number(walk, PART_EVERYONE, i + 1, counts);
	}
	return 0;
}

static int walk_declared(struct who_walk *walk, uint64_t from)
{
	struct call *call = walk->list.call;
	size_t count = pol_snapshot_principal_count(call->snapshot);

	for (uint64_t i = from; i < count && has_room(walk); i++) {
		uint32_t number = (uint32_t)i;
		struct subject subject;
		bool counts;
		int r = subject_describe_declared(call, number, &subject);

		if (r < 0) {
			return r;
		}
		counts = subject_counts(walk, &subject.facts);
		if (counts) {
			put_principal(walk, subject.facts.principal, (struct pol_str){ NULL, 0 },
				&subject.facts);
		}
		visited_number(walk, PART_DECLARED, i + 1, counts);
	}
	return 0;
}

/* A key has roles of its own, or those of its principal, which holds them itself. */
static bool is_looked_at(const struct who_walk *walk, const struct store_key *key)
{
	struct call *call = walk->list.call;

	if (walk->heirs != NULL) {
		return key->deleted_at == 0 && (key->flags & STORE_KEY_REVOKED) == 0 &&
		       key->binding == POL_BOUND_TO_ROLES;
	}
	return key->deleted_at == 0 && subject_marked_state(call, key) == POL_KEY_ACTIVE &&
	       pol_snapshot_environment(call->snapshot, key->environment) != POL_NONE;
}

static int on_key(void *context, const struct store_key *key)
{
	struct who_walk *walk = (struct who_walk *)context;
	struct call *call = walk->list.call;
	bool counts = false;
	struct subject subject;

	if (!has_room(walk)) {
		return 1;
	}
	if (is_looked_at(walk, key)) {
		walk->r = subject_look_at_key(call, key, &subject);
		if (walk->r < 0) {
			return 1;
		}
		call->cost += subject_place_cost(&subject);
		counts = (subject.facts.binding != POL_BOUND_TO_PRINCIPAL ||
				 subject.facts.principal_state == POL_PRINCIPAL_ACTIVE) &&
			 subject_counts(walk, &subject.facts);
	}
	if (counts) {
		put_key(walk, key, &subject.facts);
	}
	visited_number(walk, PART_KEYS, key->number, counts);
	return 0;
}

/* --- the walk --------------------------------------------------------------------------------- */

/* The store's part, from where the page begins if that is in it. */
static int walk_stored(struct who_walk *walk, enum part part, const struct from *from)
{
	struct store_read *read = walk->list.call->read;
	struct pol_str after = from->part == part ? from->text : (struct pol_str){ NULL, 0 };
	uint64_t number = from->part == part ? from->number : 0;

	switch (part) {
	case PART_STORED_ROLES:
		return store_list_roles(read, walk->tenant, after, on_role, walk);
	case PART_PRINCIPALS:
		return store_list_principals(read, walk->tenant, after, on_principal, walk);
	case PART_KEYS:
		return store_list_keys(
			read, walk->tenant, (struct pol_str){ NULL, 0 }, number, on_key, walk);
	case PART_EVERYONE:
		return walk_everyone(walk, number);
	case PART_ROLES:
		walk_roles(walk, number);
		return 0;
	case PART_DECLARED:
		return walk_declared(walk, number);
	}
	return 0;
}

/* Nobody of a tenant that is switched off may do anything; its roles are what they are. */
static bool is_listed(const struct who_walk *walk, enum part part)
{
	bool on = walk->tenant_is_on || walk->heirs != NULL;

	switch (part) {
	case PART_ROLES:
	case PART_STORED_ROLES:
		return walk->roles;
	case PART_EVERYONE:
	case PART_PRINCIPALS:
		return walk->principals && on;
	case PART_DECLARED:
		return walk->principals && walk->tenant == STORE_TENANT_DEFAULT;
	case PART_KEYS:
		return walk->keys && on;
	}
	return false;
}

int who_walk(struct who_walk *walk)
{
	static const enum part parts[] = { PART_ROLES, PART_STORED_ROLES, PART_EVERYONE,
		PART_PRINCIPALS, PART_DECLARED, PART_KEYS };
	struct call *call = walk->list.call;
	bool begun = false;
	struct from from;
	int r = 0;

	if (!resume(walk, &from)) {
		wire_buf_rewind(call->out, walk->list.start);
		return call_invalid(call, "cursor", "the policy changed since: begin again");
	}
	for (size_t i = 0; r >= 0 && i < sizeof parts / sizeof parts[0]; i++) {
		begun = begun || parts[i] == from.part;
		if (begun && !walk->list.full && is_listed(walk, parts[i])) {
			r = walk_stored(walk, parts[i], &from);
			r = walk->r < 0 ? walk->r : r;
		}
	}
	if (walk->who != NULL) {
		call->cost += (uint32_t)(walk->who->steps / STEPS_A_DECISION);
	}
	return r < 0 ? r : 0;
}
