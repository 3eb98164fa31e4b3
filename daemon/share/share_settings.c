/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "daemon/share/settings.h"
#include "daemon/share/share_internal.h"

static bool get(struct store_read *read, const char *name, struct pol_str *out)
{
	return store_get_setting(read, name, out) == 0;
}

bool share_parse_max_lag(struct pol_str text, uint64_t *out_ms)
{
	uint64_t ms = 0;

	if (text.len == 0 || text.len > 10) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return false;
		}
		ms = ms * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*out_ms = ms;
	return ms >= SHARE_LEAST_MAX_LAG && ms <= SHARE_MOST_MAX_LAG;
}

bool share_parse_standbys(struct pol_str text, enum share_standbys *out)
{
	if (pol_str_equal(text, POL_STR("synchronous"))) {
		*out = SHARE_STANDBYS_SYNCHRONOUS;
		return true;
	}
	if (pol_str_equal(text, POL_STR("none"))) {
		*out = SHARE_STANDBYS_NONE;
		return true;
	}
	return false;
}

const char *share_standbys_name(enum share_standbys standbys)
{
	switch (standbys) {
	case SHARE_STANDBYS_SYNCHRONOUS:
		return "synchronous";
	case SHARE_STANDBYS_NONE:
		return "none";
	case SHARE_STANDBYS_UNKNOWN:
		break;
	}
	return "unknown";
}

void share_settings_read(struct store_read *read, struct share_settings *out)
{
	struct pol_str text;
	uint64_t ms;

	memset(out, 0, sizeof *out);
	if (get(read, SHARE_SET_MAX_LAG, &text) && share_parse_max_lag(text, &ms)) {
		out->max_lag = ms * 1000000;
	}
	if (get(read, SHARE_SET_STANDBYS, &text)) {
		share_parse_standbys(text, &out->standbys);
	}
	if (get(read, SHARE_SET_POLICY, &text) && text.len < sizeof out->policy) {
		memcpy(out->policy, text.ptr, text.len);
	}
}
