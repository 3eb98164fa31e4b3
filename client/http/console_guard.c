/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/console_guard.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SCHEME_END "://"

static const struct http_console_refusal bad_host = { "forbidden",
	"this is not the address of the console: open it by the address that it has printed, or "
	"that `console_origin` names" };
static const struct http_console_refusal bad_origin = { "forbidden",
	"the request does not come from the console's own page" };
static const struct http_console_refusal bad_type = { "invalid_request",
	"the request needs one Content-Type: application/json" };
static const struct http_console_refusal doubled = { "invalid_request",
	"a header that says where the request comes from is there twice, or is malformed" };

/* How many there are; *out is the value of the last one, NULL without any. */
static size_t find(const struct http_head *head, const char *name, const char **out)
{
	size_t count = 0;

	*out = NULL;
	for (size_t i = 0; i < head->count; i++) {
		const struct http_field *field = &head->fields[i];

		if (strcasecmp(field->name, name) == 0) {
			/* One with a NUL counts as two. */
			count += strlen(field->value) == field->len ? 1 : 2;
			*out = field->value;
		}
	}
	return count;
}

static const char *host_of(const char *origin)
{
	return strstr(origin, SCHEME_END) + sizeof SCHEME_END - 1;
}

static bool is_host(const struct http_origins *origins, const char *host)
{
	for (size_t i = 0; i < origins->count; i++) {
		if (strcasecmp(host_of(origins->items[i]), host) == 0) {
			return true;
		}
	}
	return origins->count == 0;
}

/* Is it the scheme, and then this host? */
static bool is_at(const char *origin, const char *scheme, const char *host)
{
	size_t len = strlen(scheme);

	return strncmp(origin, scheme, len) == 0 && strcasecmp(origin + len, host) == 0;
}

static bool is_origin(const struct http_origins *origins, const char *origin, const char *host)
{
	for (size_t i = 0; i < origins->count; i++) {
		if (strcmp(origins->items[i], origin) == 0) {
			return true;
		}
	}
	return origins->count == 0 &&
	       (is_at(origin, "https://", host) || is_at(origin, "http://", host));
}

/* application/json, with a charset or without. */
static bool is_json(const char *type)
{
	static const char name[] = "application/json";
	size_t len = sizeof name - 1;

	if (strncasecmp(type, name, len) != 0) {
		return false;
	}
	type += len;
	type += strspn(type, " \t");
	if (*type == ';') {
		type++;
		type += strspn(type, " \t");
		return strcasecmp(type, "charset=utf-8") == 0;
	}
	return *type == '\0';
}

const struct http_console_refusal *http_console_guard(const struct http_head *head,
	const struct http_origins *origins, enum http_console_kind kind)
{
	const char *host, *origin, *site, *type;
	size_t hosts = find(head, "Host", &host), found = find(head, "Origin", &origin);
	size_t sites = find(head, "Sec-Fetch-Site", &site);
	size_t types = find(head, "Content-Type", &type);

	if (hosts > 1 || found > 1 || sites > 1) {
		return &doubled;
	}
	if (hosts == 0 || host[0] == '\0' || !is_host(origins, host)) {
		return &bad_host;
	}
	if (kind == HTTP_CONSOLE_PAGE) {
		return NULL;
	}
	if (sites > 0 && strcmp(site, "same-origin") != 0) {
		return &bad_origin;
	}
	/* A browser sends no Origin with a GET of the page's own. */
	if (found > 0 ? !is_origin(origins, origin, host) : kind == HTTP_CONSOLE_CHANGE) {
		return &bad_origin;
	}
	if (kind == HTTP_CONSOLE_CHANGE && (types != 1 || !is_json(type))) {
		return &bad_type;
	}
	return NULL;
}

/* After the last colon: digits, up to 65535, that are not the scheme's own port. */
static const char *check_port(const char *port, const char *own)
{
	size_t len = strlen(port);

	if (len == 0 || len > 5 || strspn(port, "0123456789") != len || port[0] == '0' ||
		(len == 5 && strcmp(port, "65535") > 0)) {
		return "has a port that is not from 1 to 65535";
	}
	return strcmp(port, own) == 0 ? "has the port that its scheme has anyway, which no browser "
					"sends: leave it out"
				      : NULL;
}

const char *http_console_check_origin(const char *text)
{
	bool tls = strncmp(text, "https://", 8) == 0;
	const char *host = text + (tls ? 8 : 7), *port, *bracket;

	if (!tls && strncmp(text, "http://", 7) != 0) {
		return "must begin with https:// or http://";
	}
	if (host[0] == '\0' ||
		strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") != strlen(host)) {
		return "must be a scheme, a host in small letters and, if there is one, a port, "
		       "without a path";
	}
	bracket = strrchr(host, ']');
	port = strchr(bracket != NULL ? bracket : host, ':');
	return port != NULL ? check_port(port + 1, tls ? "443" : "80") : NULL;
}
