/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authz_retry: the request_id of methods whose answer holds a secret. A request repeated with the
 * same id gets the same secret, not another one.
 */

#include <string.h>
#include <sys/random.h>

#include "client/authz_handle.h"

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

bool authz_retry_given(const char *method, const void *params, size_t params_len)
{
	return takes_id(method) && has_id(wire_cursor_of(params, params_len));
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
