/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/build.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "daemon/config/config.h"
#include "daemon/load/build_report.h"
#include "daemon/load/feed.h"
#include "daemon/load/plugin.h"
#include "daemon/load/watch.h"
#include "daemon/store/env.h"
#include "policy/ask/suite.h"
#include "policy/compile/renew.h"

enum { PAUSE_NS = 20 * 1000 * 1000 };

/* Is the module folder still as it was listed before the policy was compiled with it? */
static bool modules_unchanged(struct build *out, const struct build_options *options)
{
	struct plugin_folder *after = NULL;
	bool unchanged = out->modules == NULL;

	if (!unchanged && plugin_folder_list(options->modules, options->modules_owner, &after,
				  out->why) == 0) {
		unchanged = plugin_folder_equal(out->modules, after);
	}
	plugin_folder_destroy(after);
	return unchanged;
}

/* A snapshot while it is made. */
struct making {
	struct pol_diags diags;
	struct policy_host host;
	struct pol_snapshot *snapshot;
	enum pol_status status;
};

static void begin_making(struct making *making, const struct build *out,
	const struct build_options *options, const struct pol_source *sources, size_t count)
{
	*making = (struct making){ .status = POL_EINVALID };
	policy_host_init(&making->host, options->names, options->plugins, out->modules);
	policy_host_use_feeds(&making->host, options->feeds, options->untested);
	pol_diags_init(&making->diags, sources, count);
}

static void finish_making(struct making *making)
{
	pol_snapshot_unref(making->snapshot);
	pol_diags_finish(&making->diags);
	policy_host_finish(&making->host);
}

/* Tests what was made, and takes it. 0; -ESTALE: the module folder changed, nothing was reported,
 * and the build must start again. */
static int end_making(struct making *making, struct build *out, const struct build_options *options)
{
	bool unchanged;

	if (making->status == POL_OK && !options->untested &&
		pol_suite_run(making->snapshot, &making->diags, NULL, NULL).failed > 0) {
		making->status = POL_EINVALID;
	}
	unchanged = modules_unchanged(out, options);
	if (unchanged) {
		build_report(out, options->print, &making->diags);
	}
	if (unchanged && making->status == POL_OK && out->errors == 0) {
		if (options->feeds != NULL) {
			feeds_take(options->feeds, out->modules, making->host.faults);
		}
		out->snapshot = making->snapshot;
		making->snapshot = NULL;
	} else if (unchanged && out->errors == 0) {
		snprintf(out->why, sizeof out->why,
			making->status == POL_ELIMIT
				? "the policy is larger than this daemon takes"
				: "there is no memory left to build the policy");
	}
	out->host = making->host.digest;
	out->code = plugin_folder_code(out->modules);
	policy_host_questions_finish(&out->questions);
	out->questions = policy_host_take_asked(&making->host);
	finish_making(making);
	return unchanged ? 0 : -ESTALE;
}

static int compile(struct build *out, const struct build_options *options)
{
	const struct folder *folder = out->folder;
	struct making making;

	begin_making(&making, out, options, folder->sources, folder->source_count);
	making.status = pol_compile(folder->sources, folder->source_count, &making.host.interface,
		&making.diags, &making.snapshot);
	return end_making(&making, out, options);
}

/* Are the machine's users and zones those of the base, and can it be renewed? */
static bool make_renewed(struct making *making, const struct build_base *base)
{
	struct policy_host *host = &making->host;

	if (policy_host_ask(host, base->questions) && host->digest == base->host) {
		making->status = pol_renew(
			base->snapshot, &host->interface, &making->diags, &making->snapshot);
	}
	return making->status == POL_OK && host->digest == base->host;
}

/* As compile; -ENOENT: the policy must be compiled. */
static int renew(struct build *out, const struct build_options *options)
{
	const struct pol_source *sources;
	struct making making;
	size_t count;

	sources = pol_snapshot_files(options->base->snapshot, &count);
	begin_making(&making, out, options, sources, count);
	if (!make_renewed(&making, options->base)) {
		finish_making(&making);
		return -ENOENT;
	}
	out->renewed = true;
	return end_making(&making, out, options);
}

