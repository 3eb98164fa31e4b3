/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tend/sweep.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/host/log.h"
#include "daemon/manage/keys/keys.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"
#include "daemon/tend/pepper.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"

struct sweep {
	struct writer_job job;
	struct server *server;
	uv_timer_t timer;
	atomic_bool busy;    /* the job is the writer's */
	atomic_bool stopped; /* nothing may be submitted */
	bool more;           /* the writer's: a slice was not all */
	bool failed;         /* the writer's: said once */
};

static const struct method method = { .name = "daemon.sweep" };

static int drop_retries(struct call *call, bool *out_more)
{
	int64_t oldest, before = call->now - STORE_RETRY_SECONDS;
	int r = store_oldest_retry(call->read, &oldest);

	if (r < 0 || oldest >= before) {
		return r == -ENOENT ? 0 : r;
	}
	*out_more = true;
	return store_drop_retries(call->write, before, SWEEP_SLICE);
}

static int on_job(struct writer_job *job, const struct writer_turn *turn)
{
	struct sweep *sweep = (struct sweep *)job;
	struct call call = {
		.server = sweep->server,
		.store = sweep->server->store,
		.usage = sweep->server->usage,
		.config = sweep->server->config,
		.read = turn->read,
		.write = turn->write,
		.now = turn->now,
		.method = &method,
	};

	int r = keys_purge_old(&call, SWEEP_SLICE, &sweep->more);

	if (r == 0) {
		r = audit_altered(&call);
	}
	return r < 0 ? r : drop_retries(&call, &sweep->more);
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
		writer_submit(sweep->server->writer, &sweep->job);
		return;
	}
	atomic_store(&sweep->busy, false);
}

static void on_timer(uv_timer_t *timer)
{
	struct sweep *sweep = timer->data;

	pepper_tick(sweep->server->pepper);
	if (!atomic_exchange(&sweep->busy, true)) {
		writer_submit(sweep->server->writer, &sweep->job);
	}
}

int sweep_create(struct server *server, struct sweep **out)
{
	struct sweep *sweep = calloc(1, sizeof *sweep);
	int r;

	if (sweep == NULL) {
		return -ENOMEM;
	}
	sweep->server = server;
	sweep->job.run = on_job;
	sweep->job.done = on_done;
	sweep->job.need = STORE_ENDS;
	r = uv_timer_init(&server->loop, &sweep->timer);
	if (r < 0) {
		free(sweep);
		return r;
	}
	sweep->timer.data = sweep;
	*out = sweep;
	return uv_timer_start(&sweep->timer, on_timer, 0, SWEEP_SECONDS * 1000);
}

void sweep_stop(struct sweep *sweep)
{
	if (sweep != NULL && !atomic_exchange(&sweep->stopped, true)) {
		pepper_stop(sweep->server->pepper);
		uv_close((uv_handle_t *)&sweep->timer, NULL);
	}
}

void sweep_destroy(struct sweep *sweep)
{
	free(sweep);
}
