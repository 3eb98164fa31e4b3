/* SPDX-License-Identifier: Apache-2.0 */
/* decisions.try: the decision about a request that nobody has made, and why. */
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/answer.h"
#include "daemon/manage/check.h"
#include "daemon/manage/decisions.h"

/* In the place of `token`. */
#define KEY ASK_TOKEN

const struct wire_field decisions_try_fields[DECISIONS_TRY_FIELDS] = {
	[KEY] = WIRE_FIELD("key", WIRE_KIND_TEXT, 0),
	ASK_ROWS,
};

/* The answer shows what `who` shows: who may do something, and by which roles and scopes. */
static int check_rights(struct call *call)
{
	static const char *const nouns[] = { "roles", "principals", "keys" };
	int r = 0;

	for (size_t i = 0; i < sizeof nouns / sizeof nouns[0] && r == 0; i++) {
		r = actor_may(call, nouns[i], (struct pol_str){ NULL, 0 }, "list");
	}
	return r;
}

static int read_ask(struct call *call, struct ask *out)
{
	struct wire_value values[ASK_FIELDS];
	const char *param, *wrong;
	uint32_t tenant;
	int r = check_tenant(call, &call->params[ASK_TENANT], &tenant);

	if (r != 0) {
		return r;
	}
	if (call->params[KEY].given && call->params[ASK_PRINCIPAL].given) {
		return call_invalid(call, "principal", "give either key or principal");
	}
	memcpy(values, call->params, DECISIONS_TRY_FIELDS * sizeof *values);
	values[ASK_EXPLAIN] = (struct wire_value){ .given = true, .boolean = true };
	given_begin(call);
	wrong = ask_read_tried(call, values, out, &param);
	if (wrong != NULL) {
		return call_invalid(call, param, "%s", wrong);
	}
	out->who.has_tenant = true;
	out->who.tenant = subject_tenant_name(call, tenant);
	out->who.by_id = true;
	out->who.no_peer = true;
	return 0;
}

int decisions_try(struct call *call)
{
	struct subject subject;
	struct outcome outcome;
	struct ask ask;
	int r = check_rights(call);

	if (r == 0) {
		r = read_ask(call, &ask);
	}
	if (r == 0) {
		r = subject_gather(call, &ask.who, &subject);
	}
	if (r != 0) {
		return r;
	}
	r = outcome_try(call, &ask, &subject, &outcome);
	if (r == 0) {
		answer_put(call, &ask, &subject, &outcome, true);
	}
	outcome_finish(&outcome);
	return r;
}