void build_watch(const struct build_options *options, const struct folder *folder)
{
	if (options->watch == NULL) {
		return;
	}
	watch_begin(options->watch);
	watch_folder(options->watch, options->path, folder);
	if (options->modules != NULL) {
		watch_directory(options->watch, options->modules);
		watch_subdirectory(options->watch, options->modules, "data");
	}
	watch_end(options->watch);
}

static int list(struct build *out, const struct build_options *options)
{
	int r = folder_list(options->path, &options->owners, &out->folder, out->why);

	if (r == 0 && options->modules != NULL) {
		r = plugin_folder_list(
			options->modules, options->modules_owner, &out->modules, out->why);
	}
	build_watch(options, out->folder);
	return r;
}

static bool is_unchanged(const struct build *build, const struct build_options *options)
{
	if (options->before == NULL || !folder_equal(options->before, build->folder)) {
		return false;
	}
	return build->modules == NULL ||
	       (options->modules_before != NULL &&
		       plugin_folder_equal(options->modules_before, build->modules));
}

/* May the base be renewed? */
static bool is_same(const struct build *build, const struct build_options *options)
{
	return options->base != NULL && options->before != NULL && build->modules != NULL &&
	       folder_equal(options->before, build->folder) &&
	       plugin_folder_code(build->modules) == options->base->code;
}

/* Lists, reads, and lists again: equal lists show that the files belong together. */
static int read_once(struct build *out, const struct build_options *options)
{
	struct folder *after = NULL;
	int r;

	folder_destroy(out->folder);
	plugin_folder_destroy(out->modules);
	out->folder = NULL;
	out->modules = NULL;
	r = list(out, options);
	if (r < 0) {
		return r;
	}
	if (is_unchanged(out, options)) {
		out->unchanged = true;
		return 0;
	}
	if (options->before != NULL && options->doubt_empty) {
		out->emptied = folder_emptied(options->before, out->folder);
		if (out->emptied != NULL) {
			return 0;
		}
	}
	out->renewed = false;
	out->same = is_same(out, options);
	r = out->same ? renew(out, options) : -ENOENT;
	if (r != -ENOENT) {
		return r;
	}
	r = folder_read(out->folder, out->why);
	if (r == 0) {
		r = folder_list(options->path, &options->owners, &after, out->why);
	}
	if (r == 0 && !folder_equal(out->folder, after)) {
		r = -ESTALE;
	}
	folder_destroy(after);
	return r == 0 ? compile(out, options) : r;
}

struct build_options build_options_of(
	const struct config *config, struct names *names, struct plugins *plugins)
{
	struct build_options options = { .path = config->policy,
		.modules = config->modules,
		.modules_owner = config->as_root ? 0 : config->uid,
		.names = names,
		.plugins = plugins };

	options.owners.uids[options.owners.count++] = config->uid;
	if (config->has_policy_owner) {
		options.owners.uids[options.owners.count++] = config->policy_owner;
	}
	return options;
}

/* Tries again while a file changes under it. Returns what `once` did; -ESTALE: it still changes. */
static int try_often(struct build *out, const struct build_options *options,
	int (*once)(struct build *out, const struct build_options *options))
{
	static const struct timespec pause = { 0, PAUSE_NS };
	int r = -ESTALE;

	wire_buf_init(&out->diagnostics, BUILD_DIAGNOSTICS_MAX);
	for (int i = 0; i < BUILD_TRIES && r == -ESTALE; i++) {
		if (i > 0) {
			nanosleep(&pause, NULL);
		}
		out->why[0] = '\0';
		r = once(out, options);
	}
	if (out->modules != NULL && !out->unchanged) {
		plugin_folder_free_contents(out->modules);
	}
	return r;
}

