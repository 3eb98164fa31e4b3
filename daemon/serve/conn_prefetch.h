/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * conn_ahead: the next few requests of a batch, before the first of them is worked off.
 *
 * Each token of a large store costs some waits for memory, one after the other. Known beforehand,
 * those of several requests are waited for at once. It is a hint alone: nothing is decided here.
 */

#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"

struct conn;

/* As many waits for memory as a core can have under way, about. */
#define CONN_PREFETCH 8

struct conn_prefetch {
	unsigned count; /* whole requests */
	size_t sizes[CONN_PREFETCH];
	enum wire_progress end; /* of the last that was looked at */
};

/* The worker's transaction is open. */
void conn_prefetch_run(
	struct conn *conn, const uint8_t *bytes, size_t len, struct conn_prefetch *out);

/* The walk begins anew with the next bytes: what was walked ahead is walked again. */
void conn_prefetch_take(struct conn *conn);
