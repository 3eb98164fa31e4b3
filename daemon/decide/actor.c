/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/actor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/call/dispatch.h"
#include "daemon/config/config.h"
#include "daemon/decide/decision_note.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/keys/usage.h"
#include "daemon/tend/rotation.h"
#include "daemon/write/audit.h"
#include "policy/decide/eval.h"
#include "policy/text/path.h"
#include "policy/text/reason.h"

/* The noun, its id of at most STORE_MAX_NAME bytes, and what is around them. */
#define MAX_RESOURCE (STORE_MAX_NAME + 64)

bool actor_is_superuser(const struct call *call)
{
	return call->actor == NULL && call->peer->superuser;
}

bool actor_gives_anything(const struct call *call)
{
	return call->actor == NULL && (call->peer->superuser || call->peer->manages_all);
}

bool actor_sees(const struct call *call, uint32_t tenant)
{
	return call->actor == NULL || call->actor->tenant == tenant;
}

static void name_actor(const struct actor *actor, char out[static ACTOR_NAME])
{
	if (!actor->impersonated) {
		snprintf(out, ACTOR_NAME, "key:%.*s", STORE_KID, actor->kid);
	} else {
		snprintf(out, ACTOR_NAME, "principal:%.*s", (int)actor->principal_len,
			actor->principal);
	}
}

void actor_name(const struct call *call, char out[static ACTOR_NAME])
{
	const char *host = call->shared.shared ? call->context->config->host : NULL;

	if (call->actor != NULL) {
		name_actor(call->actor, out);
		return;
	}
	snprintf(out, ACTOR_NAME, "uid:%u%s%s", (unsigned)call->peer->uid, host != NULL ? "@" : "",
		host != NULL ? host : "");
}

/* --- a token ---------------------------------------------------------------------------------- */

/* Counts the key as a decision does: used, or presented and refused. */
static void count(struct call *call, const struct actor *actor, bool denied)
{
	static const struct pol_ip nowhere = { .known = false };
	struct usage_event event = { .now = call->now, .ip = &nowhere, .denied = denied };

	if (actor->subject.verified) {
		usage_count(call->context->usage, call->read, actor->subject.key.number, &event);
	}
}

/* Decided up to the resource, of which there is none: does the subject authenticate? */
static bool is_accepted(struct call *call, const struct subject *subject)
{
	struct pol_facts facts = subject->facts;
	struct pol_decision decision;

	pol_eval_managing(call->snapshot, &facts, &decision);
	return !pol_reason_is_unauthenticated(decision.reason);
}

/* Gathers the subject of a token that authenticates. */
static int verify(struct call *call, struct wire_str token, struct actor *out)
{
	struct subject_ask ask = {
		.has_token = true,
		.has_tenant = true,
		.token = { token.ptr, token.len },
		.tenant = POL_STR("*"),
	};
	int r = subject_gather(call, &ask, &out->subject);

	if (r == 0) {
		call->cost += subject_place_cost(&out->subject);
	}
	if (r < 0 || (out->subject.verified && is_accepted(call, &out->subject))) {
		return r;
	}
	count(call, out, true);
	return call_error(call, "forbidden", "the token is not accepted");
}

/* --- a principal that the peer impersonates --------------------------------------------------- */

/* Could a principal have this id? As check_id, by which ids of the store are made: one with a space
 * would be two in a list of custody. */
static bool is_id(struct wire_str id)
{
	if (id.len == 0 || id.len > STORE_MAX_NAME) {
		return false;
	}
	for (size_t i = 0; i < id.len; i++) {
		unsigned char c = (unsigned char)id.ptr[i];

		if (c <= ' ' || c == '/' || c == 0x7f) {
			return false;
		}
	}
	return true;
}

/* Gathers the subject of a principal that is active. The peer was admitted when the request was
 * decoded; nothing after that makes an admission, so it is asked again here. */
