/* SPDX-License-Identifier: Apache-2.0 */
/* config_console: the lines about the console for a team. */
#include <string.h>
#include <strings.h>

#include "client/http/config_internal.h"
#include "client/http/console_guard.h"
#include "client/http/console_page.h"

void http_config_on_console(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	if (http_config_choose(reader, &values[0], "on", "off", &reader->listener->console) &&
		reader->listener->console && http_console_page.len == 0) {
		pol_diag_error(reader->diags, values[0].at, HTTP_CONSOLE_NOT_BUILT);
	}
}

void http_config_on_console_authz(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	reader->config->console_authz = http_config_socket(reader, &values[0]);
}

void http_config_on_console_origin(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct http_origins *origins = &reader->listener->console_origins;
	const char *url = http_config_copy(reader, &values[0]);
	const char *why = url != NULL ? http_console_check_origin(url) : NULL;

	(void)count;
	if (why != NULL) {
		pol_diag_error(reader->diags, values[0].at, "console_origin %s: it %s", url, why);
	} else if (origins->count == HTTP_MAX_ORIGINS) {
		pol_diag_error(reader->diags, values[0].at,
			"more than %d `console_origin` lines of one listener are not supported",
			HTTP_MAX_ORIGINS);
	} else if (url != NULL) {
		origins->items[origins->count++] = url;
	}
}

/* Does the header have another meaning already, so that it cannot carry a name? */
static bool is_taken(const char *name)
{
	static const char *const names[] = { "Authorization", "Cookie", "Host", "Origin",
		"Content-Type", "Content-Length", "Sec-Fetch-Site" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcasecmp(names[i], name) == 0) {
			return true;
		}
	}
	return false;
}

void http_config_on_identity(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	const char *name;

	(void)count;
	if (!pol_str_equal(values[0].text, POL_STR("header"))) {
		pol_diag_error(reader->diags, values[0].at, "write it as: identity header NAME");
		return;
	}
	if (!http_config_name(reader, &values[1], &name)) {
		return;
	}
	if (is_taken(name)) {
		pol_diag_error(reader->diags, values[1].at,
			"identity header %s: this header says something else", name);
		return;
	}
	reader->listener->identity = name;
}

/* A user of one tenant would be the principal of that id in another. */
static bool is_of_other_tenant(const struct http_listener *listener)
{
	return listener->tenant_from_host ||
	       (listener->tenant != NULL && strcmp(listener->tenant, "default") != 0);
}

/* A program that can connect to a port can send any header. A page of another name that was made to
 * lead to the port is kept out by its origin, if it is known what the origins are. */
static const char *mistake_of(const struct http_listener *listener)
{
	if (!listener->console) {
		return NULL;
	}
	if (listener->identity != NULL && listener->path == NULL &&
		listener->console_origins.count == 0) {
		return "`identity` at a port needs `console_origin`, or any page could reach it "
		       "through a browser on this machine; better listen at a Unix socket that the "
		       "web server alone can open";
	}
	if (listener->identity != NULL && listener->token_header != NULL &&
		strcasecmp(listener->identity, listener->token_header) == 0) {
		return "`identity` and `token` name the same header";
	}
	if (listener->identity != NULL && is_of_other_tenant(listener)) {
		return "`identity` names principals of the tenant `default`, and the listener has "
		       "another `tenant`: give the console a listener of its own";
	}
	if (listener->family == HTTP_ENVOY && strncmp(listener->prefix, "/console", 8) == 0) {
		return "`prefix` and `console on` have the same path";
	}
	return NULL;
}

void http_config_check_console(struct http_reader *reader)
{
	const struct http_config *config = reader->config;
	bool any = false, about = false;

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct http_listener *listener = &config->listeners[i];
		const char *mistake = mistake_of(listener);

		any = any || listener->console;
		about = about || listener->identity != NULL || listener->console_origins.count > 0;
		if (mistake != NULL) {
			pol_diag_error(reader->diags, POL_NO_POSITION, "%s", mistake);
		}
	}
	if (about && !any && reader->diags->errors == 0) {
		pol_diag_error(reader->diags, POL_NO_POSITION,
			"`identity` and `console_origin` are about the console: write `console on` "
			"for the listener that has it");
	}
}
