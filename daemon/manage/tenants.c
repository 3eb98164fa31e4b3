/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenants: each key, principal and role belongs to one tenant. The tree authz: has no node for
 * tenants, so only root and the daemon's own user can create, enable and disable them; every peer
 * that manages can list them.
 */
#include <errno.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/manage/check.h"
#include "daemon/manage/list.h"
#include "daemon/manage/policy.h"
#include "daemon/manage/record.h"
#include "daemon/write/audit.h"

enum { LIST_LIMIT, LIST_CURSOR, LIST_FIELDS };

static const struct wire_field id_fields[] = { WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED) };

static const struct wire_field list_fields[LIST_FIELDS] = {
	[LIST_LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[LIST_CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

static int admit(struct call *call)
{
	if (actor_is_superuser(call)) {
		return 0;
	}
	return call_error(call, "forbidden",
		"only root and the daemon's own user may create, enable and disable tenants");
}

static int find(struct call *call, struct store_tenant *out)
{
	int r = store_find_tenant(call->read, subject_str(call->params[0].text), out);

	if (r == -ENOENT || r == -EBADMSG) {
		return call_error(call, "not_found", "there is no such tenant");
	}
	return r;
}

/* Stores the tenant and enters it in the trail. The texts may be views into the store, which are
 * invalid after that, so they are copied first. */
static int save(struct call *call, const struct store_tenant *given, bool is_new)
{
	static const struct pol_str on = POL_STR_INIT("active");
	static const struct pol_str off = POL_STR_INIT("inactive");
	char name[STORE_MAX_NAME], created_by[UINT8_MAX];
	struct store_tenant tenant = *given;
	bool disabled = (tenant.flags & STORE_TENANT_DISABLED) != 0;
	struct audit_note note;
	struct audit_entry entry = {
		.kind = STORE_AUDIT_TENANT, .flags = STORE_AUDIT_MADE, .note = &note
	};
	int r;

	memcpy(name, tenant.name.ptr, tenant.name.len);
	memcpy(created_by, tenant.created_by.ptr, tenant.created_by.len);
	tenant.name.ptr = name;
	tenant.created_by.ptr = created_by;
	audit_note_init(&note);
	audit_note_text(&note, "status",
		is_new     ? (struct pol_str){ 0 }
		: disabled ? on
			   : off,
		disabled ? off : on);
	r = is_new ? store_create_tenant(call->change->write, &tenant)
		   : store_update_tenant(call->change->write, &tenant);
	if (r == -EEXIST) {
		return call_error(call, "conflict", "there is a tenant of that id");
	}
	if (r == 0) {
		entry.tenant = tenant.number;
		entry.target = tenant.name;
		r = audit_enter(call->change, &entry);
	}
	if (r == 0) {
		wire_put_result(call->out, call->id);
		record_encode_tenant(call, &tenant);
	}
	return r;
}

static int create(struct call *call)
{
	struct store_tenant tenant = {
		.name = subject_str(call->params[0].text),
		.created_at = call->now,
		.created_by = pol_str_of(call->change->actor),
	};
	struct store_tenant taken;
	int r = admit(call);

	if (r == 0) {
		r = check_id(call, "id", call->params[0].text);
	}
	if (r != 0) {
		return r;
	}
	r = store_find_tenant(call->read, tenant.name, &taken);
	if (r == 0 || r == -EBADMSG) {
		return call_error(call, "conflict", "there is a tenant of that id");
	}
	return r == -ENOENT ? save(call, &tenant, true) : r;
}

static int set(struct call *call, bool disabled)
{
	struct store_tenant tenant;
	int r = admit(call);

	if (r == 0) {
		r = find(call, &tenant);
	}
	if (r != 0) {
		return r;
	}
	if (disabled && tenant.number == STORE_TENANT_DEFAULT) {
		return call_error(call, "conflict", "the tenant `default` cannot be disabled");
	}
	if (((tenant.flags & STORE_TENANT_DISABLED) != 0) == disabled) {
		wire_put_result(call->out, call->id);
		record_encode_tenant(call, &tenant);
		return 0;
	}
	tenant.flags ^= STORE_TENANT_DISABLED;
	return save(call, &tenant, false);
}

static int disable(struct call *call)
{
	return set(call, true);
}

static int enable(struct call *call)
{
	return set(call, false);
}

static int on_tenant(void *context, const struct store_tenant *tenant)
{
	struct list *list = (struct list *)context;
	char cursor[LIST_NUMBER];

	if (!list_has_room(list)) {
		return 1;
	}
	record_encode_tenant(list->call, tenant);
	list_visited(list, list_number_cursor(tenant->number, cursor), true);
	return 0;
}

static int list(struct call *call)
{
	struct list list;
	int r = policy_admit(call);

	if (r != 0) {
		return r;
	}
	r = list_begin(&list, call, &call->params[LIST_LIMIT], &call->params[LIST_CURSOR]);
	if (r != 0) {
		return r;
	}
	r = store_list_tenants(call->read, (uint32_t)list_cursor_number(&list), on_tenant, &list);
	return r < 0 ? r : list_end(&list);
}

#define CHANGES (METHOD_CHANGES | METHOD_MANAGES)

const struct method tenants_methods[] = {
	{ "tenants.create", id_fields, 1, CHANGES, create },
	{ "tenants.disable", id_fields, 1, CHANGES | METHOD_ENDS, disable },
	{ "tenants.enable", id_fields, 1, CHANGES | METHOD_EDITS, enable },
	{ "tenants.list", list_fields, LIST_FIELDS, METHOD_MANAGES | METHOD_ANY_AGE, list },
};
const size_t tenants_method_count = sizeof tenants_methods / sizeof tenants_methods[0];
