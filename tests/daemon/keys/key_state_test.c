/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/secret_rules.h"

#include <criterion/criterion.h>

#define NOW 1000

static struct store_key key_of(
	uint32_t flags, int64_t not_before, int64_t expires_at, int64_t renew_by)
{
	return (struct store_key){ .flags = flags,
		.not_before = not_before,
		.expires_at = expires_at,
		.rotation = { .renew_by = renew_by } };
}

/* Each row but the last ones holds of a later state, too. */
Test(key_state, a_key_is_the_first_that_holds_of_revoked_inactive_expired_active)
{
	static const struct {
		const char *what;
		uint32_t flags;
		int64_t not_before, expires_at, renew_by;
		enum pol_key_state state;
	} rows[] = {
		{ "revoked, switched off", STORE_KEY_REVOKED | STORE_KEY_DISABLED, 0, 0, 0,
			POL_KEY_REVOKED },
		{ "revoked, too early", STORE_KEY_REVOKED, NOW + 1, 0, 0, POL_KEY_REVOKED },
		{ "revoked, over", STORE_KEY_REVOKED, 0, NOW, 0, POL_KEY_REVOKED },
		{ "revoked, not renewed", STORE_KEY_REVOKED, 0, 0, NOW, POL_KEY_REVOKED },
		{ "switched off, over", STORE_KEY_DISABLED, 0, NOW, 0, POL_KEY_INACTIVE },
		{ "switched off, not renewed", STORE_KEY_DISABLED, 0, 0, NOW, POL_KEY_INACTIVE },
		{ "too early, over", 0, NOW + 1, NOW, 0, POL_KEY_INACTIVE },
		{ "too early, not renewed", 0, NOW + 1, 0, NOW, POL_KEY_INACTIVE },
		{ "over", 0, NOW, NOW, 0, POL_KEY_EXPIRED },
		{ "not renewed", 0, 0, NOW + 1, NOW, POL_KEY_EXPIRED },
		{ "in its time", 0, NOW, NOW + 1, NOW + 1, POL_KEY_ACTIVE },
		{ "without an end", 0, 0, 0, 0, POL_KEY_ACTIVE },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct store_key key = key_of(
			rows[i].flags, rows[i].not_before, rows[i].expires_at, rows[i].renew_by);
		enum pol_key_state state = secret_rules_state(&key, NOW);

		cr_expect_eq(state, rows[i].state, "%s: expected %d, got %d", rows[i].what,
			(int)rows[i].state, (int)state);
	}
}
