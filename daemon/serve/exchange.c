/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/exchange.h"

#include <uv.h>

#include "daemon/host/log.h"
#include "daemon/load/build.h"
#include "daemon/load/stored_roles.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"

struct exchange {
	struct writer_job job;
	struct server *server;
	struct build *build;
	const struct build_options *options;
	const struct peer *by;
	struct exchanged to; /* serial 0: it does not stand */
	uv_sem_t done;
};

/* Again for each run: an undone one took its entry with it. */
static int enter(const struct exchange *exchange, const struct writer_turn *turn)
{
	const struct audit_change change = audit_change_of(turn, exchange->by, "policy.reload");
	struct audit_note note;
	const struct audit_entry entry = { .kind = STORE_AUDIT_POLICY, .note = &note };

	audit_note_init(&note);
	audit_note_text(&note, "revision", pol_str_of(pol_snapshot_revision(exchange->to.old)),
		pol_str_of(pol_snapshot_revision(exchange->server->current.snapshot)));
	return audit_enter(&change, &entry);
}

static int on_exchange(struct writer_job *job, const struct writer_turn *turn)
{
	struct exchange *exchange = (struct exchange *)job;
	struct current *current = &exchange->server->current;
	struct build *build = exchange->build;
	struct pol_snapshot *whole;
	int r;

	/* Run again after a failed commit, it has been done already. */
	if (exchange->to.serial == 0) {
		/* Here, where no principal can be made between the look and the exchange. */
		if (!build_fits(build, exchange->options, build->snapshot, turn->read)) {
			return 1;
		}
		r = stored_roles_extend(turn->read, build->snapshot, NULL, &whole);
		if (r < 0) {
			log_error("the store's roles cannot be taken into the new policy",
				"error=%s", store_explain(r));
			return r;
		}
		exchange->to.old = current_exchange(current, whole);
		exchange->to.serial = current_serial(current);
		pol_snapshot_unref(build->snapshot);
		build->snapshot = NULL;
	}
	return enter(exchange, turn);
}

static void on_exchanged(struct writer_job *job, int result)
{
	struct exchange *exchange = (struct exchange *)job;

	if (result < 0 && exchange->to.serial != 0) {
		/* It stands: a full disk must not keep a narrower policy away. */
		log_error("the exchange of the policy is missing in the audit trail", "why=%s",
			store_explain(result));
	}
	uv_sem_post(&exchange->done);
}

bool exchange_run(struct server *server, struct build *build, const struct build_options *options,
	const struct peer *by, struct exchanged *out)
{
	struct exchange exchange = {
		.job = { .run = on_exchange,
			.done = on_exchanged,
			.need = STORE_ENDS,
			.alone = true },
		.server = server,
		.build = build,
		.options = options,
		.by = by,
	};

	if (uv_sem_init(&exchange.done, 0) != 0) {
		return false;
	}
	writer_submit(server->writer, &exchange.job);
	uv_sem_wait(&exchange.done);
	uv_sem_destroy(&exchange.done);
	if (exchange.to.serial == 0) {
		return false;
	}
	*out = exchange.to;
	return true;
}
