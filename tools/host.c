/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/host.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/load/plugin.h"
#include "policy/decide/zone.h"

/* Where the system keeps them (tzset(3)). */
#define ZONEFILE_FOLDER "/usr/share/zoneinfo"

static enum pol_status read_file(struct app *app, FILE *file, struct pol_str *out)
{
	struct stat stat;
	char *bytes;
	size_t size;

	if (fstat(fileno(file), &stat) != 0 || S_ISDIR(stat.st_mode)) {
		return POL_ENOTFOUND;
	}
	size = (size_t)stat.st_size;
	if (!S_ISREG(stat.st_mode) || size > POL_ZONE_MAX) {
		return POL_EINVALID;
	}
	bytes = pol_arena_alloc(&app->arena, size, 1);
	if (bytes == NULL) {
		return POL_ENOMEM;
	}
	*out = (struct pol_str){ bytes, size };
	return fread(bytes, 1, size, file) == size ? POL_OK : POL_EINVALID;
}

/* The name is a plain one, so that it leads nowhere else. */
static enum pol_status on_zone(void *context, struct pol_str name, struct pol_str *out)
{
	const struct policy_host *host = context;
	struct app *app = host->app;
	const char *path = app_text(app, ZONEFILE_FOLDER "/%.*s", POL_STR_ARGS(name));
	FILE *file = fopen(path, "rbe");
	enum pol_status status;

	if (file == NULL) {
		return errno == ENOENT || errno == ENOTDIR ? POL_ENOTFOUND : POL_EINVALID;
	}
	status = read_file(app, file, out);
	fclose(file);
	return status;
}

static enum pol_status on_module(
	void *context, struct pol_str name, struct pol_host_module *out, char why[POL_HOST_WHY])
{
	struct policy_host *host = context;

	return plugin_find(host->plugins, host->folder, name, out, why);
}

static enum pol_status on_data(
	void *context, struct pol_str name, struct pol_str *out, char why[POL_HOST_WHY])
{
	struct policy_host *host = context;

	return plugin_data(host->folder, name, out, why);
}

int policy_host_init(struct policy_host *host, struct app *app)
{
	const char *path = app->args.values[FLAG_MODULES];
	char why[PLUGIN_WHY];

	*host = (struct policy_host){
		.asked = {
			.context = host,
			.zone = on_zone,
			.module = on_module,
			.data = on_data,
		},
		.app = app,
	};
	if (plugins_create(&host->plugins) != 0) {
		return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
	}
	if (path != NULL && plugin_folder_list(path, geteuid(), &host->folder, why) < 0) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s", why);
	}
	return EXIT_YES;
}

void policy_host_finish(struct policy_host *host)
{
	plugin_folder_destroy(host->folder);
	plugins_destroy(host->plugins);
	*host = (struct policy_host){ .app = NULL };
}
