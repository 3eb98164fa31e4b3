/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/authzen_reply.h"

#include <string.h>

bool authzen_reply_find(struct wire_cursor map, const char *name, struct wire_cursor *out)
{
	const struct wire_str wanted = { name, strlen(name) };
	struct wire_str key;
	uint32_t pairs;

	*out = (struct wire_cursor){ NULL, NULL };
	if (!wire_read_map(&map, &pairs)) {
		return false;
	}
	for (uint32_t i = 0; i < pairs; i++) {
		struct wire_cursor value;

		if (!wire_read_text(&map, &key) || !wire_take(&map, &value)) {
			return false;
		}
		if (wire_str_equal(key, wanted)) {
			*out = value;
		}
	}
	return true;
}

bool authzen_reply_next(struct wire_cursor *items, struct wire_str *out)
{
	return wire_read_text(items, out) && wire_is_utf8(*out) &&
	       memchr(out->ptr, '\0', out->len) == NULL;
}

bool authzen_reply_text(struct wire_cursor map, const char *name, struct wire_str *out)
{
	struct wire_cursor value;

	*out = (struct wire_str){ "", 0 };
	if (!authzen_reply_find(map, name, &value)) {
		return false;
	}
	return wire_at_end(&value) || authzen_reply_next(&value, out);
}

bool authzen_reply_array(
	struct wire_cursor map, const char *name, struct wire_cursor *out, uint32_t *out_count)
{
	return authzen_reply_find(map, name, out) && wire_read_array(out, out_count);
}

bool authzen_reply_decision(struct wire_cursor *results, struct authzen_decision *out)
{
	struct wire_cursor result, allow;

	out->missing_count = 0;
	return wire_take(results, &result) && authzen_reply_find(result, "allow", &allow) &&
	       wire_read_bool(&allow, &out->allow) &&
	       authzen_reply_text(result, "reason", &out->reason) &&
	       authzen_reply_find(result, "missing", &out->missing) &&
	       (wire_at_end(&out->missing) || wire_read_array(&out->missing, &out->missing_count));
}