static int find_principal(struct call *call, struct wire_str id, struct actor *out)
{
	const struct subject_ask ask = {
		.has_principal = true,
		.has_tenant = true,
		.principal = { id.ptr, id.len },
		.tenant = subject_tenant_name(call, ACTOR_TENANT),
	};
	int r = -ENOENT;

	if (call->peer->may_manage && call->peer->impersonates && is_id(id)) {
		r = subject_gather(call, &ask, &out->subject);
	}
	if (r == 0) {
		call->cost += subject_place_cost(&out->subject);
	}
	if ((r < 0 && r != -ENOENT) ||
		(r == 0 && out->subject.known_principal && is_accepted(call, &out->subject))) {
		return r;
	}
	return call_error(call, "forbidden", "the principal is not accepted");
}

int actor_find_holder(struct call *call, struct subject *out)
{
	struct subject_ask ask = {
		.has_token = true,
		.has_environment = true,
		.has_tenant = true,
		.token = subject_str(call->params[0].text),
		.environment = POL_STR("*"),
		.tenant = POL_STR("*"),
	};
	const struct pol_facts *facts = &out->facts;
	int r = subject_gather(call, &ask, out);

	if (r < 0) {
		return r;
	}
	if (!out->verified || out->by_other || facts->key_state != POL_KEY_ACTIVE ||
		facts->tenant_inactive || facts->wrong_environment || facts->wrong_tenant ||
		(facts->binding == POL_BOUND_TO_PRINCIPAL &&
			facts->principal_state != POL_PRINCIPAL_ACTIVE)) {
		return call_error(call, "forbidden",
			"the token is not the current secret of an active key of an active "
			"principal");
	}
	return 0;
}

/* The token was accepted: it is used, whatever becomes of the call. */
static void use(struct call *call, const struct actor *actor)
{
	const struct subject *subject = &actor->subject;

	/* A change in parts uses it once. */
	if (call->slices == NULL || !call->slices->going) {
		count(call, actor, false);
	}
	/* A secret that waited for its first use was used. */
	if (subject->by_other &&
		secret_rules_other(&subject->key, call->now) == STORE_OTHER_PENDING &&
		subject->facts.key_network_count == 0) {
		rotation_first_use(call->context->rotation, subject->key.number, subject->key.kid,
			subject->key.rotation.other_hash);
	}
}

/* From here on the actor calls, and the trail says so. */
static void begin(struct call *call, struct actor *actor)
{
	call->actor = actor;
	if (call->change != NULL) {
		name_actor(actor, call->change->actor);
	}
}

_Static_assert(ACTOR_NAME <= AUDIT_ACTOR, "the trail has room for each actor");

static int begin_token(struct call *call, struct wire_str token, struct actor *out)
{
	const struct subject *subject = &out->subject;
	int r = verify(call, token, out);

	if (r != 0) {
		return r;
	}
	use(call, out);
	out->tenant = subject->key.tenant;
	out->impersonated = false;
	memcpy(out->kid, subject->key.kid.ptr, STORE_KID);
	out->principal_len = subject->key.principal.len;
	if (out->principal_len > sizeof out->principal) {
		return -EBADMSG;
	}
	if (out->principal_len > 0) {
		memcpy(out->principal, subject->key.principal.ptr, out->principal_len);
	}
	begin(call, out);
	return 0;
}

static int begin_principal(struct call *call, struct wire_str id, struct actor *out)
{
	int r = find_principal(call, id, out);

	if (r != 0) {
		return r;
	}
	out->tenant = ACTOR_TENANT;
	out->impersonated = true;
	memset(out->kid, 0, sizeof out->kid);
	out->principal_len = id.len;
	memcpy(out->principal, id.ptr, id.len);
	begin(call, out);
	return 0;
}

/* The facts are large, so they are not on the stack of every call. */
__attribute__((noinline)) static int run_by(struct call *call, enum dispatch_by by)
{
	struct wire_str caller = dispatch_caller(call);
	struct actor actor;
	int r = by == DISPATCH_BY_TOKEN ? begin_token(call, caller, &actor)
					: begin_principal(call, caller, &actor);

	if (r == 0) {
		r = call->method->handler(call);
	}
	call->actor = NULL;
	return r;
}

