/* SPDX-License-Identifier: Apache-2.0 */
/* store.rejoin: what a host that has diverged has and the log lost, and a new beginning. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/manage/audit_encode.h"
#include "daemon/manage/store_share.h"
#include "daemon/share/realm.h"
#include "daemon/share/share.h"
#include "daemon/store/env.h"
#include "daemon/store/shared.h"
#include "daemon/tend/marks.h"

enum { REJOIN_CONFIRM, REJOIN_ACCEPT };
const struct wire_field store_rejoin_fields[STORE_REJOIN_FIELDS] = {
	[REJOIN_CONFIRM] = WIRE_FIELD("confirm", WIRE_KIND_BOOL, 0),
	[REJOIN_ACCEPT] = WIRE_FIELD("accept_rollback", WIRE_KIND_BOOL, 0),
};

/* Entries in an answer; beyond that they are counted. */
#define REJOIN_ITEMS 1000

struct rejoin {
	struct call *call;
	struct store_read *read;
	uint32_t items;
	uint64_t total;
	bool denies;
	struct store_mark *keys;
	size_t key_count;
	struct marks_principal *principals;
	size_t principal_count;
};

/* --- what was lost ---------------------------------------------------------------------------- */

static bool has_key(const struct rejoin *rejoin, struct pol_str kid)
{
	for (size_t i = 0; i < rejoin->key_count; i++) {
		if (memcmp(rejoin->keys[i].kid, kid.ptr, STORE_KID) == 0) {
			return true;
		}
	}
	return false;
}

static int add_key(struct rejoin *rejoin, struct pol_str kid)
{
	struct store_mark *grown;

	if (kid.len != STORE_KID || has_key(rejoin, kid)) {
		return 0;
	}
	grown = realloc(rejoin->keys, (rejoin->key_count + 1) * sizeof *grown);
	if (grown == NULL) {
		return -ENOMEM;
	}
	rejoin->keys = grown;
	grown[rejoin->key_count] = (struct store_mark){
		.what = STORE_MARK_DISABLE,
		.at = rejoin->call->now,
		.uid = (uint32_t)rejoin->call->peer->uid,
	};
	memcpy(grown[rejoin->key_count++].kid, kid.ptr, STORE_KID);
	return 0;
}

static int add_principal(struct rejoin *rejoin, uint32_t tenant, struct pol_str id)
{
	struct marks_principal *grown;

	for (size_t i = 0; i < rejoin->principal_count; i++) {
		const struct marks_principal *one = &rejoin->principals[i];

		if (one->tenant == tenant && one->len == id.len &&
			memcmp(one->id, id.ptr, id.len) == 0) {
			return 0;
		}
	}
	if (id.len > sizeof grown->id) {
		return 0;
	}
	grown = realloc(rejoin->principals, (rejoin->principal_count + 1) * sizeof *grown);
	if (grown == NULL) {
		return -ENOMEM;
	}
	rejoin->principals = grown;
	grown[rejoin->principal_count] =
		(struct marks_principal){ .tenant = tenant, .len = id.len };
	memcpy(grown[rejoin->principal_count++].id, id.ptr, id.len);
	return 0;
}

static int on_audit(void *context, const struct store_audit *audit)
{
	struct rejoin *rejoin = context;

	rejoin->total++;
	if (rejoin->items < REJOIN_ITEMS) {
		audit_encode(rejoin->call, audit);
		rejoin->items++;
	}
	if (!rejoin->denies) {
		return 0;
	}
	if (audit->kind == STORE_AUDIT_KEY) {
		return add_key(rejoin, audit->target);
	}
	return audit->kind == STORE_AUDIT_PRINCIPAL
		       ? add_principal(rejoin, audit->tenant, audit->target)
		       : 0;
}

static void put_place(struct call *call, const struct share_realm *common)
{
	char place[SHARE_PLACE_TEXT];

	share_place_format(common->sequence, common->tag, place);
	wire_put_cstr(call->out, "place");
	wire_put_cstr(call->out, place);
}

