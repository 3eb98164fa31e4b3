/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/record_dangling.h"

#include <errno.h>

#include "daemon/decide/subject.h"
#include "daemon/load/attributes.h"
#include "daemon/load/stored_roles.h"
#include "policy/snapshot/stored.h"

/* The pair that is being appended. */
struct names {
	struct wire_buf *out;
	const struct pol_snapshot *snapshot;
	size_t mark, at;
	uint32_t count;
};

static struct names open_names(struct call *call, const struct pol_snapshot *snapshot)
{
	size_t mark = call->out->len;

	wire_put_cstr(call->out, "dangling");
	return (struct names){ call->out, snapshot, mark, wire_open_array(call->out), 0 };
}

static void add(struct names *names, struct pol_str name)
{
	wire_put_str(names->out, subject_wire(name));
	names->count++;
}

static uint32_t close_names(struct names *names)
{
	wire_close_array(names->out, names->at, names->count);
	if (names->count == 0 && names->out->status == WIRE_OK) {
		wire_buf_rewind(names->out, names->mark);
		return 0;
	}
	return 1;
}

/* `stored` is the role's number in the store; 0: it is one of the files. */
static void check_role(struct names *names, uint32_t tenant, struct pol_str name, uint64_t stored)
{
	uint32_t role = stored_roles_find(names->snapshot, tenant, name, stored);

	if (role == POL_NONE || pol_stored_is_shadowed(names->snapshot, role)) {
		add(names, name);
	}
}

static void check_roles(struct names *names, uint32_t tenant, struct store_list roles)
{
	struct pol_str item;
	uint64_t stored;

	while (store_list_next(&roles, &item)) {
		item = store_role_split(item, &stored);
		check_role(names, tenant, item, stored);
	}
}

static void check_places(struct names *names, struct store_list places)
{
	struct pol_str place;

	while (store_list_next(&places, &place)) {
		if (pol_snapshot_check_place(names->snapshot, place) != POL_OK) {
			add(names, place);
		}
	}
}

uint32_t record_dangling_key(struct call *call, const struct store_key *key)
{
	struct store_list scopes = key->scopes;
	struct names names;
	struct pol_str scope;

	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return 0;
	}
	names = open_names(call, call->snapshot);
	check_roles(&names, key->tenant, key->roles);
	while (store_list_next(&scopes, &scope)) {
		if (pol_snapshot_scope(call->snapshot, scope) == POL_NONE) {
			add(&names, scope);
		}
	}
	check_places(&names, key->places);
	return close_names(&names);
}

static void on_unknown(void *context, struct pol_str name)
{
	add((struct names *)context, name);
}

uint32_t record_dangling_principal(struct call *call, const struct store_principal *principal)
{
	struct names names = open_names(call, call->snapshot);

	attributes_find_unknown(call->snapshot, principal->attributes, on_unknown, &names);
	return close_names(&names);
}

uint32_t record_dangling_assignment(
	struct call *call, uint32_t tenant, const struct store_assignment *assignment)
{
	struct names names = open_names(call, call->snapshot);

	check_role(&names, tenant, assignment->role, assignment->stored);
	check_places(&names, assignment->places);
	return close_names(&names);
}

/* The lines of a role, and where those go that the policy lacks. */
struct lines {
	struct store_list left;
	struct names *names;
};

static bool next_line(void *context, struct pol_str *out)
{
	return store_list_next(&((struct lines *)context)->left, out);
}

static void on_missing(void *context, struct pol_str line)
{
	add(((struct lines *)context)->names, line);
}

int record_dangling_role(struct call *call, const struct record_role *record, uint32_t *out_pairs)
{
	const struct store_role *role = record->role;
	struct names names = open_names(call, record->snapshot);
	struct lines lines = { role->lines, &names };
	const struct pol_stored_source source = { next_line, on_missing, &lines };
	struct pol_stored *own = NULL;
	enum pol_status status = POL_OK;

	check_roles(&names, role->tenant, role->inherits);
	if (record->grants) {
		status = pol_stored_lines_read(record->snapshot, &source, &own);
		pol_stored_unref(own);
	}
	*out_pairs = close_names(&names);
	return status == POL_OK ? 0 : -ENOMEM;
}
