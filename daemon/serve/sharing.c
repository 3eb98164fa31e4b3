/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/sharing.h"

#include <stdio.h>

#include "daemon/host/confine.h"
#include "daemon/host/log.h"
#include "daemon/keys/usage.h"
#include "daemon/load/stored_roles.h"
#include "daemon/serve/server.h"
#include "daemon/share/share.h"
#include "daemon/store/env.h"
#include "daemon/store/shared.h"
#include "daemon/write/writer.h"

/* --- the writer's thread ---------------------------------------------------------------------- */

/* The roles of the store as it is now take the place of those in the policy that answers. */
static void take_roles(struct server *server)
{
	struct stored_roles_change change = { .any = true };
	struct pol_snapshot *whole;
	int r = store_read_renew(server->share_read);

	if (r == 0) {
		r = stored_roles_extend(
			server->share_read, server->current.snapshot, &change, &whole);
		store_read_reset(server->share_read);
	}
	if (r == 0) {
		current_exchange(&server->current, whole);
	} else {
		log_error("the roles of another host's change cannot be taken into the policy",
			"error=%s", stored_roles_explain(r));
	}
}

static void on_applied(void *context, bool roles)
{
	struct server *server = context;

	/* At the start the policy has them, and there is no worker yet. */
	if (server->writer == NULL) {
		return;
	}
	if (roles) {
		take_roles(server);
		server_wake_workers(server);
	}
}

static void on_replaced(void *context)
{
	struct server *server = context;

	usage_begin_again(server->context.usage);
}

/* The watcher's thread. */
static bool on_learn(void *context, uint64_t number, uint64_t hash)
{
	struct server *server = context;

	return usage_learn_hash(server->context.usage, number, hash);
}

static struct share_append *on_append(void *context)
{
	return share_writer_append(context);
}

static void on_turn(void *context)
{
	share_writer_turn(context);
}

static void on_wake(void *context)
{
	writer_wake_share(context);
}

static void on_go_on(void *context)
{
	writer_go_on(context);
}

/* --- the beginning and the end ---------------------------------------------------------------- */

/* Alone it would change what the others do not have. */
static int refuse_shared(struct server *server)
{
	struct store_shared shared;
	struct store_read *read;
	int r = store_read_open(server->context.store, &read);

	if (r < 0) {
		return r;
	}
	r = store_read_renew(read);
	r = r == 0 ? store_get_shared(read, &shared) : r;
	store_read_close(read);
	if (r == 0) {
		fprintf(stderr,
			"authzd: this store is one that several hosts share: write `shared` into "
			"the configuration again; `authzcheck store leave` then makes it a single "
			"one\n");
		return -EINVAL;
	}
	return r == -ENOENT ? 0 : r;
}

int server_start_share(struct server *server)
{
	const struct config *config = server->context.config;
	const struct share_options options = {
		.conninfo = config->shared,
		.host = config->host,
		.state = config->state,
		.confine = config->confine && confine_is_built(),
		.start_stale = config->start_stale,
		.store = server->context.store,
		.fresh = &server->fresh,
		.applied = on_applied,
		.replaced = on_replaced,
		.learn = on_learn,
		.context = server,
	};
	char why[SHARE_WHY] = "";
	int r;

	if (config->shared == NULL) {
		return refuse_shared(server);
	}
	r = store_read_open(server->context.store, &server->share_read);
	if (r == 0) {
		r = share_create(&options, &server->context.share, why);
	}
	if (r < 0) {
		fprintf(stderr, "authzd: cannot share the store: %s\n",
			why[0] != '\0' ? why : store_explain(r));
		return r;
	}
	server->context.fresh = &server->fresh;
	server_share_revision(server, pol_snapshot_revision(server->current.snapshot));
	return 0;
}

const struct writer_shared *server_share_writer(struct server *server, struct writer_shared *out)
{
	if (server->context.share == NULL) {
		return NULL;
	}
	*out = (struct writer_shared){
		.append = on_append, .turn = on_turn, .context = server->context.share
	};
	return out;
}

void server_share_wakes(struct server *server, bool wakes)
{
	const struct share_writer writer = {
		.wake = on_wake, .go_on = on_go_on, .context = server->writer
	};

	if (server->context.share != NULL) {
		share_set_writer(server->context.share, wakes ? &writer : NULL);
	}
}

void server_share_revision(struct server *server, const char *revision)
{
	if (server->context.share != NULL) {
		share_set_revision(server->context.share, revision);
	}
}
