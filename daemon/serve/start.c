/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/start.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/decide/decision_log.h"
#include "daemon/host/log.h"
#include "daemon/host/statedir.h"
#include "daemon/keys/principal_cache.h"
#include "daemon/keys/quota_counters.h"
#include "daemon/keys/usage.h"
#include "daemon/load/build.h"
#include "daemon/load/last_good.h"
#include "daemon/load/plugin.h"
#include "daemon/load/stored_roles.h"
#include "daemon/serve/policy_entry.h"
#include "daemon/serve/report.h"
#include "daemon/serve/server.h"
#include "daemon/serve/sharing.h"
#include "daemon/store/env.h"
#include "daemon/tend/marks.h"
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
		const struct config_listener *line = &config->listeners[i];
		const struct activation_socket *passed = server->passed[i];
		int r;

		snprintf(why, sizeof why, "cannot listen at %s", line->path);
		server->listener_count++;
		r = passed != NULL ? listener_adopt(&server->listeners[i], line, passed, why)
				   : listener_open(&server->listeners[i], line, why);
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
	if (r == 0 && config->socket_is_default && server->passed[0] == NULL) {
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
	options.feeds = server->context.feeds;
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

/* May the daemon start by the last good policy? Not at the first start, when there is none yet: so
 * a mistake in the first policy makes the start fail before a store is made. */
static bool can_fall_back(const struct server *server)
{
	const struct config *config = server->context.config;

	return !config->strict && last_good_exists(config->state);
}

int server_load_policy(struct server *server, struct build *build)
{
	const struct config *config = server->context.config;
	struct build_options options;
	int r = plugins_create(&server->plugins);

	if (r < 0) {
		return r;
	}
	r = feeds_init(&server->feeds);
	if (r < 0) {
		return r;
	}
	server->context.feeds = &server->feeds;
	options = options_of(server);
	build_run(build, &options);
	if (build->snapshot != NULL) {
		return 0;
	}
	report_refusal(config, build);
	/* A data file may be all that is missing: see use_kept_data. */
	return can_fall_back(server) || (!config->strict && feeds_are_kept(config->state))
		       ? 0
		       : -EINVAL;
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

/* To be called when both tables were made, and before a thread uses them. */
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
		.readers = config->workers + (config->shared != NULL ? 8 : 4),
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
	if (r < 0) {
		fprintf(stderr, "authzd: cannot prepare the store's tables: %s\n", strerror(-r));
	}
	return r;
}

/* What needs the writer. */
static int start_tending(struct server *server)
{
	struct rotation_parts parts = {
		.store = server->context.store,
		.usage = server->context.usage,
		.writer = server->writer,
		.current = &server->current,
	};
	int r = 0;

	if (server->context.share != NULL) {
		r = marks_create(server->context.store, server->writer, &server->context.marks);
	}
	server_share_wakes(server, true);
	return r == 0 ? rotation_create(&parts, &server->context.rotation) : r;
}

int server_start_writer(struct server *server)
{
	struct writer_shared shared;
	int r = writer_create(server->context.store, server->context.usage,
		server_share_writer(server, &shared), &server->writer);

	if (r == 0) {
		r = start_tending(server);
	}
	if (r < 0) {
		fprintf(stderr, "authzd: cannot start the store's threads: %s\n", strerror(-r));
	}
	return r;
}

/* --- the policy that answers ------------------------------------------------------------------ */

/* Takes over the build's snapshot. */
static int take_policy(struct server *server, struct store_read *read, struct build *build)
{
	struct pol_snapshot *whole;
	int r = stored_roles_extend(read, build->snapshot, NULL, &whole);

	if (r < 0) {
		fprintf(stderr, "authzd: cannot take the store's roles into the policy: %s\n",
			stored_roles_explain(r));
		return r;
	}
	pol_snapshot_unref(build->snapshot);
	build->snapshot = NULL;
	r = current_init(&server->current, whole);
	if (r < 0) {
		pol_snapshot_unref(whole);
		return r;
	}
	quota_counters_set_policy(server->context.quota_counters, whole);
	return 0;
}

/* Says the trail that another policy answered after this one? */
static bool is_old(const struct config *config, struct store_read *read,
	const struct last_good *kept, char why[static FOLDER_WHY])
{
	char newest[POL_REVISION_TEXT];

	if (!policy_entry_newest(read, 0, newest) || strcmp(newest, kept->revision) == 0) {
		return false;
	}
	snprintf(why, FOLDER_WHY,
		"%.512s/" LAST_GOOD_NAME " has revision %s, and by the audit trail revision %s "
		"answered last: one of the two is an old copy that was put back: mend the policy "
		"folder",
		config->state, kept->revision, newest);
	return true;
}

/* Replaces the snapshot of `build`, whose diagnostics stay, by the last good one. */
static int fall_back(struct server *server, struct store_read *read, struct build *build)
{
	const struct config *config = server->context.config;
	struct build_options options = options_of(server);
	struct last_good kept;
	struct build good;
	char why[FOLDER_WHY];
	int r = last_good_read(
		config->state, store_secrets(server->context.store), config->policy, &kept, why);

	if (r == 0 && is_old(config, read, &kept, why)) {
		last_good_finish(&kept);
		r = -ESTALE;
	}
	if (r < 0) {
		fprintf(stderr, "authzd: the last good policy cannot be used: %s\n", why);
		return r;
	}
	fprintf(stderr, "authzd: trying the last good policy, revision %s\n", kept.revision);
	last_good_build(&kept, options, &good);
	if (good.snapshot == NULL || !build_check_store(&good, &options, good.snapshot, read)) {
		fprintf(stderr, "authzd: the last good policy cannot be used either: %s\n",
			good.first[0] != '\0' ? good.first : "see above");
		r = -EINVAL;
	} else {
		pol_snapshot_unref(build->snapshot);
		build->snapshot = good.snapshot;
		build->host = good.host;
		build->code = good.code;
		policy_host_questions_finish(&build->questions);
		build->questions = good.questions;
		good.questions = (struct policy_host_questions){ .first = NULL };
		good.snapshot = NULL;
		server->kept_at = kept.at;
		log_error("the policy folder is broken: the last good policy answers",
			"path=%s revision=%s why=%s", config->policy,
			pol_snapshot_revision(build->snapshot), build->first);
	}
	build_finish(&good);
	last_good_finish(&kept);
	return r;
}

static int check_policy(struct server *server, struct store_read *read, struct build *build)
{
	struct build_options options = options_of(server);

	if (build->snapshot != NULL && build_check_store(build, &options, build->snapshot, read)) {
		return 0;
	}
	if (build->snapshot != NULL) {
		report_refusal(server->context.config, build);
	}
	return can_fall_back(server) ? fall_back(server, read, build) : -EINVAL;
}

/* The secrets are known now, and so is whether a data file is broken or gone: then the policy is
 * built again with the content that was kept. */
static void use_kept_data(struct server *server, struct store_read *read, struct build *build)
{
	const struct config *config = server->context.config;
	struct build_options options = options_of(server);
	struct feeds_entry newest;

	feeds_use_state(&server->feeds, config->state, server->context.store);
	if (config->modules == NULL || config->strict ||
		(build->snapshot != NULL && !feeds_lack(&server->feeds))) {
		return;
	}
	newest = policy_entry_newest_data(read);
	if (!feeds_restore(&server->feeds, &newest)) {
		return;
	}
	fprintf(stderr, "authzd: trying again with the data files that were kept\n");
	build_finish(build);
	build_run(build, &options);
	if (build->snapshot == NULL) {
		report_refusal(config, build);
	}
}

/* server_load_policy has read the folder before the store was opened, so that a mistake in the
 * first policy leaves no new store. */
int server_choose_policy(struct server *server, struct build *build)
{
	struct store_read *read = NULL;
	int r = store_read_open(server->context.store, &read);

	if (r == 0) {
		r = store_read_renew(read);
	}
	if (r < 0) {
		fprintf(stderr, "authzd: cannot read the store: %s\n", store_explain(r));
	} else {
		use_kept_data(server, read, build);
		r = check_policy(server, read, build);
	}
	if (r == 0) {
		feeds_keep(&server->feeds);
		r = take_policy(server, read, build);
	}
	store_read_close(read);
	return r;
}

/* How many entries of the trail each start looks at. */
#define ENTRIES_SEARCHED 10000

/* Finds the newest entry among the last `most` of the trail. False: there is none. */
static bool find_entry(
	const struct server *server, uint64_t most, char out[static POL_REVISION_TEXT])
{
	uint64_t count = store_head_count(server->context.store);
	struct store_read *read = NULL;
	bool found = store_read_open(server->context.store, &read) == 0 &&
		     store_read_renew(read) == 0 &&
		     policy_entry_newest(read, count > most ? count - most : 0, out);

	store_read_close(read);
	return found;
}

/* The policy that answered before the start: what was kept of it says so, else the trail's newest
 * entry. Empty: it is not known. If the policy of this start was kept and the trail names another
 * one, that one: older versions made no entry at a start, and without one the kept policy would be
 * taken for an old copy. */
static void find_before(
	const struct server *server, const char *now, char out[static POL_REVISION_TEXT])
{
	const struct config *config = server->context.config;
	struct last_good kept;
	char why[FOLDER_WHY];

	out[0] = '\0';
	if (last_good_read(config->state, store_secrets(server->context.store), config->policy,
		    &kept, why) == 0) {
		memcpy(out, kept.revision, sizeof kept.revision);
		last_good_finish(&kept);
		if (strcmp(out, now) == 0) {
			find_entry(server, ENTRIES_SEARCHED, out);
		}
		return;
	}
	find_entry(server, UINT64_MAX, out);
}

void server_keep_policy(struct server *server)
{
	const struct config *config = server->context.config;
	const struct build_options options = options_of(server);
	char before[POL_REVISION_TEXT], digest[FEEDS_DIGEST];
	const struct policy_entry entry = {
		.data = digest,
		.trigger = RELOAD_BY_START,
		.from = before,
		.to = pol_snapshot_revision(server->current.snapshot),
		.commit_from = "",
		.commit_to = server->commit,
	};
	int r = 0;

	if (server->kept_at != 0) {
		return; /* the last good policy answers */
	}
	policy_entry_find_commit(&options, server->commit);
	find_before(server, entry.to, before);
	feeds_digest(&server->feeds, digest);
	/* Neither the first policy of a store nor the same one again has an entry. */
	if (strcmp(before, entry.to) != 0 &&
		(before[0] != '\0' || store_head_count(server->context.store) > 0)) {
		report_drop(config->state);
		r = policy_entry_add_at_start(server, &entry);
	}
	if (r < 0) {
		server->unentered = true;
		log_error("the policy of this start is missing in the audit trail, and is not kept "
			  "for a start with a broken policy folder",
			"why=%s", store_explain(r));
	} else {
		report_keep(config->state, store_secrets(server->context.store),
			server->current.snapshot);
	}
}

/* To be called as the user that the daemon runs as, so that it can reopen the file. */
int server_open_decision_log(struct server *server)
{
	const struct config *config = server->context.config;
	const char *path = config->decision_log;
	int r = decision_log_create(path, config->log_mode,
		config->has_log_group ? &config->log_group : NULL, &server->context.decision_log);

	if (r == -EPERM && config->has_log_group) {
		fprintf(stderr,
			"authzd: cannot give the decision log %s to gid %u: the daemon's user must "
			"be "
			"a member of that group\n",
			path, (unsigned)config->log_group);
	} else if (r == -ENOENT && path != NULL && strrchr(path, '/') != NULL) {
		fprintf(stderr,
			"authzd: cannot open the decision log %s: its folder is missing: as root, "
			"install -d -m 0750 -o %u %.*s\n",
			path, (unsigned)geteuid(), (int)(strrchr(path, '/') - path), path);
	} else if (r < 0) {
		fprintf(stderr, "authzd: cannot open the decision log %s: %s\n",
			path != NULL ? path : "on standard output", strerror(-r));
	}
	return r;
}
