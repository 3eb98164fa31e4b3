/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/principals/principals.h"

#include <errno.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/manage/check.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/list.h"
#include "daemon/manage/record.h"
#include "daemon/write/audit.h"

enum { ID, ID_TENANT, ID_FIELDS };
/* Keys that one slice of a deletion revokes, and revoked ones that it passes. */
#define DELETE_SLICE   64
#define DELETE_VISITED 4096

static const struct wire_field id_fields[ID_FIELDS] = {
	[ID] = WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[ID_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
};

/* --- one -------------------------------------------------------------------------------------- */

int principals_find(struct call *call, const struct wire_value *id, const struct wire_value *tenant,
	struct store_principal *out)
{
	struct pol_str name = subject_str(id->text);
	uint32_t number;
	int r = check_tenant(call, tenant, &number);

	if (r != 0) {
		return r;
	}
	r = store_get_principal(call->read, number, name, out);
	if (r == -ENOENT && number == STORE_TENANT_DEFAULT &&
		pol_snapshot_principal(call->snapshot, name) != POL_NONE) {
		return call_error(call, "conflict",
			"the principal is declared in the policy's files: change it there");
	}
	if (r == -EBADMSG && call->actor == NULL) {
		return call_error(call, "conflict",
			"the principal's record was altered outside of the daemon, and counts for "
			"nothing: delete it");
	}
	if (r == -ENOENT || r == -EBADMSG) {
		return call_error(call, "not_found", "there is no such principal");
	}
	return r;
}

/* What is left to say of an altered record: nothing that it says itself. For peers alone. */
static int answer_altered(struct call *call, uint32_t tenant, struct pol_str id)
{
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 3);
	wire_put_cstr(call->out, "id");
	wire_put_str(call->out, subject_wire(id));
	wire_put_cstr(call->out, "tenant");
	wire_put_str(call->out, subject_wire(subject_tenant_name(call, tenant)));
	wire_put_cstr(call->out, "status");
	wire_put_cstr(call->out, "altered");
	return 0;
}

static int answer(struct call *call, const struct store_principal *principal)
{
	wire_put_result(call->out, call->id);
	record_encode_principal(call, principal);
	return 0;
}

int principals_save(struct call *call, const struct store_principal *principal)
{
	int r = audit_put_principal(call->change, principal);

	return r < 0 ? r : answer(call, principal);
}

static int open_principal(struct call *call, const char *action, struct store_principal *out)
{
	int r = actor_may(call, "principals", subject_str(call->params[ID].text), action);

	return r != 0 ? r : principals_find(call, &call->params[ID], &call->params[ID_TENANT], out);
}

static int get(struct call *call)
{
	struct pol_str id = subject_str(call->params[ID].text);
	struct store_principal principal;
	uint32_t tenant, declared;
	int r = actor_may(call, "principals", id, "read");

	if (r == 0) {
		r = check_tenant(call, &call->params[ID_TENANT], &tenant);
	}
	if (r != 0) {
		return r;
	}
	r = store_get_principal(call->read, tenant, id, &principal);
	if (r == 0) {
		return answer(call, &principal);
	}
	if (r == -EBADMSG && call->actor == NULL) {
		return answer_altered(call, tenant, id);
	}
	declared = r == -ENOENT && tenant == STORE_TENANT_DEFAULT
			   ? pol_snapshot_principal(call->snapshot, id)
			   : POL_NONE;
	if (declared != POL_NONE) {
		wire_put_result(call->out, call->id);
		record_encode_declared(call, declared);
		return 0;
	}
	return r == -ENOENT || r == -EBADMSG
		       ? call_error(call, "not_found", "there is no such principal")
		       : r;
}

static int disable(struct call *call)
{
	struct store_principal principal;
	int r = open_principal(call, "disable", &principal);

	if (r != 0) {
		return r;
	}
	if ((principal.flags & STORE_PRINCIPAL_DISABLED) != 0) {
		return answer(call, &principal);
	}
	principal.flags |= STORE_PRINCIPAL_DISABLED;
	return principals_save(call, &principal);
}