void build_run(struct build *out, const struct build_options *options)
{
	int r;

	*out = (struct build){ .folder = NULL };
	r = try_often(out, options, read_once);
	if (r == 0 && (out->unchanged || out->emptied != NULL)) {
		return;
	}
	if (r == -ESTALE) {
		out->unstable = true;
		snprintf(out->why, sizeof out->why,
			"%s keeps changing while it is read: replace it by renaming a folder or a "
			"link",
			options->path);
	}
	if (out->why[0] == '\0') {
		return;
	}
	build_report_why(out, options);
}

static int list_modules(struct build *out, const struct build_options *options)
{
	int r = 0;

	plugin_folder_destroy(out->modules);
	out->modules = NULL;
	if (options->modules != NULL) {
		r = plugin_folder_list(
			options->modules, options->modules_owner, &out->modules, out->why);
	}
	out->unchanged = r == 0 && options->modules_before != NULL && out->modules != NULL &&
			 plugin_folder_equal(options->modules_before, out->modules);
	return r;
}

static int compile_sources(struct build *out, const struct build_options *options)
{
	int r = list_modules(out, options);

	return r == 0 && !out->unchanged ? compile(out, options) : r;
}

static int renew_data(struct build *out, const struct build_options *options)
{
	int r = list_modules(out, options);

	if (r < 0 || out->unchanged) {
		return r;
	}
	out->same = plugin_folder_code(out->modules) == options->base->code;
	return out->same ? renew(out, options) : -ENOENT;
}

static void run_of_modules(struct build *out, const struct build_options *options,
	int (*once)(struct build *out, const struct build_options *options))
{
	if (try_often(out, options, once) == -ESTALE) {
		snprintf(out->why, sizeof out->why, "%s keeps changing while it is read",
			options->modules);
	}
	if (out->why[0] != '\0') {
		build_report_why(out, options);
	}
}

void build_run_sources(
	struct build *out, const struct build_options *options, struct folder *sources)
{
	*out = (struct build){ .folder = sources };
	run_of_modules(out, options, compile_sources);
}

void build_run_data(struct build *out, const struct build_options *options)
{
	*out = (struct build){ .folder = NULL };
	run_of_modules(out, options, renew_data);
}

/* Principals that both the files and the store have. 0, or the store's negative errno. */
static int find_duplicates(
	const struct pol_snapshot *snapshot, struct store_read *read, struct pol_diags *diags)
{
	for (uint32_t i = 0; i < pol_snapshot_principal_count(snapshot); i++) {
		struct pol_str id = pol_snapshot_principal_id(snapshot, i);
		struct store_principal principal;
		int r = store_get_principal(read, STORE_TENANT_DEFAULT, id, &principal);

		/* An altered record counts too. */
		if (r == 0 || r == -EBADMSG) {
			pol_diag_error(diags, pol_snapshot_principal_at(snapshot, i),
				"principal '%.*s' is in the store too: rename this one, or delete "
				"that one first",
				POL_STR_ARGS(id));
		} else if (r != -ENOENT) {
			return r;
		}
	}
	return 0;
}

bool build_check_store(struct build *build, const struct build_options *options,
	const struct pol_snapshot *snapshot, struct store_read *read)
{
	const struct pol_source *sources;
	struct pol_diags diags;
	size_t count;
	bool ok;
	int r;

	sources = pol_snapshot_files(snapshot, &count);
	pol_diags_init(&diags, sources, count);
	r = find_duplicates(snapshot, read, &diags);
	ok = r == 0 && diags.errors == 0;
	if (r < 0) {
		snprintf(build->why, sizeof build->why, "the store cannot be read: %s",
			store_explain(r));
		build_report_why(build, options);
	} else if (!ok) {
		pol_diags_sort(&diags);
		wire_buf_rewind(&build->diagnostics, 0);
		build->reported = 0;
		build_report(build, options->print, &diags);
	}
	pol_diags_finish(&diags);
	return ok;
}

void build_finish(struct build *build)
{
	pol_snapshot_unref(build->snapshot);
	folder_destroy(build->folder);
	plugin_folder_destroy(build->modules);
	policy_host_questions_finish(&build->questions);
	wire_buf_finish(&build->diagnostics);
	*build = (struct build){ .folder = NULL };
}
