/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The two halves of a connection: conn.c says when it reads and closes, conn_io.c moves the bytes
 * and processes the requests.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/serve/conn.h"

/* Bytes of answers that the peer has not taken. */
static inline size_t conn_unread(const struct conn *conn)
{
	return conn->out.len - conn->out_sent;
}

/* Reads once and processes what came. */
void conn_read(struct conn *conn);

/* Processes requests, as many as one turn has: bytes are conn->in, or the worker's. */
void conn_process(struct conn *conn, uint8_t *bytes, size_t len);

/* Sends what is kept, as much as the peer takes. */
void conn_flush(struct conn *conn);

/* Looks at what a change of state means: what to wait for, when to give up, whether to close. */
void conn_update(struct conn *conn);

/* Reads no more; a message in part is dropped, whole ones are still answered. */
void conn_stop(struct conn *conn);

/* One error without an id, and nothing more is read. */
void conn_refuse(struct conn *conn, const char *message);

void conn_drop_in(struct conn *conn);
void conn_drop_out(struct conn *conn);
