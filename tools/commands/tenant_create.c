/* SPDX-License-Identifier: Apache-2.0 */

/* tenant create: whose keys, principals and roles they are. */

#include "tools/commands/commands.h"
#include "tools/tenant.h"

static int run(struct app *app)
{
	return tenant_show_by_id(app, "tenants.create");
}

const struct command command_tenant_create = {
	.name = "tenant create",
	.words = "ID",
	.summary = "Create a tenant: keys, principals and roles of its own",
	.text = "Each tenant sees its own alone; --tenant of other commands names it. 'default' is "
		"always\n"
		"there. For root and the daemon's own user.\n",
	.examples = "  authzcheck tenant create acme\n"
		    "  authzcheck principal create alice --tenant acme\n",
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