int actor_run(struct call *call)
{
	enum dispatch_by by = dispatch_by(call);

	return by == DISPATCH_BY_PEER ? call->method->handler(call) : run_by(call, by);
}

/* --- what an actor may ------------------------------------------------------------------------ */

/* The path is made of segments as they are: an id may hold what a path cannot. */
static void make_path(const char *noun, struct pol_str id, struct pol_path_memo *memo)
{
	struct pol_path *path = &memo->path;
	const char *slash = strchr(noun, '/');

	pol_path_memo_begin(memo);
	memo->known = true;
	memo->status = POL_OK;
	pol_path_begin(path);
	if (slash != NULL) {
		path->segments[path->count++] = (struct pol_str){ noun, (size_t)(slash - noun) };
		noun = slash + 1;
	}
	path->segments[path->count++] = pol_str_of(noun);
	if (id.len > 0) {
		path->segments[path->count++] = id;
	}
}

/* Decides the action with `facts`, which are changed. */
static bool decide_managing(struct call *call, struct pol_facts *facts, const char *noun,
	struct pol_str id, const char *action, struct pol_decision *out)
{
	struct pol_path_memo memo;

	make_path(noun, id, &memo);
	facts->tree = POL_STR("authz");
	facts->memo = &memo;
	facts->verb = pol_str_of(action);
	facts->now = call->now;
	facts->dice = call_random(call);
	pol_eval_managing(call->snapshot, facts, out);
	facts->memo = NULL;
	return out->allow;
}

static int actor_itself_can(
	struct call *call, const char *noun, struct pol_str id, const char *action)
{
	struct pol_facts facts = call->actor->subject.facts;
	struct pol_decision decision;
	char path[MAX_RESOURCE];
	int len;

	/* For the log; the decision uses the segments. */
	len = snprintf(
		path, sizeof path, "/%s%s%.*s", noun, id.len > 0 ? "/" : "", POL_STR_ARGS(id));
	facts.path = (struct pol_str){ path, (size_t)len < sizeof path ? (size_t)len : 0 };
	decide_managing(call, &facts, noun, id, action, &decision);
	if ((decision.marks & (POL_MARK_WARN | POL_MARK_LOG)) != 0) {
		decision_note_write(call, &call->actor->subject, &facts, &decision);
	}
	return decision.allow;
}

bool actor_could(struct call *call, const struct pol_facts *then, const char *noun,
	struct pol_str id, const char *action)
{
	struct pol_facts facts = *then;
	struct pol_decision decision;

	return decide_managing(call, &facts, noun, id, action, &decision);
}

/* --- any caller ----------------------------------------------------------------------------------
 */

static struct pol_str name_resource(
	char text[static MAX_RESOURCE], const char *noun, struct pol_str id)
{
	int len = snprintf(text, MAX_RESOURCE, id.len > 0 ? "authz:/%s/%.*s" : "authz:/%s", noun,
		POL_STR_ARGS(id));

	return (struct pol_str){ text, len > 0 && (size_t)len < MAX_RESOURCE ? (size_t)len : 0 };
}

int actor_can(struct call *call, const char *noun, struct pol_str id, const char *action)
{
	char text[MAX_RESOURCE];

	if (actor_is_superuser(call)) {
		return 1;
	}
	/* Longer than any id that exists: what is asked about is not there. */
	if (id.len > STORE_MAX_NAME) {
		id.len = 0;
	}
	if (call->actor != NULL) {
		return actor_itself_can(call, noun, id, action);
	}
	return config_match_manager_allows(call->context->config, call->peer,
		name_resource(text, noun, id), pol_str_of(action));
}

