/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * reason: the reason codes of decisions, and the HTTP status of each. Pure, any thread.
 *
 * A module may have reason codes of its own; their status is 403.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/str.h"

/* X(code, status), in the order in which a decision checks. */
#define POL_REASONS(X)                                                                             \
	X(ok, 200)                                                                                 \
	X(not_trusted, 403)                                                                        \
	X(malformed_token, 401)                                                                    \
	X(unknown_key, 401)                                                                        \
	X(revoked_key, 401)                                                                        \
	X(inactive_key, 401)                                                                       \
	X(expired_key, 401)                                                                        \
	X(unknown_principal, 401)                                                                  \
	X(inactive_principal, 401)                                                                 \
	X(inactive_tenant, 401)                                                                    \
	X(wrong_environment, 401)                                                                  \
	X(wrong_tenant, 401)                                                                       \
	X(unknown_service, 403)                                                                    \
	X(missing_token, 401)                                                                      \
	X(no_decision, 403)                                                                        \
	X(malformed_path, 400)                                                                     \
	X(unknown_resource, 404)                                                                   \
	X(unknown_action, 403)                                                                     \
	X(network, 403)                                                                            \
	X(hours, 403)                                                                              \
	X(mfa, 403)                                                                                \
	X(quota, 429)                                                                              \
	X(denied, 403)                                                                             \
	X(scope, 403)                                                                              \
	X(role, 403)                                                                               \
	X(missing_fact, 403)                                                                       \
	X(deny, 403)                                                                               \
	X(module_error, 503)                                                                       \
	X(stale, 503)

/* Bytes of a reason code: with its NUL it fits into the AUTHZ_REASON_SIZE bytes of client/authz.h.
 */
#define POL_REASON_MAX 63

/* The HTTP status of `ok`, 200, or of a denial: 400, 401, 403, 404, 429 or 503; 403 for a code that
 * is not in the list. */
uint16_t pol_reason_status(struct pol_str reason);

/* May a denial have it? It has 1 to POL_REASON_MAX of [a-z0-9_] and is not `ok`. Anything else that
 * a module answers is taken as `module_error`, so no denial reads as an allowed request, and none
 * puts bytes of its own choice into logs. */
bool pol_reason_is_denial(struct pol_str reason);

/* All codes of the list. Returns their number. */
size_t pol_reasons(const struct pol_str **out);
/* Is it in the list? */
bool pol_reason_is_known(struct pol_str reason);

/* Is it a code of status 401? The daemon sends those to an untrusted peer as `unauthenticated`. */
bool pol_reason_is_unauthenticated(struct pol_str reason);
