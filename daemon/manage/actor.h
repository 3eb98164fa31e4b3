/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * actor: may whoever calls do this to that?
 *
 * The daemon's own uid and root may do everything; others what the configuration's `manage` lines
 * name, as nodes and actions of the tree authz:. Nobody hands out what he may not: giving a role
 * or a scope away takes `grant` on it, and a key for a principal takes `issue` on that one.
 *
 * Each gives 0 to go on; 1 when it is refused and the error is written; or a negative errno.
 */

#include <stddef.h>

#include "daemon/call.h"
#include "daemon/store.h"
#include "policy/str.h"

/* `authz:/NOUN`, or `authz:/NOUN/ID` when the id is not empty; the action as in that tree. */
int actor_may(struct call *call, const char *noun, struct pol_str id, const char *action);

/* Hand out a role, or a scope, that one does not hold oneself. */
int actor_may_grant_role(struct call *call, struct pol_str role);
int actor_may_grant_scope(struct call *call, struct pol_str scope);

/* All of what a key allows is handed to whoever holds its secret: at its creation and whenever it
 * comes back to life. */
int actor_may_give_key(struct call *call, const struct store_key *key);
/* Likewise all that a principal holds. */
int actor_may_give_principal(struct call *call, uint32_t tenant, struct pol_str id);
/* Likewise these assignments: what is left to a principal from whom a denial is taken. */
int actor_may_give_assignments(struct call *call, struct store_list assignments);

/* Who it was, for records: `uid:1000`. */
#define ACTOR_TEXT 32
struct pol_str actor_text(const struct call *call, char text[static ACTOR_TEXT]);
