/* SPDX-License-Identifier: Apache-2.0 */

/* tenant disable: switches a tenant off. */

#include "tools/commands/commands.h"
#include "tools/tenant.h"

static int run(struct app *app)
{
	return tenant_show_by_id(app, "tenants.disable");
}

const struct command command_tenant_disable = {
	.name = "tenant disable",
	.words = "ID",
	.summary = "Switch a tenant off: none of its keys and principals is let in",
	.text = "It can be switched on again with tenant enable.\n",
	.examples = "  authzcheck tenant disable acme\n",
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
