/* SPDX-License-Identifier: Apache-2.0 */
/* config_listen: the line `listen`, which begins a listener, and what its answers have. */
#include <grp.h>
#include <string.h>

#include "client/authz.h"
#include "client/http/config_internal.h"

static bool read_mode(struct http_reader *reader, const struct pol_setting_word *word, mode_t *out)
{
	unsigned mode;

	if (!pol_settings_mode(word->text, &mode)) {
		pol_diag_error(reader->diags, word->at,
			"'%.*s' is not a mode: write the socket's as octal digits, as in 0660",
			POL_STR_ARGS(word->text));
		return false;
	}
	*out = mode;
	return true;
}

/* PATH MODE [GROUP] */
static bool read_unix(struct http_reader *reader, const struct pol_setting_word *values,
	size_t count, struct http_listener *out)
{
	const char *name = count == 3 ? http_config_copy(reader, &values[2]) : NULL;
	const struct group *group = name != NULL ? getgrnam(name) : NULL;

	if (count < 2) {
		pol_diag_error(reader->diags, values[0].at,
			"write the socket's mode after its path: listen PATH MODE [GROUP]");
		return false;
	}
	if (values[0].text.len >= AUTHZ_PATH_SIZE) {
		pol_diag_error(reader->diags, values[0].at,
			"the socket's path has more than %d bytes, which the system does not take",
			AUTHZ_PATH_SIZE - 1);
		return false;
	}
	if (name != NULL && group == NULL) {
		pol_diag_error(reader->diags, values[2].at, "this machine has no group '%s'", name);
		return false;
	}
	out->path = http_config_copy(reader, &values[0]);
	out->has_group = group != NULL;
	out->group = group != NULL ? group->gr_gid : 0;
	return out->path != NULL && read_mode(reader, &values[1], &out->mode);
}

/* 127.0.0.1:PORT or [::1]:PORT: a program that can connect can ask about any token. */
static bool read_loopback(struct http_reader *reader, const struct pol_setting_word *values,
	size_t count, struct http_listener *out)
{
	static const struct pol_str ip4 = POL_STR_INIT("127.0.0.1:"), ip6 = POL_STR_INIT("[::1]:");
	struct pol_str text = values[0].text;
	unsigned port = 0;
	size_t skip;

	out->ip6 = pol_str_starts(text, ip6);
	if (!out->ip6 && !pol_str_starts(text, ip4)) {
		pol_diag_error(reader->diags, values[0].at,
			"'%.*s' is neither an absolute path nor a loopback address: write listen "
			"PATH MODE [GROUP], listen 127.0.0.1:PORT or listen [::1]:PORT; for "
			"another "
			"address let a web server with TLS stand before authz-http",
			POL_STR_ARGS(text));
		return false;
	}
	skip = out->ip6 ? ip6.len : ip4.len;
	if (!pol_settings_number(
		    (struct pol_str){ text.ptr + skip, text.len - skip }, 1, UINT16_MAX, &port)) {
		pol_diag_error(reader->diags, values[0].at,
			"write a port from 1 to 65535 after the address");
		return false;
	}
	if (count > 1) {
		pol_diag_error(reader->diags, values[1].at,
			"a port has no mode or group: every user of the machine can connect");
		return false;
	}
	out->port = (uint16_t)port;
	return true;
}

static bool is_same(const struct http_listener *a, const struct http_listener *b)
{
	if (a->path != NULL || b->path != NULL) {
		return a->path != NULL && b->path != NULL && strcmp(a->path, b->path) == 0;
	}
	return a->ip6 == b->ip6 && a->port == b->port;
}

void http_config_on_listen(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct http_config *config = reader->config;
	struct http_listener listener = reader->common;
	bool is_path = values[0].text.len > 0 && values[0].text.ptr[0] == '/';

	/* The lines after it are about this listener, even if it is refused. */
	reader->refused = reader->common;
	reader->listener = &reader->refused;
	reader->seen_here = 0;
	reader->has_header_here = false;
	reader->has_cookie_here = false;
	if (is_path ? !read_unix(reader, values, count, &listener)
		    : !read_loopback(reader, values, count, &listener)) {
		return;
	}
	for (size_t i = 0; i < config->listener_count; i++) {
		if (is_same(&config->listeners[i], &listener)) {
			pol_diag_error(reader->diags, values[0].at, "this socket is listed twice");
			return;
		}
	}
	if (config->listener_count == HTTP_MAX_LISTENERS) {
		pol_diag_error(reader->diags, values[0].at,
			"more than %d `listen` lines are not supported", HTTP_MAX_LISTENERS);
		return;
	}
	reader->listener = &config->listeners[config->listener_count++];
	*reader->listener = listener;
}

/* --- answers ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum http_answer_header bit;
} answer_headers[HTTP_ANSWER_HEADER_COUNT] = {
	{ "reason", HTTP_ANSWER_HEADER_REASON },
	{ "principal", HTTP_ANSWER_HEADER_PRINCIPAL },
	{ "key", HTTP_ANSWER_HEADER_KEY },
	{ "tenant", HTTP_ANSWER_HEADER_TENANT },
	{ "environment", HTTP_ANSWER_HEADER_ENVIRONMENT },
	{ "renew", HTTP_ANSWER_HEADER_RENEW },
};

/* 0: no header has this name. */
static unsigned answer_header_of(struct pol_str name)
{
	for (size_t i = 0; i < HTTP_ANSWER_HEADER_COUNT; i++) {
		if (pol_str_equal(name, pol_str_of(answer_headers[i].name))) {
			return answer_headers[i].bit;
		}
	}
	return 0;
}

void http_config_on_answer_headers(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	unsigned wanted = 0;

	if (count > 1 || !pol_str_equal(values[0].text, POL_STR("none"))) {
		for (size_t i = 0; i < count; i++) {
			unsigned bit = answer_header_of(values[i].text);

			if (bit == 0 || (wanted & bit) != 0) {
				pol_diag_error(reader->diags, values[i].at,
					bit == 0 ? "'%.*s' is not one of reason, principal, key, "
						   "tenant, environment and renew; or write 'none' "
						   "alone"
						 : "'%.*s' is listed twice",
					POL_STR_ARGS(values[i].text));
				return;
			}
			wanted |= bit;
		}
	}
	reader->listener->headers_left_out = HTTP_ANSWER_HEADER_ALL & ~wanted;
}
