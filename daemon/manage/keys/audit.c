/* SPDX-License-Identifier: Apache-2.0 */
/* keys.audit: keys that need attention, and permissions that they never use. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/keys/usage.h"
#include "daemon/manage/check.h"
#include "daemon/manage/keys/keys.h"
#include "daemon/manage/list.h"
#include "daemon/manage/record.h"
#include "daemon/share/share.h"
#include "daemon/tend/pepper.h"
#include "policy/ask/narrow.h"

enum { KEY, TENANT, PRINCIPAL, LABEL, IDLE, EXPIRING, LIMIT, CURSOR, FIELDS };

_Static_assert((int)FIELDS == (int)KEYS_AUDIT_FIELDS, "the header has the table's size");

const struct wire_field keys_audit_fields[KEYS_AUDIT_FIELDS] = {
	[KEY] = WIRE_FIELD("key", WIRE_KIND_TEXT, 0),
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),
	[LABEL] = WIRE_FIELD("label", WIRE_KIND_TEXT, 0),
	[IDLE] = WIRE_FIELD("idle", WIRE_KIND_DURATION, 0),
	[EXPIRING] = WIRE_FIELD("expiring", WIRE_KIND_DURATION, 0),
	[LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

#define DAY           INT64_C(86400)
#define IDLE_DAYS     90
#define EXPIRING_DAYS 30
/* Names of one key in an answer, in a list and alone; the counts are complete. */
#define MAX_UNUSED       100
#define MAX_UNUSED_ALONE 1000
#define MAX_NAME_BYTES   (LIST_MAX_BYTES / 2) /* of each of the two lists, when it is alone */
#define MAX_STEPS        ((size_t)1 << 20)    /* of one page: about ten milliseconds */
#define STEPS_A_DECISION 64

struct auditing {
	struct list list;
	struct keys_range range;
	struct pol_str label;
	int64_t idle;              /* a last use before this time is a finding */
	int64_t expiring;          /* and an expiry before this one */
	struct pol_narrow *narrow; /* created for the first key that needs it */
	uint64_t *hashes;          /* of the snapshot's actions; 0: not computed yet */
	struct store_used used;    /* by the current key */
	bool alone;                /* the answer is about one key */
	uint32_t unused;           /* names written, */
	size_t unused_at;          /* from here on */
	struct wire_buf names;     /* of what it used, if it is alone */
	uint32_t names_count;
	size_t steps;
	int r;
};

struct findings {
	const char *names[8];
	uint32_t count;
};

static void add_finding(struct findings *findings, bool found, const char *name)
{
	if (found) {
		findings->names[findings->count++] = name;
	}
}

static bool has_old_pepper(const struct auditing *auditing, const struct store_key *key)
{
	const struct call *call = auditing->list.call;

	return pepper_is_old(call->context->pepper, key, false) ||
	       (secret_rules_other(key, call->now) != STORE_OTHER_NONE &&
		       pepper_is_old(call->context->pepper, key, true));
}

static void find_by_use(
	const struct auditing *auditing, const struct store_use *use, struct findings *out)
{
	add_finding(out, use->uses == 0, "never_used");
	add_finding(out, use->uses != 0 && use->at < auditing->idle, "idle");
}

static void find_by_times(
	const struct auditing *auditing, const struct store_key *key, struct findings *out)
{
	int64_t now = auditing->list.call->now;
	bool dead = key->rotation.renew_by != 0 && now >= key->rotation.renew_by;

	add_finding(out, key->expires_at == 0, "no_expiry");
	add_finding(out, key->expires_at != 0 && key->expires_at < auditing->expiring, "expiring");
	add_finding(out, has_old_pepper(auditing, key), "old_pepper");
	add_finding(out, dead, "overdue");
	add_finding(out, !dead && secret_rules_is_due(key, now), "due");
}

/* --- unused permissions ----------------------------------------------------------------------- */

static bool was_used(void *context, uint32_t action, struct pol_str name)
{
	struct auditing *auditing = (struct auditing *)context;
	uint64_t hash = auditing->hashes[action];

	if (hash == 0) {
		hash = usage_name_hash(auditing->list.call->context->usage, name);
		auditing->hashes[action] = hash;
	}
	for (uint32_t i = 0; i < auditing->used.count; i++) {
		if (auditing->used.hashes[i] == hash) {
			if (auditing->alone && auditing->names.len < MAX_NAME_BYTES) {
				wire_put_str(&auditing->names, subject_wire(name));
				auditing->names_count++;
			}
			return true;
		}
	}
	return false;
}

static void on_unused(void *context, struct pol_str name)
{
	struct auditing *auditing = (struct auditing *)context;

	struct wire_buf *out = auditing->list.call->out;
	uint32_t most = auditing->alone ? MAX_UNUSED_ALONE : MAX_UNUSED;

	if (auditing->unused < most && out->len - auditing->unused_at < MAX_NAME_BYTES) {
		wire_put_str(out, subject_wire(name));
		auditing->unused++;
	}
}

