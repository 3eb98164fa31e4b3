/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roles.create, roles.update and roles.delete. A role is parsed as in the files, its grants are
 * resolved with the current policy into permissions, and it is compiled into a snapshot with all
 * other roles and checked there. It is stored after all checks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/load/stored_roles.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/roles/editing.h"
#include "policy/snapshot/stored.h"

const struct wire_field roles_create_fields[ROLES_CREATE_FIELDS] = {
	[ROLES_EDIT_NAME] = WIRE_FIELD("name", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[ROLES_EDIT_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[ROLES_EDIT_DESCRIPTION] = WIRE_FIELD("description", WIRE_KIND_TEXT, 0),
	[ROLES_EDIT_INHERITS] = WIRE_FIELD("inherits", WIRE_KIND_TEXTS, 0),
	[ROLES_EDIT_GRANTS] = WIRE_FIELD("grants", WIRE_KIND_TEXTS, 0),
	[ROLES_EDIT_DRY_RUN] = WIRE_FIELD("dry_run", WIRE_KIND_BOOL, 0),
};

/* Nil removes the value. */
const struct wire_field roles_update_fields[ROLES_UPDATE_FIELDS] = {
	[ROLES_EDIT_NAME] = WIRE_FIELD("name", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[ROLES_EDIT_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[ROLES_EDIT_DESCRIPTION] = WIRE_FIELD("description", WIRE_KIND_TEXT, WIRE_OR_NIL),
	[ROLES_EDIT_INHERITS] = WIRE_FIELD("inherits", WIRE_KIND_TEXTS, WIRE_OR_NIL),
	[ROLES_EDIT_GRANTS] = WIRE_FIELD("grants", WIRE_KIND_TEXTS, WIRE_OR_NIL),
	[ROLES_EDIT_DRY_RUN] = WIRE_FIELD("dry_run", WIRE_KIND_BOOL, 0),
};

static void destroy(struct editing *editing)
{
	if (editing != NULL) {
		pol_snapshot_unref(editing->next);
		free(editing);
	}
}

/* --- the name ----------------------------------------------------------------------------------
 */

static bool is_idchar(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* A name as in the policy language: words joined by one of . : / */
static bool is_name(struct pol_str name)
{
	bool word = false;

	if (name.len == 0 || name.len > STORE_MAX_NAME || !is_idchar(name.ptr[0]) ||
		(name.ptr[0] >= '0' && name.ptr[0] <= '9') || name.ptr[0] == '-' ||
		name.ptr[0] == '_') {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		bool joins = memchr(".:/", name.ptr[i], 3) != NULL;

		if (joins ? !word : !is_idchar(name.ptr[i])) {
			return false;
		}
		word = !joins;
	}
	return word;
}

/* --- storing ---------------------------------------------------------------------------------- */

static int enter(struct call *call, const struct editing *editing, uint32_t flags)
{
	const struct audit_entry entry = {
		.kind = STORE_AUDIT_ROLE,
		.tenant = editing->role.tenant,
		.target = editing->role.name,
		.flags = flags,
		.note = &editing->note,
	};

	return audit_enter(call->change, &entry);
}

static bool is_dry_run(const struct call *call)
{
	const struct wire_value *value = &call->params[ROLES_EDIT_DRY_RUN];

	return value->given && value->boolean;
}

/* The effect shows what roles allow, those among them that the role inherits, as `who` does. */
static int check_dry_run(struct call *call)
{
	return is_dry_run(call) ? actor_may(call, "roles", (struct pol_str){ NULL, 0 }, "list") : 0;
}

/* `before` as in roles_answer_effect. */
static int save(struct call *call, struct editing *editing, uint32_t before)
{
	int r = store_put_role(call->change->write, &editing->role);

	if (r == -E2BIG) {
		return call_error(call, "limit_reached",
			"the role's record would be larger than %d bytes: make two roles of it",
			STORE_MAX_ROLE);
	}
	if (r == 0) {
		r = enter(call, editing, STORE_AUDIT_MADE);
	}
	if (r < 0) {
		return r;
	}
	if (is_dry_run(call)) {
		return roles_answer_effect(call, editing, before);
	}
	wire_put_result(call->out, call->id);
	roles_encode(call, editing->next, &editing->role);
	*call->next = editing->next;
	editing->next = NULL;
	return 0;
}

/* Copies the record's texts, which are invalid once something is stored. */
static int copy_texts(struct editing *editing, const struct store_role *from)
{
	struct store_role *role = &editing->role;

	if (from->name.len > sizeof editing->name ||
		from->created_by.len > sizeof editing->created_by ||
		from->description.len > sizeof editing->description ||
		from->inherits.size > sizeof editing->inherits ||
		from->grants.size > sizeof editing->grants ||
		from->lines.size > sizeof editing->lines) {
		return -EBADMSG;
	}
	*role = *from;
	memcpy(editing->name, from->name.ptr, from->name.len);
	memcpy(editing->created_by, from->created_by.ptr, from->created_by.len);
	memcpy(editing->description, from->description.ptr, from->description.len);
	memcpy(editing->inherits, from->inherits.ptr, from->inherits.size);
	memcpy(editing->grants, from->grants.ptr, from->grants.size);
	memcpy(editing->lines, from->lines.ptr, from->lines.size);
	role->name.ptr = editing->name;
	role->created_by.ptr = editing->created_by;
	role->description.ptr = editing->description;
	role->inherits.ptr = editing->inherits;
	role->grants.ptr = editing->grants;
	role->lines.ptr = editing->lines;
	return 0;
}

/* --- the methods ------------------------------------------------------------------------------ */

/* A role of the files must not have the name, not even in another case. */
static int check_declared(struct call *call, struct pol_str name)
{
	uint32_t count = (uint32_t)(pol_snapshot_role_count(call->snapshot) -
				    pol_stored_role_count(call->snapshot));

	for (uint32_t i = 0; i < count; i++) {
		struct pol_str declared = pol_snapshot_role_name(call->snapshot, i);

		if (pol_str_equal(declared, name)) {
			return call_error(
				call, "conflict", "the policy's files declare a role of that name");
		}
		if (pol_str_equal_fold(declared, name)) {
			return call_error(call, "conflict",
				"the policy's files declare role %.*s, whose name differs in case "
				"alone",
				POL_STR_ARGS(declared));
		}
	}
	return 0;
}

static int check_new(struct call *call, const struct store_role *role)
{
	struct store_role taken;
	int r;

	if (!is_name(role->name) || pol_str_equal(role->name, POL_STR("anyone"))) {
		return call_invalid(call, "name",
			"cannot name a role: write letters, digits, - and _, in words joined by . "
			": "
			"or /, and not `anyone`");
	}
	r = check_declared(call, role->name);
	if (r != 0) {
		return r;
	}
	r = store_get_role(call->read, role->tenant, role->name, &taken);
	if (r == 0 || r == -EBADMSG) {
		return call_error(call, "conflict", "there is a role of that name");
	}
	return r == -ENOENT ? 0 : r;
}

/* Gives a new role its number. */
static int take_number(struct call *call, struct editing *editing)
{
	struct stored_roles_change change = { .put = &editing->role };
	int r = store_take_role_number(call->change->write, &editing->role.number);

	if (r == 0) {
		pol_snapshot_unref(editing->next);
		editing->next = NULL;
		r = stored_roles_extend(call->read, call->snapshot, &change, &editing->next);
	}
	return r;
}

static int create(struct call *call, struct editing *editing)
{
	struct store_role *role = &editing->role;
	int r = actor_may(call, "roles", (struct pol_str){ NULL, 0 }, "create");

	*role = (struct store_role){
		.name = subject_str(call->params[ROLES_EDIT_NAME].text),
		.created_at = call->now,
		.updated_at = call->now,
		.created_by = pol_str_of(call->change->actor),
	};
	r = r == 0 ? check_dry_run(call) : r;
	if (r == 0) {
		r = check_tenant(call, &call->params[ROLES_EDIT_TENANT], &role->tenant);
	}
	if (r == 0) {
		r = check_new(call, role);
	}
	if (r == 0) {
		r = roles_read(call, editing);
	}
	/* A number that no role has, for the checks; its own number is taken after them. */
	role->number = ROLES_NEW;
	if (r == 0) {
		r = roles_check(call, role, POL_NONE, &editing->next);
	}
	if (r == 0 && !is_dry_run(call)) {
		r = take_number(call, editing);
	}
	if (r != 0) {
		return r;
	}
	roles_note(&editing->note, NULL, role);
	return save(call, editing, POL_NONE);
}

/* Finds the role that is to be changed, if the caller may do `action` to it, and copies its texts.
 */
static int begin(struct call *call, struct editing *editing, const char *action,
	uint32_t *out_tenant, struct store_role *out_before)
{
	struct pol_str name = subject_str(call->params[ROLES_EDIT_NAME].text);
	int r = actor_may(call, "roles", name, action);

	if (r == 0) {
		r = check_tenant(call, &call->params[ROLES_EDIT_TENANT], out_tenant);
	}
	if (r == 0) {
		r = roles_open(call, *out_tenant, name, out_before);
	}
	return r == 0 ? copy_texts(editing, out_before) : r;
}

/* What a shadowed role allows takes effect when the files no longer have its name. It is not
 * compared then with what the caller may give, so it must not change now. */
static int check_shadowed(struct call *call, uint32_t role)
{
	if (!pol_stored_is_shadowed(call->snapshot, role)) {
		return 0;
	}
	return call_error(call, "conflict",
		"the role allows nothing, because the policy's files declare its name: create "
		"it under another name and delete this one");
}

static int update(struct call *call, struct editing *editing)
{
	struct store_role before;
	uint32_t tenant, role = POL_NONE;
	int r = begin(call, editing, "update", &tenant, &before);

	r = r == 0 ? check_dry_run(call) : r;
	if (r == 0) {
		role = pol_stored_find(call->snapshot, before.number, tenant);
		r = check_shadowed(call, role);
	}
	if (r == 0) {
		editing->role.updated_at = call->now;
		r = roles_read(call, editing);
	}
	if (r == 0) {
		r = roles_check(call, &editing->role, role, &editing->next);
	}
	if (r != 0) {
		return r;
	}
	roles_note(&editing->note, &before, &editing->role);
	return save(call, editing, role);
}

/* Assignments of the role lose their effect; what it denied is gained. */
static int delete_role(struct call *call, struct editing *editing)
{
	struct stored_roles_change change = { .put = NULL };
	struct store_role before;
	uint32_t tenant;
	int r = begin(call, editing, "delete", &tenant, &before);

	if (r == 0) {
		change.remove = before.number;
		r = stored_roles_extend(call->read, call->snapshot, &change, &editing->next);
	}
	if (r == 0) {
		r = escalation_check_role(call,
			pol_stored_find(call->snapshot, before.number, tenant), editing->next,
			POL_NONE);
	}
	if (r != 0) {
		return r;
	}
	roles_note(&editing->note, &before, NULL);
	r = store_delete_role(call->change->write, tenant, editing->role.name);
	if (r == 0) {
		r = enter(call, editing, STORE_AUDIT_REMOVED);
	}
	if (r < 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	roles_encode(call, call->snapshot, &editing->role);
	*call->next = editing->next;
	editing->next = NULL;
	return 0;
}

static int edit(struct call *call, int (*what)(struct call *call, struct editing *editing))
{
	struct editing *editing = calloc(1, sizeof *editing);
	int r = editing != NULL ? what(call, editing) : -ENOMEM;

	destroy(editing);
	return r;
}

int roles_create(struct call *call)
{
	return edit(call, create);
}

int roles_update(struct call *call)
{
	return edit(call, update);
}

int roles_delete(struct call *call)
{
	struct pol_str name = subject_str(call->params[ROLES_EDIT_NAME].text);
	uint32_t tenant;
	int r = actor_may(call, "roles", name, "delete");

	if (r == 0) {
		r = check_tenant(call, &call->params[ROLES_EDIT_TENANT], &tenant);
	}
	if (r != 0) {
		return r;
	}
	if (roles_is_altered(call, tenant, name)) {
		return roles_delete_altered(call, tenant, name);
	}
	return edit(call, delete_role);
}