/* Appends `items` and `total`. */
static int put_items(struct rejoin *rejoin, uint64_t first)
{
	const struct store_audit_filter all = { .kind = STORE_AUDIT_NONE };
	struct call *call = rejoin->call;
	size_t at;
	int r = 0;

	wire_put_cstr(call->out, "items");
	at = wire_open_array(call->out);
	if (first > 0) {
		r = store_list_audit(rejoin->read, &all, first, on_audit, rejoin);
	}
	wire_close_array(call->out, at, rejoin->items);
	wire_put_cstr(call->out, "total");
	wire_put_int(call->out, (int64_t)rejoin->total);
	return r < 0 ? r : 0;
}

/* --- beginning again -------------------------------------------------------------------------- */

/* They are denied here at once, and in the log as soon as it can be reached. */
static int put_marks(struct rejoin *rejoin)
{
	struct store_write *write;
	int r = store_write_begin(rejoin->call->context->store, &write);

	if (r < 0) {
		return r;
	}
	store_write_alone(write);
	store_write_job(write);
	for (size_t i = 0; i < rejoin->key_count && r == 0; i++) {
		r = store_put_mark(write, &rejoin->keys[i]);
	}
	r = r == 0 ? store_write_keep(write) : r;
	if (r == 0 && store_write_changed(write)) {
		return store_write_commit(write, true);
	}
	store_write_abort(write);
	return r;
}

static int begin_again(struct rejoin *rejoin)
{
	struct call *call = rejoin->call;
	char why[SHARE_WHY] = "";
	struct share_realm realm;
	int r = put_marks(rejoin);

	if (r < 0) {
		return r;
	}
	r = share_rejoin(call->context->share, &realm, why);
	if (r < 0) {
		/* In place of the result that was begun. */
		wire_buf_rewind(call->out, 0);
		return store_share_refuse(call, r, why);
	}
	store_share_enter(call, "store.rejoin");
	store_share_put_realm(call->out, &realm);
	wire_put_cstr(call->out, "copy");
	wire_put_cstr(call->out, realm.copy);
	wire_put_cstr(call->out, "denied");
	wire_put_int(call->out, (int64_t)(rejoin->key_count + rejoin->principal_count));
	marks_disable(call->context->marks, rejoin->principals, rejoin->principal_count);
	rejoin->principals = NULL;
	return 0;
}

static int answer(struct rejoin *rejoin, const struct share_realm *common, uint64_t first)
{
	struct call *call = rejoin->call;
	bool confirmed = call->params[REJOIN_CONFIRM].boolean;
	int r;

	wire_put_result(call->out, call->id);
	wire_put_map(call->out, confirmed ? 8 : 3);
	put_place(call, common);
	r = put_items(rejoin, first);
	if (r == 0 && confirmed) {
		store_read_reset(rejoin->read);
		r = begin_again(rejoin);
	}
	return r;
}

static int rejoin_now(struct call *call)
{
	struct rejoin rejoin = { .call = call,
		.denies = call->params[REJOIN_CONFIRM].boolean &&
			  !call->params[REJOIN_ACCEPT].boolean };
	char why[SHARE_WHY] = "";
	struct share_realm common;
	uint64_t first;
	int r = share_find_lost(call->context->share, &common, &first, why);

	if (r < 0) {
		return store_share_refuse(call, r, why);
	}
	if (first == SHARE_UNKNOWN && rejoin.denies) {
		return call_error(call, "conflict",
			"the log began again from a copy of another history, so it is not known "
			"what this host alone has: say --accept-rollback to give that up");
	}
	first = first == SHARE_UNKNOWN ? 0 : first;
	r = store_read_open(call->context->store, &rejoin.read);
	if (r < 0) {
		return r;
	}
	r = store_read_renew(rejoin.read);
	call->read = rejoin.read;
	if (r == 0) {
		r = answer(&rejoin, &common, first);
	}
	call->read = NULL;
	store_read_close(rejoin.read);
	free(rejoin.keys);
	free(rejoin.principals);
	return r;
}

int store_rejoin(struct call *call)
{
	return store_share_later(call, rejoin_now);
}
