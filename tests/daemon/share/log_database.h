/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * log_database: the log of a real server. tests/postgres.py runs the program, and $AUTHZ_POSTGRES
 * has the server's CONNINFO.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/share/database.h"

#define WAIT 20000 /* ms */

extern const struct share_database *database; /* loaded by made() */
extern struct share_expect expect;            /* what a connection must find */

/* A new log, and a connection to it. */
struct share_log *made(void);
/* Another connection to it, which listens. */
struct share_log *connected(void);
int try_to_connect(bool listen, struct share_log **out, char why[SHARE_WHY]);

/* Runs a statement beside the daemon. */
void run(const char *text);

struct share_head first_head(void);
struct share_head head_of(struct share_log *log);
/* The row after a head. */
struct share_row row_of(const struct share_head *before, const char *payload);
void follow(struct share_head *head, const struct share_row *row);
/* Appends rows of this many bytes. */
void append_rows(struct share_log *log, unsigned count, size_t size);

/* For `read`: checks that each row is one of row_of, and counts it in a struct seen. */
struct seen {
	unsigned count;
	uint64_t last;
	char payload[32];
};
int on_row(void *context, const struct share_row *row);

/* For a new log and for a snapshot: a string, the one piece of it. */
int one_piece(void *context, struct pol_str *out);
