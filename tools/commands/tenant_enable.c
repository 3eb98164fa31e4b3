/* SPDX-License-Identifier: Apache-2.0 */

/* tenant enable: switches a tenant on again. */

#include "tools/commands/commands.h"
#include "tools/tenant.h"

static int run(struct app *app)
{
	return tenant_show_by_id(app, "tenants.enable");
}

const struct command command_tenant_enable = {
	.name = "tenant enable",
	.words = "ID",
	.summary = "Switch a tenant on again",
	.text = NULL,
	.examples = "  authzcheck tenant enable acme\n",
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
