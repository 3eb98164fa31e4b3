/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/exchange.h"

#include <uv.h>

#include "daemon/build.h"
#include "daemon/server.h"
#include "daemon/writer.h"

struct exchange {
	struct writer_job job;
	struct server *server;
	struct build *build;
	const struct build_options *options;
	struct pol_snapshot *old; /* once the new one stands */
	uint64_t serial;          /* of the new one; 0: it does not stand */
	uv_sem_t done;
};

static int on_exchange(struct writer_job *job, const struct writer_turn *turn)
{
	struct exchange *exchange = (struct exchange *)job;
	struct current *current = &exchange->server->current;
	struct build *build = exchange->build;

	/* Run again after a failed commit, it has been done already. */
	if (exchange->serial != 0) {
		return 0;
	}
	/* Here, where no principal can be made between the look and the exchange. */
	if (!build_fits(build, exchange->options, build->snapshot, turn->read)) {
		return 1;
	}
	exchange->old = current_exchange(current, build->snapshot);
	exchange->serial = current_serial(current);
	build->snapshot = NULL;
	return 0;
}

static void on_exchanged(struct writer_job *job, int result)
{
	struct exchange *exchange = (struct exchange *)job;

	(void)result;
	uv_sem_post(&exchange->done);
}

bool exchange_run(struct server *server, struct build *build, const struct build_options *options,
	struct pol_snapshot **out_old, uint64_t *out_serial)
{
	struct exchange exchange = {
		.job = { .run = on_exchange, .done = on_exchanged },
		.server = server,
		.build = build,
		.options = options,
	};

	if (uv_sem_init(&exchange.done, 0) != 0) {
		return false;
	}
	writer_submit(server->writer, &exchange.job);
	uv_sem_wait(&exchange.done);
	uv_sem_destroy(&exchange.done);
	if (exchange.serial == 0) {
		return false;
	}
	*out_old = exchange.old;
	*out_serial = exchange.serial;
	return true;
}
