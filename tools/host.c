/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/host.h"

#include <unistd.h>

#include "daemon/host/zonefile.h"
#include "daemon/load/plugin.h"

static enum pol_status on_zone(void *context, struct pol_str name, struct pol_str *out)
{
	const struct policy_host *host = context;

	return zonefile_read(&host->app->arena, name, out);
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
