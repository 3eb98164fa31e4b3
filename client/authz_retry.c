/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authz_retry: what is sent again, and when. A method that changes nothing may be; so may one with
 * a request_id, whose answer holds a secret: a request repeated with the same id gets the same
 * secret, not another one.
 */

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "client/authz_handle.h"

/* Milliseconds between attempts to connect: soon after a daemon that restarts quickly, and seldom
 * enough to cost nothing while it takes long. */
enum { FIRST_PAUSE = 5, LAST_PAUSE = 160 };

static bool takes_id(const char *method)
{
	return strcmp(method, "keys.create") == 0 || strcmp(method, "keys.rotate") == 0 ||
	       strcmp(method, "keys.renew") == 0;
}

/* True when the parameters have a request_id. */
static bool has_id(struct wire_cursor params)
{
	struct wire_str name;
	uint32_t pairs = 0;

	if (!wire_read_map(&params, &pairs)) {
		return false;
	}
	for (; pairs > 0; pairs--) {
		if (!wire_read_text(&params, &name) || !wire_skip(&params)) {
			return false;
		}
		if (wire_str_equal(name, WIRE_STR("request_id"))) {
			return true;
		}
	}
	return false;
}

int authz_request_id(char out[AUTHZ_REQUEST_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[AUTHZ_RETRY_ID / 2];

	if (out == NULL) {
		return AUTHZ_EINVAL;
	}
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
		out[0] = '\0';
		return AUTHZ_ENOMEM;
	}
	for (size_t i = 0; i < sizeof random; i++) {
		out[2 * i] = digits[random[i] >> 4];
		out[2 * i + 1] = digits[random[i] & 15];
	}
	out[AUTHZ_RETRY_ID] = '\0';
	return AUTHZ_OK;
}

bool authz_retry_id(const char *method, const void *params, size_t params_len,
	char out[static AUTHZ_REQUEST_ID_SIZE])
{
	return takes_id(method) && !has_id(wire_cursor_of(params, params_len)) &&
	       authz_request_id(out) == AUTHZ_OK;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

/* True for methods that change nothing, as PROTOCOL.md lists them. */
static bool only_reads(const char *method)
{
	static const char *const names[] = { "authorize", "authorize_many", "permissions", "plan",
		"status", "keys.audit", "audit.verify", "policy.names", "policy.tree",
		"principals.permissions", "roles.holders", "who", "whoami", "decisions.try" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(method, names[i]) == 0) {
			return true;
		}
	}
	return ends_with(method, ".get") || ends_with(method, ".list") ||
	       ends_with(method, ".status");
}

bool authz_retry_allowed(const char *method, const void *params, size_t params_len)
{
	return only_reads(method) ||
	       (takes_id(method) && has_id(wire_cursor_of(params, params_len)));
}

bool authz_retry_connect(const struct authz *authz)
{
	switch (authz->sys_errno) {
	case ECONNREFUSED: /* nobody listens: a daemon that ended, or one that has only bound */
	case EAGAIN:       /* more connections wait than the listener's queue takes */
		return true;
	/* A daemon that ends removes its socket, and one that starts makes it before its rights are
	 * set. Without a connection before, the path or the rights are wrong. */
	case ENOENT:
	case EACCES:
		return authz->was_connected;
	default:
		return false;
	}
}

int authz_retry_pause(int *pause)
{
	*pause = *pause == 0 ? FIRST_PAUSE : *pause * 2;
	if (*pause > LAST_PAUSE) {
		*pause = LAST_PAUSE;
	}
	return *pause;
}

void authz_retry_put(struct wire_buf *buf, const void *params, size_t params_len,
	const char id[static AUTHZ_RETRY_ID])
{
	struct wire_cursor rest = wire_cursor_of(params, params_len);
	uint32_t pairs = 0;

	wire_read_map(&rest, &pairs);
	wire_put_map(buf, pairs + 1);
	wire_put_raw(buf, rest.ptr, (size_t)(rest.end - rest.ptr));
	wire_put_str(buf, WIRE_STR("request_id"));
	wire_put_str(buf, (struct wire_str){ id, AUTHZ_RETRY_ID });
}
