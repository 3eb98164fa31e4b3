/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of decisions, and decisions.watch: the decisions since the last call, with the facts
 * that they were made from. */
#include <errno.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/decision_watch.h"
#include "daemon/host/log.h"
#include "daemon/manage/audit_encode.h"
#include "daemon/manage/decisions.h"

enum { CURSOR, END, WATCH_FIELDS };

static const struct wire_field watch_fields[WATCH_FIELDS] = {
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
	[END] = WIRE_FIELD("end", WIRE_KIND_BOOL, 0),
};

/* Copying and sending this many bytes takes as long as a decision. */
#define BYTES_OF_DECISION 4096

static void answer(struct call *call, const struct decision_watch_taken *taken, bool over)
{
	struct wire_buf *out = call->out;

	call->cost += (uint32_t)(taken->len / BYTES_OF_DECISION);
	wire_put_result(out, call->id);
	wire_put_map(out, over ? 4 : 5);
	if (!over) {
		wire_put_cstr(out, "cursor");
		audit_encode_tag(out, taken->id, DECISION_WATCH_ID);
	}
	wire_put_cstr(out, "seen");
	wire_put_int(out, (int64_t)taken->seen);
	wire_put_cstr(out, "dropped");
	wire_put_int(out, (int64_t)taken->dropped);
	wire_put_cstr(out, "snapshot");
	wire_put_int(out, (int64_t)call->serial);
	wire_put_cstr(out, "items");
	wire_put_array(out, taken->events);
	wire_put_raw(out, taken->bytes, taken->len);
}

static int refuse(struct call *call, int error)
{
	if (error == -EBUSY) {
		return call_error(call, "conflict",
			"decisions are watched already: a watch ends by itself %d seconds after "
			"its last call",
			DECISION_WATCH_IDLE);
	}
	if (error == -ESTALE) {
		return call_error(call, "conflict",
			"this watch is over: it must be asked for every %d seconds; begin another",
			DECISION_WATCH_IDLE);
	}
	return error;
}

static int take(struct call *call, const uint8_t *id)
{
	bool over = call->params[END].given && call->params[END].boolean;
	struct decision_watch_taken taken;
	int r = decision_watch_take(call->context->watch, id, &taken);

	if (r < 0) {
		return refuse(call, r);
	}
	if (id == NULL) {
		log_info("decisions are watched", "uid=%u pid=%d", (unsigned)call->peer->uid,
			(int)call->peer->pid);
	}
	answer(call, &taken, over);
	decision_watch_give_back(call->context->watch, &taken, over);
	return 0;
}

/* Decisions show who asks for what, in all tenants. */
static int watch(struct call *call)
{
	const struct wire_value *cursor = &call->params[CURSOR];
	uint8_t id[DECISION_WATCH_ID];

	if (!actor_gives_anything(call)) {
		return call_error(call, "forbidden",
			"only root, the daemon's own user and peers to which a `manage` line gives "
			"everything may watch decisions");
	}
	if (!cursor->given) {
		return take(call, NULL);
	}
	if (!audit_decode_tag(cursor->text, id, sizeof id)) {
		return call_invalid(
			call, "cursor", "is not one that this method gave: begin without a cursor");
	}
	return take(call, id);
}

const struct method decisions_methods[] = {
	{ "decisions.try", decisions_try_fields, DECISIONS_TRY_FIELDS,
		METHOD_MANAGES | METHOD_TOKEN, decisions_try },
	{ "decisions.watch", watch_fields, WATCH_FIELDS, METHOD_MANAGES | METHOD_ANY_AGE, watch },
};
const size_t decisions_method_count = sizeof decisions_methods / sizeof decisions_methods[0];
