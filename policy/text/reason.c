/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/reason.h"

static const struct pol_str reasons[] = {
#define REASON_NAME(code, status) POL_STR_INIT(#code),
	POL_REASONS(REASON_NAME)
#undef REASON_NAME
};

static const uint16_t statuses[] = {
#define REASON_STATUS(code, status) status,
	POL_REASONS(REASON_STATUS)
#undef REASON_STATUS
};

#define REASONS (sizeof reasons / sizeof *reasons)

static size_t find(struct pol_str reason)
{
	size_t i = 0;

	/* Each denial looks up its code; comparing lengths first avoids most calls. */
	while (i < REASONS &&
		(reasons[i].len != reason.len || !pol_str_equal(reasons[i], reason))) {
		i++;
	}
	return i;
}

uint16_t pol_reason_status(struct pol_str reason)
{
	size_t i = find(reason);

	return i < REASONS ? statuses[i] : 403;
}

/* The characters of a code: a table, since each denial of a module is checked. */
#define FIVE 1, 1, 1, 1, 1
#define TEN  FIVE, FIVE
static const bool in_code[256] = { ['0'] = TEN, ['_'] = 1, ['a'] = TEN, TEN, FIVE, 1 };

bool pol_reason_is_denial(struct pol_str reason)
{
	if (reason.ptr == NULL || reason.len == 0 || reason.len > POL_REASON_MAX) {
		return false;
	}
	for (size_t i = 0; i < reason.len; i++) {
		if (!in_code[(unsigned char)reason.ptr[i]]) {
			return false;
		}
	}
	return !pol_str_equal(reason, POL_STR("ok"));
}

size_t pol_reasons(const struct pol_str **out)
{
	*out = reasons;
	return REASONS;
}

bool pol_reason_is_known(struct pol_str reason)
{
	return find(reason) < REASONS;
}

bool pol_reason_is_unauthenticated(struct pol_str reason)
{
	return pol_reason_status(reason) == 401;
}
