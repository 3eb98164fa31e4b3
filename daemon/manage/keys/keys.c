/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/keys/keys.h"

#include <errno.h>
#include <string.h>

#include "daemon/call/dispatch.h"
#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/manage/check.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/keys/rotate.h"
#include "daemon/manage/list.h"
#include "daemon/manage/record.h"
#include "daemon/store/shared.h"
#include "daemon/write/audit.h"

static const struct wire_field id_fields[] = { WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED) };

enum { ID, LOCAL, LOCAL_FIELDS };

static const struct wire_field local_fields[LOCAL_FIELDS] = {
	[ID] = WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[LOCAL] = WIRE_FIELD("local", WIRE_KIND_BOOL, 0),
};

enum { LIST_TENANT, LIST_PRINCIPAL, LIST_STATUS, LIST_LABEL, LIST_LIMIT, LIST_CURSOR, LIST_FIELDS };

static const struct wire_field list_fields[LIST_FIELDS] = {
	[LIST_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[LIST_PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),
	[LIST_STATUS] = WIRE_FIELD("status", WIRE_KIND_TEXT, 0),
	[LIST_LABEL] = WIRE_FIELD("label", WIRE_KIND_TEXT, 0),
	[LIST_LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[LIST_CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

/* --- one key ---------------------------------------------------------------------------------- */

static int find(struct call *call, const struct wire_value *id, bool deleted, struct store_key *out)
{
	int r = store_get_key(call->read, subject_str(id->text), out);

	if (r == -EBADMSG && call->actor == NULL) {
		return call_error(call, "conflict",
			"the key's record was altered outside of the daemon, and is refused: "
			"revoke or purge it");
	}
	if (r == -ENOENT || r == -EBADMSG ||
		(r == 0 &&
			((out->deleted_at != 0 && !deleted) || !actor_sees(call, out->tenant)))) {
		return call_error(call, "not_found", "there is no such key");
	}
	return r;
}

int keys_find(struct call *call, const struct wire_value *id, struct store_key *out)
{
	return find(call, id, false, out);
}

int keys_find_any(struct call *call, const struct wire_value *id, struct store_key *out)
{
	return find(call, id, true, out);
}

/* Authority first: a caller must not learn whether a key that it may not see exists. */
int keys_open(struct call *call, const char *action, struct store_key *out)
{
	int r = actor_may(call, "keys", subject_str(call->params[0].text), action);

	return r != 0 ? r : keys_find(call, &call->params[0], out);
}

int keys_answer(struct call *call, const struct store_key *key)
{
	wire_put_result(call->out, call->id);
	return record_encode_key(call, key, (struct pol_str){ NULL, 0 });
}

static int get(struct call *call)
{
	const struct wire_value *id = &call->params[0];
	struct store_key key;
	int r = actor_may(call, "keys", subject_str(id->text), "read");

	if (r == 0 && keys_is_altered(call, id)) {
		return keys_answer_altered(call, id);
	}
	if (r == 0) {
		r = keys_find(call, id, &key);
	}
	if (r != 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	return record_encode_key_days(call, &key);
}

static int save(struct call *call, const struct store_key *key)
{
	int r = audit_update_key(call->change, key);

	return r < 0 ? r : keys_answer(call, key);
}

static int refuse_revoked(struct call *call)
{
	return call_error(call, "conflict", "the key is revoked and stays so: create another");
}

/* Marks the key on this host, whether or not there is one: the log gets the change when it can. A
 * mark that revokes stays one. */
static int mark(struct call *call, enum store_mark_what what)
{
	struct pol_str id = subject_str(call->params[ID].text);
	struct store_mark now = { .what = what, .at = call->now, .uid = call->change->uid }, before;
	int r;

	if (!actor_is_superuser(call)) {
		return call_error(call, "forbidden",
			"local is for root and the daemon's own user, without a token");
	}
	if (dispatch_everywhere(call->method, call->params)) {
		return call_invalid(call, "local", "is for this host: it cannot be everywhere");
	}
	if (id.len != STORE_KID) {
		return call_invalid(
			call, "id", "is not the id of a key: they have %d characters", STORE_KID);
	}
	memcpy(now.kid, id.ptr, STORE_KID);
	r = store_get_mark(call->read, id, &before);
	if (r == 0 && before.what == STORE_MARK_REVOKE) {
		now = before;
	}
	r = store_put_mark(call->change->write, &now);
	if (r < 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 2);
	wire_put_str(call->out, WIRE_STR("id"));
	wire_put_str(call->out, (struct wire_str){ now.kid, STORE_KID });
	wire_put_str(call->out, WIRE_STR("local"));
	wire_put_bool(call->out, true);
	return 0;
}

static int disable(struct call *call)
{
	struct store_key key;
	int r;

	if (call->local) {
		return mark(call, STORE_MARK_DISABLE);
	}
	r = keys_open(call, "disable", &key);
	if (r != 0) {
		return r;
	}
	if ((key.flags & STORE_KEY_REVOKED) != 0) {
		return refuse_revoked(call);
	}
	if ((key.flags & STORE_KEY_DISABLED) != 0) {
		return keys_answer(call, &key);
	}
	key.flags |= STORE_KEY_DISABLED;
	return save(call, &key);
}

static int enable(struct call *call)
{
	struct store_key key;
	int r = keys_open(call, "enable", &key);

	if (r != 0) {
		return r;
	}
	if ((key.flags & STORE_KEY_REVOKED) != 0) {
		return refuse_revoked(call);
	}
	if ((key.flags & STORE_KEY_DISABLED) == 0) {
		return keys_answer(call, &key);
	}
	r = escalation_check_key(call, NULL, &key);
	if (r == 0 && keys_is_live(&key, call->now)) {
		r = keys_check_count(call, &key);
	}
	if (r != 0) {
		return r;
	}
	key.flags &= ~(uint32_t)STORE_KEY_DISABLED;
	return save(call, &key);
}

static int revoke(struct call *call)
{
	const struct wire_value *id = &call->params[0];
	struct store_key key;
	int r;

	if (call->local) {
		return mark(call, STORE_MARK_REVOKE);
	}
	r = actor_may(call, "keys", subject_str(id->text), "revoke");
	if (r == 0 && keys_is_altered(call, id)) {
		return keys_revoke_altered(call, id);
	}
	if (r == 0) {
		r = keys_find(call, id, &key);
	}
	if (r != 0) {
		return r;
	}
	if ((key.flags & STORE_KEY_REVOKED) != 0) {
		return keys_answer(call, &key);
	}
	key.flags |= STORE_KEY_REVOKED;
	key.revoked_at = call->now;
	return save(call, &key);
}

/* --- many ------------------------------------------------------------------------------------- */

struct listing {
	struct list list;
	struct keys_range range;
	struct pol_str status; /* empty: any */
	struct pol_str label;
	bool deleted; /* deleted keys alone; else all others */
	int r;
};

static int on_key(void *context, const struct store_key *key)
{
	struct listing *listing = (struct listing *)context;
	struct call *call = listing->list.call;
	char cursor[KEYS_CURSOR];
	bool item;

	if (!list_has_room(&listing->list)) {
		return 1;
	}
	item = (key->deleted_at != 0) == listing->deleted &&
	       (listing->deleted || listing->status.len == 0 ||
		       pol_str_equal(
			       listing->status, subject_str(record_status(key, call->now)))) &&
	       (listing->label.len == 0 || pol_str_equal(listing->label, key->label));
	if (item) {
		listing->r = record_encode_key(call, key, (struct pol_str){ NULL, 0 });
	}
	list_visited(&listing->list, keys_cursor(&listing->range, key, cursor), item);
	return listing->r < 0;
}

static bool is_for_altered(const struct wire_value *status)
{
	return status->given && wire_str_equal(status->text, WIRE_STR("altered"));
}

/* What an altered record says of itself chooses nothing. */
static int check_altered(struct call *call)
{
	static const int filters[] = { LIST_TENANT, LIST_PRINCIPAL, LIST_LABEL };

	if (call->actor != NULL) {
		return call_error(call, "forbidden",
			"a token cannot list altered records: call as a Unix user, without a "
			"token");
	}
	for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
		const struct wire_value *value = &call->params[filters[i]];

		if (value->given && !wire_str_equal(value->text, WIRE_STR("*"))) {
			return call_invalid(call, list_fields[filters[i]].name.ptr,
				"is what an altered record no longer says: leave it out");
		}
	}
	return 0;
}

static int check_status(struct call *call, const struct wire_value *value)
{
	struct wire_str text = value->text;

	if (!value->given || wire_str_equal(text, WIRE_STR("active")) ||
		wire_str_equal(text, WIRE_STR("inactive")) ||
		wire_str_equal(text, WIRE_STR("expired")) ||
		wire_str_equal(text, WIRE_STR("revoked")) ||
		wire_str_equal(text, WIRE_STR("deleted")) || is_for_altered(value)) {
		return 0;
	}
	return call_invalid(
		call, "status", "must be active, inactive, expired, revoked, deleted or altered");
}

static struct pol_str text_of(const struct wire_value *value)
{
	return value->given ? subject_str(value->text) : (struct pol_str){ NULL, 0 };
}

static int list(struct call *call)
{
	const struct wire_value *params = call->params;
	struct listing listing = {
		.status = text_of(&params[LIST_STATUS]),
		.label = text_of(&params[LIST_LABEL]),
	};
	int r = actor_may(call, "keys", (struct pol_str){ NULL, 0 }, "list");

	listing.deleted = pol_str_equal(listing.status, POL_STR("deleted"));
	if (r == 0) {
		r = keys_range(call, &params[LIST_TENANT], &params[LIST_PRINCIPAL], &listing.range);
	}
	if (r == 0) {
		r = check_status(call, &params[LIST_STATUS]);
	}
	if (r == 0 && is_for_altered(&params[LIST_STATUS])) {
		r = check_altered(call);
	}
	if (r == 0) {
		r = list_begin(&listing.list, call, &params[LIST_LIMIT], &params[LIST_CURSOR]);
	}
	if (r != 0) {
		return r;
	}
	if (is_for_altered(&params[LIST_STATUS])) {
		return keys_list_altered(&listing.list);
	}
	r = keys_walk(&listing.list, &listing.range, on_key, &listing);
	if (r < 0 || listing.r < 0) {
		return r < 0 ? r : listing.r;
	}
	return list_end(&listing.list);
}

/* --- the table -------------------------------------------------------------------------------- */

#define READS   (METHOD_MANAGES | METHOD_TOKEN)
#define CHANGES (METHOD_CHANGES | READS)
#define EDITS   (CHANGES | METHOD_EDITS)
#define ENDS    (CHANGES | METHOD_ENDS)

const struct method keys_methods[] = {
	{ "keys.audit", keys_audit_fields, KEYS_AUDIT_FIELDS, READS, keys_audit },
	{ "keys.create", keys_create_fields, KEYS_CREATE_FIELDS, CHANGES | METHOD_SECRET,
		keys_create },
	{ "keys.delete", id_fields, 1, ENDS, keys_delete },
	{ "keys.disable", local_fields, LOCAL_FIELDS, ENDS | METHOD_MARKS, disable },
	{ "keys.enable", id_fields, 1, EDITS, enable },
	{ "keys.finish", id_fields, 1, ENDS, keys_finish },
	{ "keys.get", id_fields, 1, READS, get },
	{ "keys.import", keys_import_fields, KEYS_IMPORT_FIELDS, METHOD_CHANGES | METHOD_MANAGES,
		keys_import },
	{ "keys.list", list_fields, LIST_FIELDS, READS, list },
	{ "keys.prolong", keys_prolong_fields, KEYS_PROLONG_FIELDS, EDITS, keys_prolong },
	{ "keys.purge", id_fields, 1, METHOD_CHANGES | METHOD_MANAGES | METHOD_ENDS, keys_purge },
	/* For the key's holder: through any socket for decisions, without managing rights. */
	{ "keys.renew", keys_renew_fields, KEYS_RENEW_FIELDS,
		METHOD_CHANGES | METHOD_SECRET | METHOD_EDITS | METHOD_HOLDER, keys_renew },
	{ "keys.restore", id_fields, 1, EDITS, keys_restore },
	{ "keys.revoke", local_fields, LOCAL_FIELDS, ENDS | METHOD_MARKS, revoke },
	{ "keys.rollback", id_fields, 1, EDITS, keys_rollback },
	{ "keys.rotate", keys_rotate_fields, KEYS_ROTATE_FIELDS, EDITS | METHOD_SECRET,
		keys_rotate },
	{ "keys.update", keys_update_fields, KEYS_UPDATE_FIELDS, EDITS, keys_update },
};
const size_t keys_method_count = sizeof keys_methods / sizeof keys_methods[0];
