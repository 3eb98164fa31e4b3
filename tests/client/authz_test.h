/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authz_test: what the tests of libauthz share.
 */

#include <string.h>

#include <criterion/criterion.h>

#include "client/authz.h"
#include "tests/client/fake_server.h"

/* A deadline that a test waits for, and one that it does not reach. */
enum { SHORT_MS = 150, LONG_MS = 120000 };

static const struct authz_request question = {
	.principal = "alice", .method = "GET", .path = "/loans/7"
};

static inline struct authz *client_of(const struct fake_server *server, int timeout_ms)
{
	const struct authz_options options = { .socket = server->path, .timeout_ms = timeout_ms };
	struct authz *authz = NULL;

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	return authz;
}

static inline bool is_denial(const struct authz_decision *decision)
{
	return decision->verdict == AUTHZ_DENY && decision->status == 503 &&
	       strcmp(decision->reason, "unavailable") == 0 && decision->principal[0] == '\0';
}

/* An allow with garbage in the other fields, which a failed call must overwrite. */
static inline struct authz_decision allowed(void)
{
	struct authz_decision decision;

	memset(&decision, 1, sizeof decision);
	decision.verdict = AUTHZ_ALLOW;
	return decision;
}
