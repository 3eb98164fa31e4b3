/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/authz_nodes.h"

const struct authz_node authz_nodes[AUTHZ_NODES] = {
	{ "keys", NULL, { "list", "create" } },
	{ "keys", "key",
		{ "read", "update", "disable", "enable", "rotate", "revoke", "delete",
			"restore" } },
	{ "principals", NULL, { "list", "create" } },
	{ "principals", "principal", { "read", "update", "disable", "enable", "delete", "issue" } },
	{ "roles", NULL, { "list", "create" } },
	{ "roles", "role", { "read", "update", "delete" } },
	{ "assignments", NULL, { "list", "create", "delete" } },
	{ "grants/scopes", "scope", { "grant" } },
	{ "grants/roles", "role", { "grant" } },
	{ "audit", NULL, { "read" } },
};
