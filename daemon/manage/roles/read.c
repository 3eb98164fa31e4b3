/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/decide/subject.h"
#include "daemon/manage/roles/editing.h"
#include "policy/snapshot/stored.h"

static int read_description(struct call *call, struct editing *editing)
{
	const struct wire_value *value = &call->params[ROLES_EDIT_DESCRIPTION];
	int r;

	if (!value->given) {
		return 0;
	}
	editing->role.description = (struct pol_str){ editing->description, 0 };
	r = value->nil ? 0 : check_text(call, "description", value->text);
	if (r == 0 && !value->nil && value->text.len > 0) {
		memcpy(editing->description, value->text.ptr, value->text.len);
		editing->role.description.len = value->text.len;
	}
	return r;
}

static int add_parent(
	struct call *call, struct editing *editing, struct pol_str name, struct store_pack *pack)
{
	uint32_t number;
	int r = check_role(call, "inherits", editing->role.tenant, name, &number);

	if (r == 0 &&
		(pack->count == STORE_MAX_LIST ||
			!store_role_add(pack, name, pol_stored_number(call->snapshot, number)))) {
		r = call_invalid(call, "inherits", "holds more than %d roles", STORE_MAX_LIST);
	}
	return r;
}

static int read_inherits(struct call *call, struct editing *editing)
{
	const struct wire_value *value = &call->params[ROLES_EDIT_INHERITS];
	struct store_pack pack = { .bytes = editing->inherits, .cap = sizeof editing->inherits };
	struct wire_cursor items = value->items;
	struct wire_str text;
	int r = 0;

	if (!value->given) {
		return 0;
	}
	while (r == 0 && !value->nil && wire_next_text(&items, &text)) {
		r = add_parent(call, editing, subject_str(text), &pack);
	}
	editing->role.inherits = store_pack_list(&pack);
	return r;
}

static bool on_line(void *context, struct pol_str line)
{
	return store_pack_add((struct store_pack *)context, line);
}

/* Resolves the grants into permissions, one line for each. */
static int encode_lines(
	struct call *call, struct editing *editing, const struct pol_str *grants, size_t count)
{
	struct pol_stored_fault fault;
	struct pol_stored *own = NULL;
	enum pol_status status = pol_stored_text_parse(call->snapshot, grants, count, &fault, &own);

	if (status == POL_EINVALID) {
		return fault.column > 0 ? call_invalid(call, "grants", "entry %zu, column %u: %s",
						  fault.entry, (unsigned)fault.column, fault.why)
					: call_invalid(call, "grants", "entry %zu: %s", fault.entry,
						  fault.why);
	}
	if (status == POL_OK) {
		editing->line_pack = (struct store_pack){ .bytes = editing->lines,
			.cap = STORE_MAX_ROLE - MAX_GRANTS_BYTES };
		status = pol_stored_lines_write(call->snapshot, own, on_line, &editing->line_pack);
		editing->role.lines = store_pack_list(&editing->line_pack);
	}
	pol_stored_unref(own);
	if (status == POL_ELIMIT) {
		return call_error(call, "limit_reached",
			"the grants select more than a role of the store holds (%d bytes spelled "
			"out): declare it in the policy's files",
			STORE_MAX_ROLE);
	}
	return status == POL_OK ? 0 : -ENOMEM;
}

static int read_grants(struct call *call, struct editing *editing)
{
	const struct wire_value *value = &call->params[ROLES_EDIT_GRANTS];
	struct store_pack pack = { .bytes = editing->grants, .cap = sizeof editing->grants };
	struct pol_str grants[MAX_GRANTS];
	struct wire_cursor items = value->items;
	struct wire_str text;
	size_t count = 0;
	int r;

	if (!value->given) {
		return 0;
	}
	while (!value->nil && wire_next_text(&items, &text)) {
		if (count == MAX_GRANTS || !store_pack_add(&pack, subject_str(text))) {
			return call_invalid(call, "grants",
				"are more than %d, or longer than %d bytes altogether", MAX_GRANTS,
				MAX_GRANTS_BYTES);
		}
		grants[count++] = subject_str(text);
	}
	r = encode_lines(call, editing, grants, count);
	editing->role.grants = store_pack_list(&pack);
	return r;
}

int roles_read(struct call *call, struct editing *editing)
{
	int r = read_description(call, editing);

	if (r == 0) {
		r = read_inherits(call, editing);
	}
	return r == 0 ? read_grants(call, editing) : r;
}
