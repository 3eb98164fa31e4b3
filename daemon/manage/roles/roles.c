/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/roles/roles.h"

#include <errno.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/load/stored_roles.h"
#include "daemon/manage/check.h"
#include "daemon/manage/list.h"
#include "daemon/manage/record.h"
#include "policy/snapshot/stored.h"

enum { NAME, TENANT };

static const struct wire_field id_fields[ROLES_ID_FIELDS] = {
	[NAME] = WIRE_FIELD("name", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
};

/* --- one -------------------------------------------------------------------------------------- */

static struct record_role record_of(
	const struct pol_snapshot *snapshot, const struct store_role *role)
{
	uint32_t number = pol_stored_find(snapshot, role->number, role->tenant);
	const struct pol_stored *own = pol_stored_own(snapshot, number);
	struct record_role record = { .role = role,
		.snapshot = snapshot,
		.shadowed = pol_stored_is_shadowed(snapshot, number) };

	if (own != NULL) {
		pol_stored_count(own, &record.allowed, &record.denied);
	}
	return record;
}

void roles_encode_more(struct call *call, const struct pol_snapshot *snapshot,
	const struct store_role *role, const struct roles_more *more)
{
	struct record_role record = record_of(snapshot, role);

	record.more = more->bytes;
	record.more_len = more->len;
	record.more_pairs = more->pairs;
	/* Without the grants it cannot fail. */
	(void)record_encode_role(call, &record);
}

void roles_encode(
	struct call *call, const struct pol_snapshot *snapshot, const struct store_role *role)
{
	roles_encode_more(call, snapshot, role, &(struct roles_more){ NULL, 0, 0 });
}

int roles_open(struct call *call, uint32_t tenant, struct pol_str name, struct store_role *out)
{
	int r = store_get_role(call->read, tenant, name, out);

	if (r == -ENOENT && pol_snapshot_role(call->snapshot, name) != POL_NONE) {
		return call_error(call, "conflict",
			"the role is declared in the policy's files: change it there");
	}
	if (r == -EBADMSG && call->actor == NULL) {
		return call_error(call, "conflict",
			"the role's record was altered outside of the daemon, and counts for "
			"nothing: delete it");
	}
	if (r == -ENOENT || r == -EBADMSG) {
		return call_error(call, "not_found", "there is no such role");
	}
	return r;
}

static int get(struct call *call)
{
	struct pol_str name = subject_str(call->params[NAME].text);
	struct record_role record;
	struct store_role role;
	uint32_t tenant, declared;
	int r = actor_may(call, "roles", name, "read");

	if (r == 0) {
		r = check_tenant(call, &call->params[TENANT], &tenant);
	}
	if (r != 0) {
		return r;
	}
	r = store_get_role(call->read, tenant, name, &role);
	if (r == 0) {
		wire_put_result(call->out, call->id);
		record = record_of(call->snapshot, &role);
		record.grants = true;
		return record_encode_role(call, &record);
	}
	if (r == -EBADMSG && call->actor == NULL) {
		return roles_answer_altered(call, tenant, name);
	}
	declared = r == -ENOENT ? pol_snapshot_role(call->snapshot, name) : POL_NONE;
	if (declared != POL_NONE) {
		wire_put_result(call->out, call->id);
		record_encode_written_role(call, declared);
		return 0;
	}
	return r == -ENOENT || r == -EBADMSG
		       ? call_error(call, "not_found", "there is no such role")
		       : r;
}

/* --- lists ------------------------------------------------------------------------------------ */

static int on_role(void *context, const struct store_role *role)
{
	struct list *list = (struct list *)context;
	char cursor[LIST_MAX_CURSOR];

	if (!list_has_room(list)) {
		return 1;
	}
	roles_encode(list->call, list->call->snapshot, role);
	list_visited(list, list_text_cursor('s', role->name, cursor), true);
	return 0;
}

static int list(struct call *call)
{
	struct list list;
	struct list_from from;
	uint32_t tenant;
	int r = list_begin_tenant(&list, call, "roles", &tenant);

	if (r != 0) {
		return r;
	}
	list_resume(&list, &from);
	if (!from.in_files) {
		r = store_list_roles(call->read, tenant, from.after, on_role, &list);
	}
	if (r < 0) {
		return r;
	}
	if (!list.full) {
		list_add_declared(&list, from.number,
			pol_snapshot_role_count(call->snapshot) -
				pol_stored_role_count(call->snapshot),
			record_encode_declared_role);
	}
	return list_end(&list);
}

#define READS   (METHOD_MANAGES | METHOD_TOKEN)
#define CHANGES (METHOD_CHANGES | METHOD_ALONE | READS)

const struct method roles_methods[] = {
	{ "roles.create", roles_create_fields, ROLES_CREATE_FIELDS, CHANGES, roles_create },
	{ "roles.delete", id_fields, ROLES_ID_FIELDS, CHANGES | METHOD_ENDS, roles_delete },
	{ "roles.get", id_fields, ROLES_ID_FIELDS, READS, get },
	{ "roles.holders", roles_holders_fields, ROLES_HOLDERS_FIELDS, READS, roles_holders },
	{ "roles.list", list_tenant_fields, LIST_TENANT_FIELDS, READS, list },
	{ "roles.update", roles_update_fields, ROLES_UPDATE_FIELDS,
		CHANGES | METHOD_EDITS | METHOD_JUDGED, roles_update },
};
const size_t roles_method_count = sizeof roles_methods / sizeof roles_methods[0];