static int prepare(struct auditing *auditing)
{
	const struct pol_snapshot *snapshot = auditing->list.call->snapshot;

	if (auditing->narrow != NULL) {
		return 0;
	}
	/* There are at most as many actions as permissions. */
	auditing->hashes =
		calloc(pol_snapshot_counts(snapshot).permissions + 1, sizeof *auditing->hashes);
	if (auditing->hashes == NULL || pol_narrow_create(snapshot, &auditing->narrow) != POL_OK) {
		return -ENOMEM;
	}
	return 0;
}

static void encode_scopes(
	struct call *call, const char *name, const uint32_t *scopes, uint32_t count)
{
	wire_put_cstr(call->out, name);
	wire_put_array(call->out, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_put_str(call->out,
			subject_wire(pol_snapshot_scope_name(call->snapshot, scopes[i])));
	}
}

static void encode_counts(
	struct call *call, const struct pol_narrow_result *narrowed, uint32_t *pairs)
{
	wire_put_cstr(call->out, "granted");
	wire_put_int(call->out, narrowed->granted);
	wire_put_cstr(call->out, "used");
	wire_put_int(call->out, narrowed->used);
	*pairs += 2;
	if (narrowed->unused_count > 0) {
		encode_scopes(
			call, "unused_scopes", narrowed->unused_scopes, narrowed->unused_count);
		(*pairs)++;
	}
	if (narrowed->scope_count > 0) {
		encode_scopes(call, "narrower", narrowed->scopes, narrowed->scope_count);
		(*pairs)++;
	}
}

/* Encodes the pairs and adds their number to *pairs; of what is unused only if all that the key
 * used is known. 1: some permission is unused. */
static int encode_permissions(
	struct auditing *auditing, const struct store_key *key, bool known, uint32_t *pairs)
{
	struct call *call = auditing->list.call;
	const struct pol_narrow_usage ask = { was_used, known ? on_unused : NULL, auditing };
	struct pol_narrow_result narrowed;
	struct subject subject;
	size_t before = call->out->len;
	int r = prepare(auditing);

	if (r == 0) {
		r = subject_describe_key(call, key, &subject);
	}
	if (r < 0) {
		return r;
	}
	auditing->unused = 0;
	wire_put_cstr(call->out, "unused");
	auditing->unused_at = wire_open_array(call->out);
	pol_narrow_find(auditing->narrow, &subject.facts, &ask, &narrowed);
	wire_close_array(call->out, auditing->unused_at, auditing->unused);
	auditing->steps += pol_narrow_steps(auditing->narrow);
	if (known) {
		(*pairs)++;
		encode_counts(call, &narrowed, pairs);
	} else {
		wire_buf_rewind(call->out, before);
	}
	if (auditing->alone) {
		wire_put_cstr(call->out, "used_permissions");
		wire_put_array(call->out, auditing->names_count);
		wire_put_raw(call->out, auditing->names.data, auditing->names.len);
		(*pairs)++;
	}
	return known && narrowed.used < narrowed.granted;
}

/* --- a key ------------------------------------------------------------------------------------ */

static void encode_text(struct call *call, const char *name, struct pol_str text, uint32_t *pairs)
{
	if (text.len > 0) {
		wire_put_cstr(call->out, name);
		wire_put_str(call->out, subject_wire(text));
		(*pairs)++;
	}
}

static void encode_time(struct call *call, const char *name, int64_t time, uint32_t *pairs)
{
	if (time != 0) {
		wire_put_cstr(call->out, name);
		wire_put_int(call->out, time);
		(*pairs)++;
	}
}

