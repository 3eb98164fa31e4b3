/* SPDX-License-Identifier: Apache-2.0 */
/* pepper.rotate: makes a new pepper; the old one is kept while keys need it (tend/pepper.h). In a
 * shared store it stages one, and once all hosts have that takes it into use. */
#include "daemon/tend/pepper.h"

#include <errno.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/secret/token.h"
#include "daemon/share/pepper.h"
#include "daemon/share/share.h"
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

static int answer(struct call *call, uint8_t number)
{
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 1);
	wire_put_cstr(call->out, "pepper");
	wire_put_int(call->out, number);
	return 0;
}

/* Runs after the commit: the file is not changed by what may be undone. */
static int finish(struct call *call)
{
	char why[SECRET_WHY];
	int r = pepper_rotate(call->context->pepper, why);

	if (r < 0) {
		return call_error(call, "overloaded",
			"%s: the rotation is stored, and ends when the file can be written", why);
	}
	return answer(call, secrets_pepper(store_secrets(call->context->store)));
}

/* --- in a shared store ------------------------------------------------------------------------ */

static int answer_staged(struct call *call, const struct secret_shared *shared)
{
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 2);
	wire_put_cstr(call->out, "pepper");
	wire_put_int(call->out, shared->number);
	wire_put_cstr(call->out, "staged");
	wire_put_int(call->out, (uint8_t)(shared->number + 1));
	return 0;
}

static int use_staged(struct call *call, const struct secret_shared *shared)
{
	char names[SHARE_LACKING];
	uint8_t number = (uint8_t)(shared->number + 1);
	int lacking = share_pepper_lacking(call->context->share, number, names), r;

	if (lacking != 0) {
		return call_error(call, "conflict",
			"pepper %u is staged, and is not used before all hosts have it; %s%s: "
			"start what is down (authzcheck hosts says what a host lacks), or "
			"authzcheck hosts forget it",
			(unsigned)number, lacking < 0 ? "they are not known yet" : "it is not on ",
			names);
	}
	r = pepper_put_step(call->context->pepper, call->change, SECRET_SWITCH);
	return r < 0 ? r : answer(call, number);
}

static int rotate_shared(struct call *call)
{
	struct secret_shared shared;
	int r = share_pepper_get(call->context->store, call->read, &shared);

	if (r < 0) {
		return r;
	}
	if (shared.has_old) {
		return refuse_old(call);
	}
	if (shared.has_staged) {
		return use_staged(call, &shared);
	}
	r = pepper_put_step(call->context->pepper, call->change, SECRET_STAGE);
	return r < 0 ? r : answer_staged(call, &shared);
}

/* --- in any store ----------------------------------------------------------------------------- */

static int rotate(struct call *call)
{
	struct secrets *secrets = store_secrets(call->context->store);
	uint8_t from = secrets_pepper(secrets), to = (uint8_t)(from + 1), due;
	int r;

	if (!actor_is_superuser(call)) {
		return call_error(
			call, "forbidden", "only the daemon's user and root may rotate the pepper");
	}
	if (share_is_on(call->context->share)) {
		return rotate_shared(call);
	}
	if (secrets_have_old(secrets)) {
		return refuse_old(call);
	}
	r = store_get_pepper_due(call->read, &due);
	/* One that could not be finished is finished by this call. */
	if (r < 0 || due != to) {
		r = store_put_pepper_due(call->change->write, to);
		if (r == 0) {
			r = enter(call, from, to);
		}
	}
	if (r < 0) {
		return r;
	}
	*call->after = finish;
	return answer(call, to);
}

const struct method pepper_methods[] = {
	{ "pepper.rotate", NULL, 0, METHOD_CHANGES | METHOD_MANAGES | METHOD_EDITS | METHOD_ALONE,
		rotate },
};
const size_t pepper_method_count = sizeof pepper_methods / sizeof pepper_methods[0];
