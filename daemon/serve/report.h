/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * report: what `status` and `policy.status` show of a server.
 */

#include "daemon/call/report.h"

struct server;

/* Lives as long as the server, whose reload must have been created before the first question. */
struct report_source report_source_of(struct server *server);
