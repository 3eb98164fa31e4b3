/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* authzen_routes: AuthZEN over HTTP: carries what authzen asks to the daemon, and its answer back.
 */

#include "client/http/authzen.h"
#include "client/http/door.h"

/* Its paths and the one of the metadata. */
enum { HTTP_AUTHZEN_ROUTES = AUTHZEN_APIS + 1 };

void http_authzen_routes(struct http_route out[static HTTP_AUTHZEN_ROUTES]);
