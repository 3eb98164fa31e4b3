/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/query.h"

#include <errno.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/authorize.h"
#include "daemon/manage/check.h"
#include "daemon/manage/list.h"
#include "daemon/manage/principals/principals.h"

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
	FACTS,
	UNDECLARED,
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
	[FACTS] = WIRE_FIELD("facts", WIRE_KIND_MAP, 0),
	[UNDECLARED] = WIRE_FIELD("undeclared", WIRE_KIND_TEXT, 0),
	[LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

#define REVISION 16

/* Steps of a walk that take as long as one decision. */
#define STEPS_A_DECISION 64

struct listing {
	struct list list;
	struct pol_query_cursor from;
	const struct wire_value *tree, *at; /* the parameters */
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
	wire_put_map(call->out, allowed->when.len > 0 ? 3 : 2);
	wire_put_str(call->out, WIRE_STR("resource"));
	wire_put_str(call->out, subject_wire(allowed->resource));
	wire_put_str(call->out, WIRE_STR("actions"));
	wire_put_array(call->out, (uint32_t)allowed->action_count);
	for (size_t i = 0; i < allowed->action_count; i++) {
		wire_put_str(call->out, subject_wire(allowed->actions[i]));
	}
	if (allowed->when.len > 0) {
		wire_put_str(call->out, WIRE_STR("when"));
		wire_put_str(call->out, subject_wire(allowed->when));
	}
	list_visited(&listing->list, POL_STR(""), true);
	return true;
}

/* As in an answer of authorize. */
static void put_quota(struct wire_buf *out, const struct quota_counters_report *quota)
{
	wire_put_str(out, WIRE_STR("quota"));
	wire_put_map(out, 3);
	wire_put_str(out, WIRE_STR("limit"));
	wire_put_int(out, (int64_t)quota->limit);
	wire_put_str(out, WIRE_STR("remaining"));
	wire_put_int(out, (int64_t)quota->remaining);
	wire_put_str(out, WIRE_STR("reset"));
	wire_put_int(out, (int64_t)quota->reset);
}

static int answer(struct listing *listing, const struct authorize_listed *listed)
{
	struct call *call = listing->list.call;
	const struct pol_decision *decision = &listed->decision;
	struct pol_str reason = decision->reason;
	struct wire_str revision = { pol_snapshot_revision(call->snapshot), REVISION };

	if (!call->peer->trusted && decision->status == 401) {
		reason = POL_STR("unauthenticated");
	}
	listing->list.extra = 3 + (listed->quota.any ? 1 : 0) + (listed->fact[0] != '\0' ? 1 : 0);
	list_end(&listing->list);
	wire_put_str(call->out, WIRE_STR("status"));
	wire_put_int(call->out, decision->status);
	wire_put_str(call->out, WIRE_STR("reason"));
	wire_put_str(call->out, subject_wire(reason));
	wire_put_str(call->out, WIRE_STR("revision"));
	wire_put_str(call->out, revision);
	if (listed->quota.any) {
		put_quota(call->out, &listed->quota);
	}
	if (listed->fact[0] != '\0') {
		wire_put_str(call->out, WIRE_STR("fact"));
		wire_put_cstr(call->out, listed->fact);
	}
	return 0;
}

/* A cursor is the node and the substitution at which the walk goes on, the entry of that resource,
 * and the revision that numbered them. */
enum { CURSOR_ENTRY = LIST_NUMBER, CURSOR_REVISION = 2 * LIST_NUMBER };

static void stop(struct listing *listing, struct pol_query_cursor next)
{
	struct call *call = listing->list.call;
	char cursor[CURSOR_REVISION + REVISION];

	list_number_cursor((uint64_t)next.node << 32 | next.substitution, cursor);
	list_number_cursor(next.entry, cursor + CURSOR_ENTRY);
	memcpy(cursor + CURSOR_REVISION, pol_snapshot_revision(call->snapshot), REVISION);
	list_stop(&listing->list, (struct pol_str){ cursor, sizeof cursor });
}

static int walk(struct call *call, struct listing *listing, const struct subject *subject)
{
	size_t mark = listing->list.start;
	const struct pol_query query = {
		.tree = text_of(listing->tree),
		.at = text_of(listing->at),
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
	return call_invalid(
		call, listing->at->given ? "at" : "tree", "is nothing that the policy declares");
}

/* False: the cursor belongs to another policy. */
static bool read_cursor(struct call *call, struct listing *listing)
{
	struct list *list = &listing->list;
	uint64_t number = list_cursor_number(list);

	if (list->cursor_len == 0) {
		return true;
	}
	listing->from = (struct pol_query_cursor){ (uint32_t)(number >> 32), (uint32_t)number, 0 };
	for (size_t i = CURSOR_ENTRY; i < CURSOR_REVISION && i < list->cursor_len; i++) {
		listing->from.entry = listing->from.entry << 8 | list->cursor[i];
	}
	return list->cursor_len == CURSOR_REVISION + REVISION &&
	       memcmp(list->cursor + CURSOR_REVISION, pol_snapshot_revision(call->snapshot),
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
		[ASK_FACTS] = params[FACTS],
		[ASK_UNDECLARED] = params[UNDECLARED],
	};

	given_begin(call);
	*out_param = "token";
	return params[TOKEN].given == params[PRINCIPAL].given
		       ? "give either token or principal"
		       : ask_read_listing(call, values, out, out_param);
}

static int permissions(struct call *call)
{
	struct authorize_listed listed = { .decision = { .status = 403,
						   .reason = POL_STR("not_trusted") } };
	struct listing listing = { .tree = &call->params[TREE], .at = &call->params[AT] };
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
		return answer(&listing, &listed);
	}
	r = subject_gather(call, &ask.who, &subject);
	if (r < 0) {
		return r;
	}
	call->cost += subject_place_cost(&subject);
	authorize_listing(call, &ask, &subject, &listed);
	if (listed.decision.allow) {
		r = walk(call, &listing, &subject);
	}
	return r != 0 ? r : answer(&listing, &listed);
}

/* --- of a principal, for peers and tokens that manage ------------------------------------------
 */

enum { OF_ID, OF_TENANT, OF_TREE, OF_AT, OF_LIMIT, OF_CURSOR };

const struct wire_field principals_permissions_fields[PRINCIPALS_PERMISSIONS_FIELDS] = {
	[OF_ID] = WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[OF_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[OF_TREE] = WIRE_FIELD("tree", WIRE_KIND_TEXT, 0),
	[OF_AT] = WIRE_FIELD("at", WIRE_KIND_TEXT, 0),
	[OF_LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[OF_CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

/* What the principal holds now, as if a trusted peer had named it. 0; 1: not_found is written; or a
 * negative errno. */
static int gather_principal(struct call *call, struct subject *out)
{
	struct subject_ask ask = {
		.has_principal = true,
		.has_tenant = true,
		.principal = subject_str(call->params[OF_ID].text),
	};
	uint32_t tenant;
	int r = check_tenant(call, &call->params[OF_TENANT], &tenant);

	if (r != 0) {
		return r;
	}
	ask.tenant = subject_tenant_name(call, tenant);
	r = subject_gather(call, &ask, out);
	out->facts.environment = (struct pol_str){ NULL, 0 }; /* it may ask in any */
	return r == 0 && out->facts.principal_state == POL_PRINCIPAL_UNKNOWN
		       ? call_error(call, "not_found", "there is no such principal")
		       : r;
}

/* Nothing, when the principal or its tenant is switched off. */
int principals_permissions(struct call *call)
{
	const struct wire_value *params = call->params;
	struct listing listing = { .tree = &params[OF_TREE], .at = &params[OF_AT] };
	struct subject subject;
	int r = actor_may(call, "principals", subject_str(params[OF_ID].text), "read");

	if (r == 0) {
		r = gather_principal(call, &subject);
	}
	if (r == 0) {
		r = list_begin(&listing.list, call, &params[OF_LIMIT], &params[OF_CURSOR]);
	}
	if (r == 0 && !read_cursor(call, &listing)) {
		wire_buf_rewind(call->out, listing.list.start);
		r = call_invalid(call, "cursor", "the policy changed since: begin again");
	}
	if (r == 0 && !subject.facts.tenant_inactive) {
		call->cost += subject_place_cost(&subject);
		r = walk(call, &listing, &subject);
	}
	if (r != 0) {
		return r;
	}
	listing.list.extra = 1;
	list_end(&listing.list);
	wire_put_str(call->out, WIRE_STR("revision"));
	wire_put_str(
		call->out, (struct wire_str){ pol_snapshot_revision(call->snapshot), REVISION });
	return 0;
}

const struct method permissions_methods[] = {
	{ "permissions", fields, FIELDS, METHOD_SECRET, permissions },
};
const size_t permissions_method_count = sizeof permissions_methods / sizeof permissions_methods[0];
