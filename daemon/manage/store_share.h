/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * store_share: handlers of the methods about a shared store, for the table in store.c, and what
 * `status` says of it.
 */

#include "daemon/call/call.h"

#define STORE_JOIN_FIELDS   2
#define STORE_REJOIN_FIELDS 2
#define STORE_SET_FIELDS    3
#define STORE_SHARE_FIELDS  5

extern const struct wire_field store_join_fields[STORE_JOIN_FIELDS];
extern const struct wire_field store_rejoin_fields[STORE_REJOIN_FIELDS];
extern const struct wire_field store_set_fields[STORE_SET_FIELDS];
extern const struct wire_field store_share_fields[STORE_SHARE_FIELDS];

int store_join(struct call *call);
int store_leave(struct call *call);
int store_rejoin(struct call *call);
int store_set(struct call *call);
int store_share(struct call *call);
int store_upgrade(struct call *call);

/* May the caller manage what is shared? It is a superuser, and the configuration has a line
 * `shared`. 0; 1: refused. */
int store_share_admit(struct call *call);
/* The answer to what daemon/share could not do: `r` is its result. Returns 1. */
int store_share_refuse(struct call *call, int r, const char *why);
/* Runs `work` after the call's own transaction, which has nothing in it, in the writer's thread;
 * its answer is the call's. What a handler returns. */
int store_share_later(struct call *call, int (*work)(struct call *call));
/* Enters into the trail what this host did, as the method that is called. */
void store_share_enter(struct call *call, const char *action);

/* Appends the pairs `realm`, `epoch` and `as_of`. */
struct share_realm;
void store_share_put_realm(struct wire_buf *out, const struct share_realm *realm);
/* Appends the map `shared` to the answer of `status`. */
void store_share_encode(struct call *call);
