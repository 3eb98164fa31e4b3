/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/console_methods.h"

/* Left out are those that need no page (authorize, keys.renew), that move whole stores or files
 * (keys.import, store.*, decisions.watch), and the pepper. */
static const struct http_console_method methods[] = {
	{ "assignments.create", HTTP_CONSOLE_ONCE, false },
	{ "assignments.delete", HTTP_CONSOLE_ONCE, false },
	{ "assignments.list", HTTP_CONSOLE_READS, false },
	{ "audit.list", HTTP_CONSOLE_READS, false },
	{ "audit.verify", HTTP_CONSOLE_READS, true },
	{ "decisions.try", HTTP_CONSOLE_READS, false },
	{ "hosts.forget", HTTP_CONSOLE_ONCE, false },
	{ "hosts.list", HTTP_CONSOLE_READS, false },
	{ "keys.audit", HTTP_CONSOLE_READS, true },
	{ "keys.create", HTTP_CONSOLE_REQUEST_ID, false },
	{ "keys.delete", HTTP_CONSOLE_ONCE, false },
	{ "keys.disable", HTTP_CONSOLE_ONCE, false },
	{ "keys.enable", HTTP_CONSOLE_ONCE, false },
	{ "keys.finish", HTTP_CONSOLE_ONCE, false },
	{ "keys.get", HTTP_CONSOLE_READS, false },
	{ "keys.list", HTTP_CONSOLE_READS, false },
	{ "keys.prolong", HTTP_CONSOLE_ONCE, false },
	{ "keys.purge", HTTP_CONSOLE_ONCE, false },
	{ "keys.restore", HTTP_CONSOLE_ONCE, false },
	{ "keys.revoke", HTTP_CONSOLE_ONCE, false },
	{ "keys.rollback", HTTP_CONSOLE_ONCE, false },
	{ "keys.rotate", HTTP_CONSOLE_REQUEST_ID, false },
	{ "keys.update", HTTP_CONSOLE_ONCE, false },
	{ "policy.names", HTTP_CONSOLE_READS, false },
	{ "policy.reload", HTTP_CONSOLE_ONCE, true },
	{ "policy.status", HTTP_CONSOLE_READS, false },
	{ "policy.tree", HTTP_CONSOLE_READS, false },
	{ "principals.create", HTTP_CONSOLE_ONCE, false },
	{ "principals.delete", HTTP_CONSOLE_ONCE, false },
	{ "principals.disable", HTTP_CONSOLE_ONCE, false },
	{ "principals.enable", HTTP_CONSOLE_ONCE, false },
	{ "principals.get", HTTP_CONSOLE_READS, false },
	{ "principals.list", HTTP_CONSOLE_READS, false },
	{ "principals.permissions", HTTP_CONSOLE_READS, false },
	{ "principals.update", HTTP_CONSOLE_ONCE, false },
	{ "roles.create", HTTP_CONSOLE_ONCE, false },
	{ "roles.delete", HTTP_CONSOLE_ONCE, false },
	{ "roles.get", HTTP_CONSOLE_READS, false },
	{ "roles.holders", HTTP_CONSOLE_READS, false },
	{ "roles.list", HTTP_CONSOLE_READS, false },
	{ "roles.update", HTTP_CONSOLE_ONCE, false },
	{ "status", HTTP_CONSOLE_READS, false },
	{ "tenants.list", HTTP_CONSOLE_READS, false },
	{ "who", HTTP_CONSOLE_READS, false },
	{ "whoami", HTTP_CONSOLE_READS, false },
};

/* Beside the daemon's: no session or token, and no daemon that answers. */
static const struct {
	const char *code;
	int status;
} statuses[] = {
	{ "invalid_request", 400 },
	{ "unauthenticated", 401 },
	{ "forbidden", 403 },
	{ "not_found", 404 },
	{ "unknown_method", 404 },
	{ "conflict", 409 },
	{ "limit_reached", 409 },
	{ "invalid_policy", 422 },
	{ "internal", 500 },
	{ "overloaded", 503 },
	{ "stale", 503 },
	{ "unavailable", 503 },
	{ "no_daemon", 503 },
};

static bool is(struct wire_str text, const char *name)
{
	return wire_str_equal(text, (struct wire_str){ name, strlen(name) });
}

const struct http_console_method *http_console_find_method(struct wire_str name)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		if (is(name, methods[i].name)) {
			return &methods[i];
		}
	}
	return NULL;
}

bool http_console_is_local(struct wire_str name)
{
	static const struct wire_str space = { "folder.", sizeof "folder." - 1 };

	return name.len > space.len && memcmp(name.ptr, space.ptr, space.len) == 0;
}

int http_console_status(struct wire_str code)
{
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		if (is(code, statuses[i].code)) {
			return statuses[i].status;
		}
	}
	return 500;
}
