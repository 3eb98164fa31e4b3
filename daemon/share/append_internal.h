/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * append_internal: what append.c (batches), append_open.c (the connection and who answers it),
 * catch_up.c and give_back.c share; no other file includes it. The writer's thread only.
 */

#include "daemon/share/append.h"
#include "daemon/share/catch_up.h"

/* CLOCK_BOOTTIME in ms; and how much of a deadline is left: 1 at least, as 0 would not wait. */
uint64_t share_append_now(void);
int share_append_left(uint64_t deadline);

/* Notes why it does not go on. */
void share_append_note(struct share_append *append, const char *why);

/* A buffer of this size, valid until the next call; NULL: no memory. */
uint8_t *share_append_room(struct share_append *append, size_t size);

/* The head after a row. */
struct share_head share_append_after(const struct share_head *before, const struct share_row *row);
/* A row is applied: does it ask for a report? Before `fresh->applied` has it. */
void share_append_note_asks(struct share_append *append, uint32_t asks, uint64_t sequence);
int share_append_put_place(
	struct share_append *append, struct store_write *write, const struct share_head *head);

/* The connection, asked for the server that answers it, and with the tail given back if the log
 * ended before this store. 0; -ENOTCONN: there is none; -ETIMEDOUT: it broke, try again; -EPERM: it
 * is not to be used: `why` says it. */
int share_append_open(struct share_append *append, uint64_t deadline);
/* The same without a wait for a connection; one that is there has SHARE_ANSWER_MS to answer. */
int share_append_open_now(struct share_append *append);
void share_append_close(struct share_append *append, bool broken);
/* Waits until other hosts had the time to give back. False: not before the deadline. */
bool share_append_wait_hold(struct share_append *append, uint64_t deadline);

/* Stores that this host has diverged, if that is not stored. No write may be open. */
void share_append_save_diverged(struct share_append *append);
/* Nothing is applied or appended any more; stored by share_append_save_diverged. */
void share_append_diverge(struct share_append *append);

/* Compares the rows that the store keeps with those of the log. SHARE_LOST: the log has another
 * host's row in the place of one; -EBADMSG: it has an altered one; -ENOENT: the log begins after
 * them, or differs before them; 0: no difference. */
int share_find_fork(struct share_append *append, char why[static SHARE_WHY]);
