/* SPDX-License-Identifier: Apache-2.0 */
/* store.backup: answers with a copy of the store, piece by piece. The table of all methods store.*.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/manage/audit_encode.h"
#include "daemon/manage/store_share.h"
#include "daemon/secret/token.h"
#include "daemon/store/backup.h"

enum { CURSOR, BACKUP_FIELDS };

static const struct wire_field backup_fields[BACKUP_FIELDS] = {
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

/* The cost of one piece, as a number of decisions. */
#define PIECE_COST 256

static void answer(struct call *call, const struct backup_piece *piece, bool more)
{
	struct wire_buf *out = call->out;

	wire_put_result(out, call->id);
	wire_put_map(out, more ? 4 : 3);
	wire_put_cstr(out, "data");
	wire_put_bin(out, piece->bytes, piece->len);
	wire_put_cstr(out, "done");
	wire_put_int(out, (int64_t)piece->done);
	wire_put_cstr(out, "total");
	wire_put_int(out, (int64_t)piece->total);
	if (more) {
		wire_put_cstr(out, "cursor");
		audit_encode_tag(out, piece->id, BACKUP_ID);
	}
}

static int next_piece(struct call *call, const uint8_t *id)
{
	struct backup_piece piece = { .bytes = malloc(STORE_COPY_PIECE) };
	int r = -ENOMEM;

	if (piece.bytes == NULL) {
		return r;
	}
	call->cost = PIECE_COST;
	r = backup_next(call->context->backup, id, &piece);
	if (r >= 0) {
		answer(call, &piece, r == 0);
		r = 0;
	} else if (r == -EBUSY) {
		r = call_error(call, "conflict",
			"another copy is being taken: it ends by itself %d seconds after its last "
			"piece",
			BACKUP_IDLE);
	} else if (r == -ESTALE) {
		r = call_error(call, "conflict",
			"this copy is over: each cursor can be used once, for %d seconds, and a "
			"copy "
			"takes %d at most; begin another",
			BACKUP_IDLE, BACKUP_LONGEST);
	}
	free(piece.bytes);
	return r;
}

/* A copy has everything in the store, so only a superuser gets it. */
static int backup(struct call *call)
{
	const struct wire_value *cursor = &call->params[CURSOR];
	uint8_t id[BACKUP_ID];

	if (!actor_is_superuser(call)) {
		return call_error(call, "forbidden",
			"only root and the daemon's own user may take a copy of the store");
	}
	if (!cursor->given) {
		return next_piece(call, NULL);
	}
	if (!audit_decode_tag(cursor->text, id, sizeof id)) {
		return call_invalid(
			call, "cursor", "is not one that this method gave: begin without a cursor");
	}
	return next_piece(call, id);
}

/* What concerns this host alone, or the database: apart from the log. */
#define SHARES (METHOD_CHANGES | METHOD_MANAGES | METHOD_ALONE | METHOD_LOCAL)

/* store.set is for a host with another policy than all are to have, too. */
const struct method store_methods[] = {
	{ "store.backup", backup_fields, BACKUP_FIELDS, METHOD_MANAGES | METHOD_ANY_AGE, backup },
	{ "store.join", store_join_fields, STORE_JOIN_FIELDS, SHARES, store_join },
	{ "store.leave", NULL, 0, SHARES, store_leave },
	{ "store.rejoin", store_rejoin_fields, STORE_REJOIN_FIELDS, SHARES, store_rejoin },
	{ "store.set", store_set_fields, STORE_SET_FIELDS,
		METHOD_CHANGES | METHOD_MANAGES | METHOD_ENDS, store_set },
	{ "store.share", store_share_fields, STORE_SHARE_FIELDS, SHARES, store_share },
	{ "store.upgrade", NULL, 0, SHARES, store_upgrade },
};
const size_t store_method_count = sizeof store_methods / sizeof store_methods[0];
