/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* routes: what authz-http answers at which path: decisions, its own state, the daemon's. */

#include "client/http/door.h"

/* A request for a decision: forward auth. */
void http_routes_check(struct http_exchange *exchange);

/* All other paths of a listener; with `metrics` and `authzen` those of them too. The last row is
 * empty. */
void http_routes(const struct http_config *config, const struct http_listener *listener,
	struct http_route out[static HTTP_MAX_ROUTES]);
