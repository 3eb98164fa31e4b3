/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/start.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/decide/decision_log.h"
#include "daemon/host/log.h"
#include "daemon/host/statedir.h"
#include "daemon/keys/principal_cache.h"
#include "daemon/keys/quota_counters.h"
#include "daemon/keys/usage.h"
#include "daemon/load/build.h"
#include "daemon/load/plugin.h"
#include "daemon/load/stored_roles.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"
#include "daemon/tend/rotation.h"
#include "daemon/write/writer.h"

static void print_error(const char *why)
{
	fprintf(stderr, "authzd: %s\n", why);
}

int server_open_listeners(struct server *server)
{
	const struct config *config = server->context.config;
	char why[LISTENER_WHY];

	for (size_t i = 0; i < config->listener_count; i++) {
		int r;

		snprintf(why, sizeof why, "cannot listen at %s", config->listeners[i].path);
		server->listener_count++;
		r = listener_open(server->listeners, i, &config->listeners[i], why);
		if (r < 0) {
			print_error(why);
			return r;
		}
	}
	return 0;
}

int server_prepare_folders(struct server *server)
{
	const struct config *config = server->context.config;
	char why[STATEDIR_WHY] = "cannot prepare the state folder";
	const struct statedir dir = config_statedir(config);
	int r = statedir_prepare(&dir, why);

	if (r == 0) {
		r = statedir_lock(&dir, &server->lock, why);
	}
	if (r == 0 && config->socket_is_default) {
		r = statedir_prepare_socket(config->listeners[0].path, why);
	}
	if (r < 0) {
		print_error(why);
	}
	return r;
}

static struct build_options options_of(const struct server *server)
{
	struct build_options options =
		build_options_of(server->context.config, server->names, server->plugins);

	options.print = server->context.config->log_format == LOG_TEXT;
	return options;
}

static void report_refusal(const struct config *config, const struct build *build)
{
	if (build->why[0] != '\0' && config->log_format != LOG_TEXT) {
		log_error("the policy cannot be read", "why=%s", build->why);
	}
	if (build->why[0] == '\0') {
		fprintf(stderr, "authzd: the policy in %s was refused: %zu %s\n", config->policy,
			build->errors, build->errors == 1 ? "error" : "errors");
	}
}

int server_load_policy(struct server *server, struct build *build)
{
	struct build_options options;
	int r = plugins_create(&server->plugins);

	if (r < 0) {
		return r;
	}
	options = options_of(server);
	build_run(build, &options);
	if (build->snapshot == NULL) {
		report_refusal(server->context.config, build);
		return -EINVAL;
	}
	r = current_init(&server->current, build->snapshot);
	if (r == 0) {
		build->snapshot = NULL;
	}
	return r;
}

/* --- what is kept of the store ---------------------------------------------------------------- */

static void on_key(void *context, uint64_t version, uint64_t number)
{
	struct server *server = context;

	usage_drop(server->context.usage, version, number);
}

static void on_principal(void *context, uint64_t version, uint32_t tenant, struct pol_str id)
{
	struct server *server = context;

	principal_cache_drop(server->context.principal_cache, version, tenant, id);
}

static void on_all(void *context, uint64_t version)
{
	struct server *server = context;

	usage_drop_all(server->context.usage, version);
	principal_cache_drop_all(server->context.principal_cache, version);
}

/* Both tables are there, and no thread uses them yet. */
static void watch_store(struct server *server)
{
	const struct store_watch watch = {
		.context = server, .key = on_key, .principal = on_principal, .all = on_all
	};

	store_set_watch(server->context.store, &watch);
}

int server_open_store(struct server *server)
{
	const struct config *config = server->context.config;
	struct store_options options = {
		.pepper = config->pepper,
		.readers = config->workers + 4,
	};
	char why[STORE_WHY] = "cannot open the store";
	char path[PATH_MAX];
	int r;

	if ((size_t)snprintf(path, sizeof path, "%s/store.mdb", config->state) >= sizeof path) {
		print_error("the state folder's path is too long");
		return -ENAMETOOLONG;
	}
	options.path = path;
	r = store_open(&options, &server->context.store, why);
	if (r < 0) {
		print_error(why);
		return r;
	}
	r = usage_create(server->context.store, &server->context.usage);
	if (r == 0) {
		r = principal_cache_create(&server->context.principal_cache);
	}
	if (r == 0) {
		watch_store(server);
		r = quota_counters_create(store_secrets(server->context.store), QUOTA_COUNTERS_MAX,
			&server->context.quota_counters);
	}
	if (r == 0) {
		quota_counters_set_policy(server->context.quota_counters, server->current.snapshot);
	}
	if (r < 0) {
		fprintf(stderr, "authzd: cannot prepare the store's tables: %s\n", strerror(-r));
	}
	return r;
}

int server_start_writer(struct server *server)
{
	int r = writer_create(server->context.store, server->context.usage, &server->writer);

	if (r == 0) {
		struct rotation_parts parts = {
			.store = server->context.store,
			.usage = server->context.usage,
			.writer = server->writer,
			.current = &server->current,
		};

		r = rotation_create(&parts, &server->context.rotation);
	}
	if (r < 0) {
		fprintf(stderr, "authzd: cannot start the store's threads: %s\n", strerror(-r));
	}
	return r;
}

static int add_roles(struct server *server, struct store_read *read)
{
	struct pol_snapshot *whole;
	int r = stored_roles_extend(read, server->current.snapshot, NULL, &whole);

	if (r < 0) {
		fprintf(stderr, "authzd: cannot take the store's roles into the policy: %s\n",
			store_explain(r));
		return r;
	}
	current_exchange(&server->current, whole);
	return 0;
}

/* The policy was read first, so that a mistake in it leaves no new store. */
int server_check_policy(struct server *server, struct build *build)
{
	struct build_options options = options_of(server);
	struct store_read *read = NULL;
	int r = store_read_open(server->context.store, &read);

	if (r == 0) {
		r = store_read_renew(read);
	}
	if (r < 0) {
		fprintf(stderr, "authzd: cannot read the store: %s\n", store_explain(r));
	} else if (!build_check_store(build, &options, server->current.snapshot, read)) {
		report_refusal(server->context.config, build);
		r = -EINVAL;
	} else {
		r = add_roles(server, read);
	}
	store_read_close(read);
	return r;
}

/* As the user that the daemon runs as, so that it can reopen the file. */
int server_open_decision_log(struct server *server)
{
	const char *path = server->context.config->decision_log;
	int r = decision_log_create(path, &server->context.decision_log);

	if (r < 0) {
		fprintf(stderr, "authzd: cannot open the decision log %s: %s\n",
			path != NULL ? path : "on standard output", strerror(-r));
	}
	return r;
}
