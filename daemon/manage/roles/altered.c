/* SPDX-License-Identifier: Apache-2.0 */
/* Roles whose records were altered outside of the daemon: peers may see them, and the daemon's own
 * user and root delete them. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/load/stored_roles.h"
#include "daemon/manage/roles/roles.h"
#include "daemon/write/audit.h"

bool roles_is_altered(struct call *call, uint32_t tenant, struct pol_str name)
{
	struct store_role role;

	return call->actor == NULL && store_get_role(call->read, tenant, name, &role) == -EBADMSG;
}

int roles_answer_altered(struct call *call, uint32_t tenant, struct pol_str name)
{
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 3);
	wire_put_cstr(call->out, "name");
	wire_put_str(call->out, subject_wire(name));
	wire_put_cstr(call->out, "tenant");
	wire_put_str(call->out, subject_wire(subject_tenant_name(call, tenant)));
	wire_put_cstr(call->out, "status");
	wire_put_cstr(call->out, "altered");
	return 0;
}

static int remove_record(struct call *call, uint32_t tenant, struct pol_str name)
{
	struct audit_note *note = calloc(1, sizeof *note);
	const struct audit_entry entry = {
		.kind = STORE_AUDIT_ROLE,
		.tenant = tenant,
		.target = name,
		.flags = STORE_AUDIT_REMOVED,
		.note = note,
	};
	int r = note != NULL ? 0 : -ENOMEM;

	if (r == 0) {
		audit_note_init(note);
		audit_note_text(note, "status", POL_STR("altered"), (struct pol_str){ NULL, 0 });
		r = store_delete_role(call->change->write, tenant, name);
	}
	if (r == 0) {
		r = audit_enter(call->change, &entry);
	}
	free(note);
	return r;
}

/* It is not known what an altered role denied, so a caller that may manage only some roles cannot
 * delete it. */
int roles_delete_altered(struct call *call, uint32_t tenant, struct pol_str name)
{
	struct pol_snapshot *next = NULL;
	int r;

	if (!call->peer->superuser) {
		return call_error(call, "forbidden",
			"the role's record was altered outside of the daemon: only root and the "
			"daemon's own user may delete it");
	}
	/* Altered records are left out of it. */
	r = stored_roles_extend(call->read, call->snapshot, NULL, &next);
	if (r == 0) {
		r = remove_record(call, tenant, name);
	}
	if (r < 0) {
		pol_snapshot_unref(next);
		return r;
	}
	*call->next = next;
	return roles_answer_altered(call, tenant, name);
}
