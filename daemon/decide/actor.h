/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * actor: may the caller of a managing method do this action on this resource?
 *
 * With a `token` in the request the token alone decides: its roles and scopes, on the nodes of the
 * tree authz:, with the account lines of stack `authz`. With `impersonate` the principal alone
 * does, in the same way, by all its roles. Without either the peer decides: the daemon's own uid
 * and root may do everything; others what the configuration's `manage` lines name, as nodes and
 * actions of the same tree. manage/escalation.h checks what a caller may grant.
 *
 * Returns are those of a handler (call/call.h): 0 to go on, 1 when refused, or a negative errno.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/call/call.h"
#include "daemon/decide/subject.h"
#include "daemon/store/env.h"
#include "policy/text/str.h"

/* The owner of a managing token, or a principal that the peer impersonates. Its facts are views
 * into the transaction: dead after a put. */
struct actor {
	struct subject subject;
	uint32_t tenant;   /* it sees no other */
	bool impersonated; /* a principal without a key: there is no `kid`, and no subject.key */
	char kid[STORE_KID];
	char principal[STORE_MAX_NAME]; /* empty: its key is bound to none */
	size_t principal_len;
};

/* Principals that can be impersonated are those of this tenant: in a call that names another tenant
 * the same id would be somebody else. */
#define ACTOR_TENANT STORE_TENANT_DEFAULT

/* Runs the call's handler; with a managing token its owner is the actor, with `impersonate` the
 * principal. One that would not authenticate is refused, always in the same words. For
 * dispatch_run. */
int actor_run(struct call *call);

/* The subject of the token that is the call's first parameter, for a method of a key's holder. A
 * token that a decision would answer with 401 is refused, always in the same words, so that they
 * help nobody to guess one. */
int actor_find_holder(struct call *call, struct subject *out);

/* Does the call's token or principal authenticate, if it has one, and may the caller do what the
 * method needs? 0, and *out_tenant is the actor's tenant, or 0 if the peer acts; 1: refused; or a
 * negative errno. For a worker, before a change is queued, so that what is refused delays nobody. A
 * call that is refused here is counted as one that ran; another one is counted by its run. */
int actor_judge(struct call *call, uint32_t *out_tenant);

/* `authz:/NOUN`, or `authz:/NOUN/ID` when the id is not empty; the action as in that tree. */
int actor_may(struct call *call, const char *noun, struct pol_str id, const char *action);

/* The same question without an error: 1 yes, 0 no, or a negative errno. */
int actor_can(struct call *call, const char *noun, struct pol_str id, const char *action);

/* The same for an actor that is not the peer, as of another time: `then` is what its owner has
 * then. Nothing is logged. */
bool actor_could(struct call *call, const struct pol_facts *then, const char *noun,
	struct pol_str id, const char *action);

/* The peer may do everything, and acts itself. */
bool actor_is_superuser(const struct call *call);

/* The same, or a `manage` line gives the peer everything that such a line can give: it may give
 * what it does not have. */
bool actor_gives_anything(const struct call *call);

/* The caller, as the audit trail names it. With a NUL. */
#define ACTOR_NAME (16 + STORE_MAX_NAME)
void actor_name(const struct call *call, char out[static ACTOR_NAME]);

/* May the caller know of this tenant at all? */
bool actor_sees(const struct call *call, uint32_t tenant);