int actor_may(struct call *call, const char *noun, struct pol_str id, const char *action)
{
	char text[MAX_RESOURCE];
	struct pol_str resource;
	int r = actor_can(call, noun, id, action);

	if (r != 0) {
		return r < 0 ? r : 0;
	}
	resource = name_resource(text, noun, id.len > STORE_MAX_NAME ? (struct pol_str){ 0 } : id);
	return call_error(call, "forbidden",
		call->actor != NULL && call->actor->impersonated
			? "the principal may not %s on %.*s: a role can allow it"
		: call->actor != NULL
			? "the token may not %s on %.*s: a role or a scope can allow it"
			: "you may not %s on %.*s: a `manage` line of the configuration can allow "
			  "it",
		action, POL_STR_ARGS(resource));
}

/* --- before a change is queued ---------------------------------------------------------------- */

/* What a method needs: `action` on authz:/NOUN, or on authz:/NOUN/ID by its first parameter. */
struct right {
	char noun[16];
	const char *action;
	bool on_record;
};

/* Methods that are not named after their action. */
static const char *const rotating[] = { "finish", "prolong", "rollback" };

/* By the name of the method. False: it needs no right that could be asked for before it runs. */
static bool find_right(const struct method *method, struct right *out)
{
	const uint32_t asks = METHOD_CHANGES | METHOD_TOKEN;
	const char *dot = strchr(method->name, '.');
	size_t len = dot != NULL ? (size_t)(dot - method->name) : 0;

	if ((method->flags & asks) != asks || len == 0 || len >= sizeof out->noun) {
		return false;
	}
	memcpy(out->noun, method->name, len);
	out->noun[len] = '\0';
	out->action = dot + 1;
	for (size_t i = 0; i < sizeof rotating / sizeof rotating[0]; i++) {
		if (strcmp(out->action, rotating[i]) == 0) {
			out->action = "rotate";
		}
	}
	out->on_record =
		strcmp(out->action, "create") != 0 && strcmp(out->noun, "assignments") != 0;
	return true;
}

/* May the caller do what the method needs? What is allowed is asked again by the run, so it is
 * logged there. */
static int judge_right(struct call *call)
{
	struct pol_str id = { NULL, 0 };
	struct right right;

	if (!find_right(call->method, &right)) {
		return 0;
	}
	if (right.on_record && call->params[0].text.len <= STORE_MAX_NAME) {
		id = subject_str(call->params[0].text);
	}
	if (call->actor != NULL &&
		actor_could(call, &call->actor->subject.facts, right.noun, id, right.action)) {
		return 0;
	}
	return actor_may(call, right.noun, id, right.action);
}

/* The same as `actor`. */
static int judge_as(struct call *call, const struct actor *actor)
{
	int r;

	call->actor = actor;
	r = judge_right(call);
	call->actor = NULL;
	return r;
}

/* The facts are large, so they are not on the stack of every call. */
__attribute__((noinline)) static int judge_token(struct call *call, uint32_t *out_tenant)
{
	bool holder = (call->method->flags & METHOD_HOLDER) != 0;
	struct actor actor;
	int r;

	actor.impersonated = false;
	r = holder ? actor_find_holder(call, &actor.subject)
		   : verify(call, dispatch_caller(call), &actor);
	if (r != 0) {
		return r;
	}
	*out_tenant = actor.subject.key.tenant;
	if (holder) {
		return 0;
	}
	r = judge_as(call, &actor);
	if (r > 0) {
		use(call, &actor);
	}
	return r;
}

__attribute__((noinline)) static int judge_principal(struct call *call, uint32_t *out_tenant)
{
	struct actor actor;
	int r = find_principal(call, dispatch_caller(call), &actor);

	actor.impersonated = true;
	*out_tenant = r == 0 ? ACTOR_TENANT : 0;
	return r != 0 ? r : judge_as(call, &actor);
}

int actor_judge(struct call *call, uint32_t *out_tenant)
{
	enum dispatch_by by = dispatch_by(call);

	*out_tenant = 0;
	if (by == DISPATCH_BY_PRINCIPAL) {
		return judge_principal(call, out_tenant);
	}
	return by == DISPATCH_BY_TOKEN || (call->method->flags & METHOD_HOLDER) != 0
		       ? judge_token(call, out_tenant)
		       : judge_right(call);
}
