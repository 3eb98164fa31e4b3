/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/query.h"

#include <errno.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/authorize.h"
#include "daemon/manage/list.h"
#include "policy/text/reason.h"

enum {
	TOKEN,
	PRINCIPAL,
	TREE,
	AT,
	SERVICE,
	ENVIRONMENT,
	TENANT,
	IP,
	MFA_AT,
	TIME,
	LIMIT,
	CURSOR,
	FIELDS,
};

static const struct wire_field fields[FIELDS] = {
	[TOKEN] = WIRE_FIELD("token", WIRE_KIND_TEXT, 0),
	[PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),
	[TREE] = WIRE_FIELD("tree", WIRE_KIND_TEXT, 0),
	[AT] = WIRE_FIELD("at", WIRE_KIND_TEXT, 0),
	[SERVICE] = WIRE_FIELD("service", WIRE_KIND_TEXT, 0),
	[ENVIRONMENT] = WIRE_FIELD("environment", WIRE_KIND_TEXT, 0),
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[IP] = WIRE_FIELD("ip", WIRE_KIND_TEXT, 0),
	[MFA_AT] = WIRE_FIELD("mfa_at", WIRE_KIND_TIME, 0),
	[TIME] = WIRE_FIELD("time", WIRE_KIND_TIME, 0),
	[LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

#define REVISION 16

/* Steps of a walk that take as long as one decision. */
#define STEPS_A_DECISION 64

struct listing {
	struct list list;
	struct pol_query_cursor from;
};

static struct pol_str text_of(const struct wire_value *value)
{
	return value->given ? subject_str(value->text) : (struct pol_str){ NULL, 0 };
}

static bool on_allowed(void *context, const struct pol_allowed *allowed)
{
	struct listing *listing = (struct listing *)context;
	struct call *call = listing->list.call;

	if (!list_has_room(&listing->list)) {
		return false;
	}
	wire_put_map(call->out, 2);
	wire_put_str(call->out, WIRE_STR("resource"));
	wire_put_str(call->out, subject_wire(allowed->resource));
	wire_put_str(call->out, WIRE_STR("actions"));
	wire_put_array(call->out, (uint32_t)allowed->action_count);
	for (size_t i = 0; i < allowed->action_count; i++) {
		wire_put_str(call->out, subject_wire(allowed->actions[i]));
	}
	list_visited(&listing->list, POL_STR(""), true);
	return true;
}

static int answer(struct listing *listing, const struct pol_decision *decision)
{
	struct call *call = listing->list.call;
	struct pol_str reason = decision->reason;
	struct wire_str revision = { pol_snapshot_revision(call->snapshot), REVISION };

	if (!call->peer->trusted && pol_reason_is_unauthenticated(reason)) {
		reason = POL_STR("unauthenticated");
	}
	listing->list.extra = 3;
	list_end(&listing->list);
	wire_put_str(call->out, WIRE_STR("status"));
	wire_put_int(call->out, decision->status);
	wire_put_str(call->out, WIRE_STR("reason"));
	wire_put_str(call->out, subject_wire(reason));
	wire_put_str(call->out, WIRE_STR("revision"));
	wire_put_str(call->out, revision);
	return 0;
}

/* A cursor is the node and the substitution at which the walk goes on, and the revision that
 * numbered them. */
static void stop(struct listing *listing, struct pol_query_cursor next)
{
	struct call *call = listing->list.call;
	char cursor[LIST_NUMBER + REVISION];

	list_number_cursor((uint64_t)next.node << 32 | next.substitution, cursor);
	memcpy(cursor + LIST_NUMBER, pol_snapshot_revision(call->snapshot), REVISION);
	list_stop(&listing->list, (struct pol_str){ cursor, sizeof cursor });
}

static int walk(struct call *call, struct listing *listing, const struct subject *subject)
{
	size_t mark = listing->list.start;
	const struct pol_query query = {
		.tree = text_of(&call->params[TREE]),
		.at = text_of(&call->params[AT]),
		.from = listing->from,
		.visit = on_allowed,
		.context = listing,
	};
	struct pol_query_result walked;
	enum pol_status status =
		pol_query_permissions(call->snapshot, &subject->facts, &query, &walked);

	if (status == POL_OK) {
		call->cost += (uint32_t)(walked.steps / STEPS_A_DECISION);
		if (walked.more) {
			stop(listing, walked.next);
		}
		return 0;
	}
	if (status != POL_EINVALID) {
		return -ENOMEM;
	}
	wire_buf_rewind(call->out, mark);
	return call_invalid(call, call->params[AT].given ? "at" : "tree",
		"is nothing that the policy declares");
}

/* False: the cursor belongs to another policy. */
static bool read_cursor(struct call *call, struct listing *listing)
{
	struct list *list = &listing->list;
	uint64_t number = list_cursor_number(list);

	if (list->cursor_len == 0) {
		return true;
	}
	listing->from = (struct pol_query_cursor){ (uint32_t)(number >> 32), (uint32_t)number };
	return list->cursor_len == LIST_NUMBER + REVISION &&
	       memcmp(list->cursor + LIST_NUMBER, pol_snapshot_revision(call->snapshot),
		       REVISION) == 0;
}

/* The parameters that authorize has too. */
static const char *read_ask(struct call *call, struct ask *out, const char **out_param)
{
	const struct wire_value *params = call->params;
	const struct wire_value values[ASK_FIELDS] = {
		[ASK_TOKEN] = params[TOKEN],
		[ASK_PRINCIPAL] = params[PRINCIPAL],
		[ASK_SERVICE] = params[SERVICE],
		[ASK_ENVIRONMENT] = params[ENVIRONMENT],
		[ASK_TENANT] = params[TENANT],
		[ASK_IP] = params[IP],
		[ASK_MFA_AT] = params[MFA_AT],
		[ASK_TIME] = params[TIME],
	};

	*out_param = "token";
	return params[TOKEN].given == params[PRINCIPAL].given
		       ? "give either token or principal"
		       : ask_read_listing(call, values, out, out_param);
}

static int permissions(struct call *call)
{
	struct pol_decision decision = { .status = 403, .reason = POL_STR("not_trusted") };
	struct listing listing = { .from = { 0 } };
	struct subject subject;
	struct ask ask;
	const char *param;
	const char *wrong = read_ask(call, &ask, &param);
	int r;

	if (wrong != NULL) {
		return call_invalid(call, param, "%s", wrong);
	}
	r = list_begin(&listing.list, call, &call->params[LIMIT], &call->params[CURSOR]);
	if (r != 0) {
		return r;
	}
	if (!read_cursor(call, &listing)) {
		wire_buf_rewind(call->out, listing.list.start);
		return call_invalid(call, "cursor", "the policy changed since: begin again");
	}
	if (ask.not_trusted) {
		call->denied++;
		return answer(&listing, &decision);
	}
	r = subject_gather(call, &ask.who, &subject);
	if (r < 0) {
		return r;
	}
	call->cost += subject_place_cost(&subject);
	authorize_listing(call, &ask, &subject, &decision);
	if (decision.allow) {
		r = walk(call, &listing, &subject);
	}
	return r != 0 ? r : answer(&listing, &decision);
}

const struct method permissions_methods[] = {
	{ "permissions", fields, FIELDS, METHOD_SECRET, permissions },
};
const size_t permissions_method_count = sizeof permissions_methods / sizeof permissions_methods[0];
