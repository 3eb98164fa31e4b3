/* SPDX-License-Identifier: Apache-2.0 */
/* Keys whose records were altered outside of the daemon: peers may see, revoke and purge them. */
#include <errno.h>
#include <string.h>

#include "daemon/decide/subject.h"
#include "daemon/manage/keys/keys.h"
#include "daemon/write/audit.h"
#include "policy/snapshot/module.h"

bool keys_is_altered(struct call *call, const struct wire_value *id)
{
	struct store_key key;

	/* A token sees its own tenant, and whose an altered record is, it does not say itself. */
	return call->actor == NULL &&
	       store_get_key(call->read, subject_str(id->text), &key) == -EBADMSG;
}

static int on_audit(void *context, const struct store_audit *audit)
{
	*(uint32_t *)context = audit->tenant;
	return 1;
}

/* What the trail says of it, which nobody altered; 0: nothing. */
static uint32_t tenant_of(struct call *call, struct pol_str kid)
{
	const struct store_audit_filter filter = { .kind = STORE_AUDIT_KEY, .target = kid };
	uint32_t tenant = 0;

	return store_list_audit(call->read, &filter, 1, on_audit, &tenant) < 0 ? 0 : tenant;
}

static void encode(struct call *call, struct pol_str kid)
{
	uint32_t tenant = tenant_of(call, kid);
	size_t map = wire_open_map(call->out);

	wire_put_cstr(call->out, "id");
	wire_put_str(call->out, subject_wire(kid));
	wire_put_cstr(call->out, "status");
	wire_put_cstr(call->out, "altered");
	if (tenant != 0) {
		wire_put_cstr(call->out, "tenant");
		wire_put_str(call->out, subject_wire(subject_tenant_name(call, tenant)));
	}
	wire_close_map(call->out, map, tenant != 0 ? 3 : 2);
}

int keys_answer_altered(struct call *call, const struct wire_value *id)
{
	wire_put_result(call->out, call->id);
	encode(call, subject_str(id->text));
	return 0;
}

int keys_purge_altered(struct call *call, const struct wire_value *id)
{
	char kid[STORE_KID];
	int r;

	memcpy(kid, id->text.ptr, sizeof kid);
	r = audit_remove_altered_key(
		call->change, kid, tenant_of(call, (struct pol_str){ kid, sizeof kid }));
	return r < 0 ? r : keys_answer_purged(call, kid);
}

/* A record that is revoked and has nothing else takes its place: the key stays in lists, and
 * nothing brings it back. */
int keys_revoke_altered(struct call *call, const struct wire_value *id)
{
	static const uint8_t no_hash[STORE_HASH];
	char kid[STORE_KID];
	struct store_key key = {
		.kid = { kid, sizeof kid },
		.flags = STORE_KEY_REVOKED | STORE_KEY_DISABLED,
		.binding = POL_BOUND_TO_SCOPES,
		.created_at = call->now,
		.revoked_at = call->now,
		.hash = no_hash,
		.created_by = pol_str_of(call->change->actor),
		.rotation = { .generation = 1, .issued = 1 },
	};
	int r;

	memcpy(kid, id->text.ptr, sizeof kid);
	key.tenant = tenant_of(call, key.kid);
	if (key.tenant == 0) {
		key.tenant = STORE_TENANT_DEFAULT;
	}
	r = audit_remove_altered_key(call->change, kid, key.tenant);
	if (r == 0) {
		r = audit_create_key(call->change, &key);
	}
	return r < 0 ? r : keys_answer(call, &key);
}

/* --- the list --------------------------------------------------------------------------------- */

static bool is_id(struct pol_str kid)
{
	for (size_t i = 0; i < kid.len; i++) {
		char c = kid.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) {
			return false;
		}
	}
	return kid.len == STORE_KID;
}

static int on_key(void *context, struct pol_str kid, bool altered)
{
	struct list *list = (struct list *)context;
	bool item = altered && is_id(kid);

	if (!list_has_room(list)) {
		return 1;
	}
	if (item) {
		encode(list->call, kid);
	}
	list_visited(list, kid, item);
	return 0;
}

int keys_list_altered(struct list *list)
{
	struct call *call = list->call;
	struct pol_str after = { (const char *)list->cursor, list->cursor_len };
	char copy[LIST_MAX_CURSOR];
	int r;

	/* list_visited writes to the cursor. */
	memcpy(copy, after.ptr, after.len);
	after.ptr = copy;
	r = store_walk_altered(call->read, after, on_key, list);
	return r < 0 ? r : list_end(list);
}