static int enable(struct call *call)
{
	struct store_principal principal;
	int r = open_principal(call, "enable", &principal);

	if (r == 0 && (principal.flags & STORE_PRINCIPAL_DISABLED) == 0) {
		return answer(call, &principal);
	}
	/* Everything that it holds takes effect again. */
	if (r == 0) {
		r = escalation_check_principal(call, NULL, &principal);
	}
	if (r != 0) {
		return r;
	}
	principal.flags &= ~(uint32_t)STORE_PRINCIPAL_DISABLED;
	return principals_save(call, &principal);
}

/* --- deletion --------------------------------------------------------------------------------- */

/* The next key that is not revoked. A walk must not write, so it ends here and begins again after
 * the key. */
struct next_key {
	uint64_t number;
	char kid[STORE_KID];
	bool found;
	unsigned visited;
};

static int on_key(void *context, const struct store_key *key)
{
	struct next_key *next = (struct next_key *)context;

	next->number = key->number;
	next->found = (key->flags & STORE_KEY_REVOKED) == 0;
	memcpy(next->kid, key->kid.ptr, STORE_KID);
	return next->found || ++next->visited == DELETE_VISITED;
}

/* Revokes keys after call->slices->after. 0: all are revoked; CALL_MORE: there may be further ones.
 */
static int revoke_keys(struct call *call, const struct store_principal *principal)
{
	struct next_key next = { .number = call->slices->after };
	unsigned revoked = 0;
	int r;

	for (;;) {
		struct store_key key;

		if (revoked == DELETE_SLICE || next.visited == DELETE_VISITED) {
			call->slices->after = next.number;
			return CALL_MORE;
		}
		r = store_list_keys(
			call->read, principal->tenant, principal->id, next.number, on_key, &next);
		if (r <= 0) {
			return r;
		}
		if (!next.found) {
			continue;
		}
		r = store_get_key(call->read, (struct pol_str){ next.kid, STORE_KID }, &key);
		if (r < 0) {
			return r;
		}
		key.flags |= STORE_KEY_REVOKED;
		key.revoked_at = call->now;
		r = audit_update_key(call->change, &key);
		if (r < 0) {
			return r;
		}
		revoked++;
	}
}

/* Is the record altered, and may the caller know it? It has no rights left, but keys, and its id.
 */
static bool is_altered(struct call *call, uint32_t tenant)
{
	struct store_principal principal;

	return call->actor == NULL &&
	       store_get_principal(call->read, tenant, subject_str(call->params[ID].text),
		       &principal) == -EBADMSG;
}

static int open_first(struct call *call, struct store_principal *out, bool *out_altered)
{
	struct pol_str id = subject_str(call->params[ID].text);
	int r = actor_may(call, "principals", id, "delete");

	if (r == 0) {
		r = check_tenant(call, &call->params[ID_TENANT], &call->slices->tenant);
	}
	if (r == 0) {
		*out_altered = is_altered(call, call->slices->tenant);
		r = *out_altered ? 0
				 : principals_find(
					   call, &call->params[ID], &call->params[ID_TENANT], out);
	}
	return r;
}

/* The principal that is being deleted; an altered one is as if it were disabled. */
static int open_deleted(struct call *call, struct store_principal *out, bool *out_altered)
{
	struct call_slices *slices = call->slices;
	struct pol_str id = subject_str(call->params[ID].text);
	int r;

	*out_altered = false;
	if (!slices->going) {
		r = open_first(call, out, out_altered);
	} else {
		r = store_get_principal(call->read, slices->tenant, id, out);
		*out_altered = r == -EBADMSG;
	}
	if (*out_altered) {
		*out = (struct store_principal){
			.id = id, .tenant = slices->tenant, .flags = STORE_PRINCIPAL_DISABLED
		};
		return 0;
	}
	return r == -ENOENT ? call_error(call, "not_found", "there is no such principal") : r;
}

