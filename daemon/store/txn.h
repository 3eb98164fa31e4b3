/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * txn: transactions of the store: readers, and the writes of the writer's thread.
 *
 * Records are views into the map. A view is valid until its reader is reset or renewed; in a write,
 * until the next put or delete.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/str.h"

struct store;
struct store_read;
struct store_write;

/* --- reading ---------------------------------------------------------------------------------- */

/* Makes a reader, once for each worker. A new reader is reset: renew it before reading. Threads may
 * pass a reader on; one thread uses it at a time. */
int store_read_open(struct store *store, struct store_read **out);
void store_read_close(struct store_read *read); /* NULL is ignored */
/* Makes the reader see all that was committed before. It need not be reset before. */
int store_read_renew(struct store_read *read);
/* The number of the last transaction that the reader sees. 0: it was another program's, or the
 * reader is a write's, which sees what is not committed. */
uint64_t store_read_view(const struct store_read *read);
void store_read_reset(struct store_read *read);

/* --- writing: in the writer's thread only ----------------------------------------------------- */

/*
 * A write is one transaction, the batch, for several jobs. Each job has a savepoint, so that it can
 * be undone alone.
 */

int store_write_begin(struct store *store, struct store_write **out);
/*
 * The same for what a shared log has already (share/append.h), which is brought from there again.
 * Its commit waits for the disk once; a single store's waits three times:
 *
 *	after a crash of the process, or kill -9, the store has it: the kernel holds the file;
 *	after a loss of power the store is whole, and may lack the last such transaction, but no
 *	earlier one: the commit of each makes the one before durable.
 *
 * The trail's head in its file is that of a durable transaction, so it is never ahead of the store.
 * It is written once in STORE_HEAD_MS while there are changes, and by store_settle; what was
 * changed since is not proven by it.
 */
int store_write_begin_logged(struct store *store, struct store_write **out);
/* Makes what such writes committed durable, and the trail's head that of the store. The writer's
 * thread; it does nothing when nothing was left. */
int store_settle(struct store *store);
/* To be called right after store_write_begin, or after the last job was kept: what follows is a
 * single job, or several of which none is undone, and needs no savepoint.
 * (A savepoint is a nested transaction of LMDB, which allocates 3 MiB for its lists and copies the
 * pages that were changed before.) If such a job is undone after a put, the commit fails with
 * -EINVAL. */
void store_write_alone(struct store_write *write);
/* A reader that sees the batch and the current job; valid as long as the write. */
struct store_read *store_write_reader(struct store_write *write);
/* Begins a job. What the job before put and did not keep is undone. */
void store_write_job(struct store_write *write);
bool store_write_job_changed(const struct store_write *write); /* has the job put anything? */
/* Ends the job: keep takes its changes into the batch, undo drops them. */
int store_write_keep(struct store_write *write);
void store_write_undo(struct store_write *write);
/* True if the job changed a record and has not appended the trail's entry for it. Such a job must
 * be undone. */
bool store_write_owes(const struct store_write *write);
/* True if the thread met an altered record since the write began, even in a job that was undone.
 * Such a batch is not given to other hosts. */
bool store_write_met_altered(const struct store_write *write);
/* True if a job was kept. */
bool store_write_changed(const struct store_write *write);
/* Makes the batch durable, and raises the generation if `raise` is true. Ends the write, on failure
 * too. */
int store_write_commit(struct store_write *write, bool raise);
/* Ends the write without any change. NULL is ignored. */
void store_write_abort(struct store_write *write);

/* --- the watch -------------------------------------------------------------------------------- */

/*
 * For code that keeps what it read from the store: functions that the writer's thread calls before
 * it commits a transaction, for each key and principal that the transaction changes. What was read
 * by a reader with a view below `version` may be wrong then.
 */
struct store_watch {
	void *context;
	void (*key)(void *context, uint64_t version, uint64_t number);
	void (*principal)(void *context, uint64_t version, uint32_t tenant, struct pol_str id);
	/* Anything may have changed: another program wrote to the file, or there was too much. */
	void (*all)(void *context, uint64_t version);
};
/* Sets the watch; NULL removes it. To be called before other threads use the store. */
void store_set_watch(struct store *store, const struct store_watch *watch);
