/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authz_place: places in the log of a store that several hosts share: by which one decisions are
 * made, and which one a change stands at.
 */

#include <string.h>

#include "client/authz_handle.h"

int authz_set_as_of(struct authz *authz, const char *place)
{
	size_t len = place != NULL ? strlen(place) : 0;

	if (authz == NULL || len >= sizeof authz->as_of) {
		return AUTHZ_EINVAL;
	}
	memset(authz->as_of, 0, sizeof authz->as_of);
	if (len > 0) {
		memcpy(authz->as_of, place, len);
	}
	return AUTHZ_OK;
}

int authz_reply_as_of(const struct authz_reply *reply, char *out, size_t size)
{
	struct wire_str name, text;
	struct wire_cursor map;
	uint32_t pairs;

	if (out == NULL || size == 0) {
		return AUTHZ_EINVAL;
	}
	out[0] = '\0';
	if (reply == NULL || reply->data == NULL || reply->code != NULL) {
		return AUTHZ_EINVAL;
	}
	map = wire_cursor_of(reply->data, reply->len);
	if (!wire_read_map(&map, &pairs)) {
		return AUTHZ_EPROTO;
	}
	for (; pairs > 0; pairs--) {
		if (!wire_read_text(&map, &name)) {
			return AUTHZ_EPROTO;
		}
		if (wire_str_equal(name, WIRE_STR("as_of"))) {
			return wire_read_text(&map, &text) && authz_copy_whole(out, size, text)
				       ? AUTHZ_OK
				       : AUTHZ_EPROTO;
		}
		if (!wire_skip(&map)) {
			return AUTHZ_EPROTO;
		}
	}
	return AUTHZ_EINVAL;
}