/* If its keys do not fit one slice, the first one disables the principal: the rights of all of them
 * end there, and a deletion that is interrupted can be repeated. Each later slice disables it again
 * if it was enabled in between. */
static int disable_deleted(struct call *call)
{
	struct store_principal principal = { .id = { 0 } };
	bool altered = false;
	int r = open_deleted(call, &principal, &altered);

	if (r != 0 || (principal.flags & STORE_PRINCIPAL_DISABLED) != 0) {
		return r;
	}
	principal.flags |= STORE_PRINCIPAL_DISABLED;
	return audit_put_principal(call->change, &principal);
}

static int delete (struct call *call)
{
	struct store_principal principal = { .id = { 0 } };
	uint8_t id[STORE_MAX_NAME];
	bool altered = false;
	int r = open_deleted(call, &principal, &altered);

	if (r != 0) {
		return r;
	}
	/* Answered first: the record's views are invalid after the first key is stored. */
	if (altered) {
		answer_altered(call, principal.tenant, principal.id);
	} else {
		answer(call, &principal);
	}
	memcpy(id, principal.id.ptr, principal.id.len);
	principal.id.ptr = (const char *)id;
	r = revoke_keys(call, &principal);
	if (r == CALL_MORE) {
		int disabled = disable_deleted(call);

		return disabled != 0 ? disabled : r;
	}
	return r != 0 ? r : audit_delete_principal(call->change, principal.tenant, principal.id);
}

/* --- lists ------------------------------------------------------------------------------------ */

static int on_principal(void *context, const struct store_principal *principal)
{
	struct list *list = (struct list *)context;
	char cursor[LIST_MAX_CURSOR];

	if (!list_has_room(list)) {
		return 1;
	}
	record_encode_principal(list->call, principal);
	list_visited(list, list_text_cursor('s', principal->id, cursor), true);
	return 0;
}

static int list(struct call *call)
{
	struct list list;
	struct list_from from;
	uint32_t tenant;
	int r = list_begin_tenant(&list, call, "principals", &tenant);

	if (r != 0) {
		return r;
	}
	list_resume(&list, &from);
	if (!from.in_files) {
		r = store_list_principals(call->read, tenant, from.after, on_principal, &list);
	}
	if (r < 0) {
		return r;
	}
	if (!list.full && tenant == STORE_TENANT_DEFAULT) {
		list_add_declared(&list, from.number, pol_snapshot_principal_count(call->snapshot),
			record_encode_declared);
	}
	return list_end(&list);
}

#define READS   (METHOD_MANAGES | METHOD_TOKEN)
#define CHANGES (METHOD_CHANGES | READS)

const struct method principals_methods[] = {
	{ "principals.create", principals_create_fields, PRINCIPALS_CREATE_FIELDS, CHANGES,
		principals_create },
	{ "principals.delete", id_fields, ID_FIELDS, CHANGES | METHOD_ENDS, delete },
	{ "principals.disable", id_fields, ID_FIELDS, CHANGES | METHOD_ENDS, disable },
	{ "principals.enable", id_fields, ID_FIELDS, CHANGES | METHOD_EDITS, enable },
	{ "principals.get", id_fields, ID_FIELDS, READS, get },
	{ "principals.list", list_tenant_fields, LIST_TENANT_FIELDS, READS, list },
	{ "principals.permissions", principals_permissions_fields, PRINCIPALS_PERMISSIONS_FIELDS,
		READS, principals_permissions },
	{ "principals.update", principals_update_fields, PRINCIPALS_UPDATE_FIELDS,
		CHANGES | METHOD_EDITS, principals_update },
};
const size_t principals_method_count = sizeof principals_methods / sizeof principals_methods[0];
