/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * log_memory: the log of several hosts in memory, with faults on command: what share_log promises,
 * and all that a database and a network may do meanwhile. Any thread may use the log; each
 * connection is one host's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/share/log.h"

/* What happens to an append. */
enum log_fault {
	LOG_NONE = 0,
	LOG_LATE,    /* no answer; it is done at log_memory_arrive */
	LOG_LOST,    /* no answer; it is never done */
	LOG_DONE,    /* done, and no answer; the warning of a cancelled wait is the same */
	LOG_DOUBLED, /* done, answered, and done again at log_memory_arrive */
	LOG_BROKEN,  /* the connection is broken before anything is sent */
};

struct log_memory;

struct log_memory *log_memory_create(const struct share_head *head);
void log_memory_destroy(struct log_memory *log);

/* Asked for each append, under the log's lock; NULL: none. */
void log_memory_set_faults(
	struct log_memory *log, enum log_fault (*fault)(void *context), void *context);

/* Does the appends that were late, in an order that begins at `first` modulo their number. */
void log_memory_arrive(struct log_memory *log, unsigned first);

/* A standby is promoted, or an old backup restored, that has the rows up to a sequence: all
 * connections break, and another server answers. */
void log_memory_restore(struct log_memory *log, uint64_t sequence);

/* Another client locks the head; it dies at log_memory_unhold. */
void log_memory_hold(struct log_memory *log);
void log_memory_unhold(struct log_memory *log);

/* Flips a bit of a row's bytes, exchanges it with the next one, or deletes it. */
void log_memory_alter(struct log_memory *log, uint64_t sequence, size_t byte);
void log_memory_exchange(struct log_memory *log, uint64_t sequence);
void log_memory_delete(struct log_memory *log, uint64_t sequence);

/* Each answer of a look or a read takes `ms` milliseconds, by no clock: a caller that waits for
 * less has no answer. */
void log_memory_delay(struct log_memory *log, int ms);

/* Another server was promoted beside this one: it answers looks and reads, and commits nothing. */
void log_memory_replace(struct log_memory *log);

/* No connection is there or can be made until it is back. */
void log_memory_set_away(struct log_memory *log, bool away);

void log_memory_head(struct log_memory *log, struct share_head *out);
/* How often the head was locked, and how often something was committed to prove rows durable. */
unsigned log_memory_locks(struct log_memory *log);
unsigned log_memory_beats(struct log_memory *log);

/* A connection, or NULL while the log is away. Closed by share_log_ops.close. */
struct share_log *log_memory_connect(struct log_memory *log);
