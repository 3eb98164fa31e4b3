/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * conn_request: one request of a connection: decided here, or handed to the thread that changes
 * things.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

/* Writes the answer into the worker's buffer, or defers the call. Gives how many decisions it
 * weighs in the connection's turn: at least one. `waited`: it had its time for `as_of`. */
uint32_t conn_request(struct conn *conn, const uint8_t *bytes, size_t len, bool waited);

/* Goes on with conn->rest; its response is written when it is whole. Gives the same. */
uint32_t conn_request_continue(struct conn *conn);
