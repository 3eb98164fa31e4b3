/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tend/sweep.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/host/log.h"
#include "daemon/store/env.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"

struct sweep {
	struct writer_job job;
	struct store *store;
	struct writer *writer;
	atomic_bool busy;    /* the writer has the job */
	atomic_bool stopped; /* nothing may be submitted */
	bool more;           /* the writer's: there is another slice */
	bool failed;         /* the writer's: the failure was logged */
};

int sweep_purge(const struct audit_change *change, unsigned most, bool *out_more)
{
	char kid[STORE_KID];
	int r = 0;

	for (unsigned i = 0; i < most && r == 0; i++) {
		r = store_find_deleted(change->read, change->now - SWEEP_DELETED_SECONDS, kid);
		if (r == 0) {
			r = audit_remove_key(change, (struct pol_str){ kid, sizeof kid });
		}
	}
	*out_more = r == 0;
	return r == -ENOENT ? 0 : r;
}

static int drop_retries(const struct audit_change *change, bool *out_more)
{
	int64_t oldest, before = change->now - STORE_RETRY_SECONDS;
	int r = store_oldest_retry(change->read, &oldest);

	if (r < 0 || oldest >= before) {
		return r == -ENOENT ? 0 : r;
	}
	*out_more = true;
	return store_drop_retries(change->write, before, SWEEP_SLICE);
}

static int on_job(struct writer_job *job, const struct writer_turn *turn)
{
	struct sweep *sweep = (struct sweep *)job;
	const struct audit_change change = audit_change_of(turn, NULL, "daemon.sweep");
	int r = sweep_purge(&change, SWEEP_SLICE, &sweep->more);

	if (r == 0) {
		r = audit_altered(&change, sweep->store);
	}
	return r < 0 ? r : drop_retries(&change, &sweep->more);
}

static void on_done(struct writer_job *job, int result)
{
	struct sweep *sweep = (struct sweep *)job;

	if (result < 0 && !sweep->failed) {
		log_error(
			"cannot clear the store of what is over", "why=%s", store_explain(result));
	}
	sweep->failed = result < 0;
	if (result == 0 && sweep->more && !atomic_load(&sweep->stopped)) {
		writer_submit(sweep->writer, &sweep->job);
		return;
	}
	atomic_store(&sweep->busy, false);
}

void sweep_tick(struct sweep *sweep)
{
	if (!atomic_load(&sweep->stopped) && !atomic_exchange(&sweep->busy, true)) {
		writer_submit(sweep->writer, &sweep->job);
	}
}

int sweep_create(struct store *store, struct writer *writer, struct sweep **out)
{
	struct sweep *sweep = calloc(1, sizeof *sweep);

	if (sweep == NULL) {
		return -ENOMEM;
	}
	sweep->store = store;
	sweep->writer = writer;
	sweep->job.run = on_job;
	sweep->job.done = on_done;
	sweep->job.item.class = QUEUE_MAKES; /* it can wait */
	sweep->job.item.uid = QUEUE_DAEMON;
	sweep->job.need = STORE_ENDS;
	*out = sweep;
	return 0;
}

void sweep_stop(struct sweep *sweep)
{
	if (sweep != NULL) {
		atomic_store(&sweep->stopped, true);
	}
}

void sweep_destroy(struct sweep *sweep)
{
	free(sweep);
}
