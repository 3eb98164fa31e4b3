/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * judge: judges the caller of a change on the worker, before anything is queued.
 *
 * So a peer without a token that authenticates, and a caller without the right to the action, never
 * reach the writer's queue. The writer judges again, since both may have ended in between.
 */

#include <stdint.h>

#include "daemon/call/call.h"

struct conn;

/* The call has the request's method, parameters and id. 0: go on, and *out_tenant is the token's
 * tenant, or 0 without a token; 1: refused, the response is written. */
int judge_change(struct conn *conn, struct call *call, uint32_t *out_tenant);

/* For queue_item.order: the same number for two changes of one connection that name the same
 * record, by `principal` or else by the method's first parameter; 0: the change names none. */
uint64_t judge_order(const struct conn *conn, const struct call *call);
