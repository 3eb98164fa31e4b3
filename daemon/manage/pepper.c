/* SPDX-License-Identifier: Apache-2.0 */
/* pepper.rotate: makes a new pepper; the old one is kept while keys need it (tend/pepper.h). */
#include "daemon/tend/pepper.h"

#include <errno.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/secret/token.h"
#include "daemon/write/audit.h"

static int refuse_old(struct call *call)
{
	uint64_t left;

	if (!pepper_left(call->context->pepper, &left)) {
		return call_error(call, "conflict",
			"the old pepper is still there, and its keys are being counted: try again "
			"later");
	}
	return call_error(call, "conflict",
		"the old pepper is still needed by %llu %s: authzcheck key audit names them; use, "
		"rotate or revoke them first",
		(unsigned long long)left, left == 1 ? "key" : "keys");
}

static int enter(struct call *call, uint8_t from, uint8_t to)
{
	struct audit_note note;
	const struct audit_entry entry = {
		.kind = STORE_AUDIT_STORE, .target = POL_STR("pepper"), .note = &note
	};

	audit_note_init(&note);
	audit_note_number(&note, "pepper", from, to);
	return audit_enter(call->change, &entry);
}

static int rotate(struct call *call)
{
	struct secrets *secrets = store_secrets(call->context->store);
	uint8_t from = secrets_pepper(secrets);
	char why[SECRET_WHY];
	int r;

	if (!actor_is_superuser(call)) {
		return call_error(
			call, "forbidden", "only the daemon's user and root may rotate the pepper");
	}
	if (secrets_have_old(secrets)) {
		return refuse_old(call);
	}
	r = secrets_rotate(secrets, why);
	if (r < 0) {
		return call_error(call, "overloaded", "%s", why);
	}
	r = enter(call, from, secrets_pepper(secrets));
	if (r < 0) {
		return r;
	}
	pepper_rotated(call->context->pepper);
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 1);
	wire_put_cstr(call->out, "pepper");
	wire_put_int(call->out, secrets_pepper(secrets));
	return 0;
}

const struct method pepper_methods[] = {
	{ "pepper.rotate", NULL, 0, METHOD_CHANGES | METHOD_MANAGES | METHOD_EDITS, rotate },
};
const size_t pepper_method_count = sizeof pepper_methods / sizeof pepper_methods[0];