/* 1: encoded; 0: it has no finding; or a negative errno. */
static int encode_key(struct auditing *auditing, const struct store_key *key)
{
	struct call *call = auditing->list.call;
	struct findings findings = { .count = 0 };
	size_t mark = call->out->len, map;
	uint32_t pairs = 3;
	bool known, complete, live = keys_is_live(key, call->now);
	struct store_use use;
	int r = usage_get(call->context->usage, call->read, key->number, &use);

	if (r == 0) {
		r = store_get_used(call->read, key->number, &auditing->used);
	}
	if (r < 0) {
		return r;
	}
	/* What other hosts counted; without it nobody can say that a key, or what it may do, is not
	 * used. */
	known = share_add_use(call->context->share, key->number, &use);
	if (live && known) {
		find_by_use(auditing, &use, &findings);
	}
	if (live) {
		find_by_times(auditing, key, &findings);
	}
	map = wire_open_map(call->out);
	/* If it used more permissions than the store keeps, the unused ones are not known. */
	complete = known && !auditing->used.full;
	if (auditing->alone || (complete && auditing->used.count > 0)) {
		r = encode_permissions(auditing, key, complete, &pairs);
		add_finding(
			&findings, live && r > 0 && auditing->used.count > 0, "unused_permissions");
	}
	if (r < 0 || (findings.count == 0 && !auditing->alone)) {
		wire_buf_rewind(call->out, mark);
		return r < 0 ? r : 0;
	}
	wire_put_cstr(call->out, "id");
	wire_put_str(call->out, subject_wire(key->kid));
	wire_put_cstr(call->out, "status");
	wire_put_str(call->out, record_status(key, call->now));
	wire_put_cstr(call->out, "findings");
	wire_put_array(call->out, findings.count);
	for (uint32_t i = 0; i < findings.count; i++) {
		wire_put_cstr(call->out, findings.names[i]);
	}
	encode_text(call, "name", key->name, &pairs);
	encode_text(call, "label", key->label, &pairs);
	encode_text(call, "tenant", subject_tenant_name(call, key->tenant), &pairs);
	encode_text(call, "principal", key->principal, &pairs);
	encode_time(call, "created_at", key->created_at, &pairs);
	encode_time(call, "expires_at", key->expires_at, &pairs);
	encode_time(call, "last_used_at", use.at, &pairs);
	encode_time(call, "renew_by", key->rotation.renew_by, &pairs);
	wire_close_map(call->out, map, pairs);
	return 1;
}

static int on_key(void *context, const struct store_key *key)
{
	struct auditing *auditing = (struct auditing *)context;
	struct list *list = &auditing->list;
	char bytes[KEYS_CURSOR];
	struct pol_str cursor = keys_cursor(&auditing->range, key, bytes);
	bool wanted = keys_is_live(key, list->call->now) && key->deleted_at == 0 &&
		      (auditing->label.len == 0 || pol_str_equal(auditing->label, key->label));
	int r = 0;

	if (!list_has_room(list)) {
		return 1;
	}
	if (wanted) {
		r = encode_key(auditing, key);
	}
	if (r < 0) {
		auditing->r = r;
		return 1;
	}
	list_visited(list, cursor, r > 0);
	if (auditing->steps >= MAX_STEPS) {
		list_stop(list, cursor);
		return 1;
	}
	return 0;
}

/* An answer with one item, or the refusal. */
static int one_key(struct auditing *auditing)
{
	struct call *call = auditing->list.call;
	const struct wire_value *params = call->params;
	struct store_key key;
	int r;

	if (params[TENANT].given || params[PRINCIPAL].given || params[LABEL].given) {
		return call_invalid(
			call, "key", "is one key: leave out tenant, principal and label");
	}
	r = keys_find(call, &params[KEY], &key);
	if (r == 0) {
		r = list_begin(&auditing->list, call, &params[LIMIT], &params[CURSOR]);
	}
	if (r != 0) {
		return r;
	}
	auditing->alone = true;
	wire_buf_init(&auditing->names, MAX_NAME_BYTES + POL_NARROW_NAME + 8);
	r = encode_key(auditing, &key);
	r = auditing->names.status != WIRE_OK ? -ENOMEM : r;
	wire_buf_finish(&auditing->names);
	if (r < 0) {
		return r;
	}
	auditing->list.count++;
	call->cost += (uint32_t)(auditing->steps / STEPS_A_DECISION);
	return list_end(&auditing->list);
}

static int64_t duration(const struct wire_value *value, int64_t fallback)
{
	return value->given ? value->integer : fallback;
}

static int walk(struct auditing *auditing)
{
	struct call *call = auditing->list.call;
	int r = keys_walk(&auditing->list, &auditing->range, on_key, auditing);

	if (r < 0 || auditing->r < 0) {
		return r < 0 ? r : auditing->r;
	}
	call->cost += (uint32_t)(auditing->steps / STEPS_A_DECISION);
	return list_end(&auditing->list);
}

int keys_audit(struct call *call)
{
	const struct wire_value *params = call->params;
	struct auditing auditing = { .r = 0 };
	int r = actor_may(call, "keys", (struct pol_str){ NULL, 0 }, "list");

	auditing.list.call = call;
	auditing.idle = call->now - duration(&params[IDLE], IDLE_DAYS * DAY);
	auditing.expiring = call->now + duration(&params[EXPIRING], EXPIRING_DAYS * DAY);
	if (r == 0 && params[KEY].given) {
		r = one_key(&auditing);
		goto done;
	}
	if (r == 0) {
		r = keys_range(call, &params[TENANT], &params[PRINCIPAL], &auditing.range);
	}
	if (r == 0) {
		r = list_begin(&auditing.list, call, &params[LIMIT], &params[CURSOR]);
	}
	if (r != 0) {
		return r;
	}
	if (params[LABEL].given) {
		auditing.label = subject_str(params[LABEL].text);
	}
	r = walk(&auditing);
done:
	pol_narrow_destroy(auditing.narrow);
	free(auditing.hashes);
	return r;
}
