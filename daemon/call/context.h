/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * context: the parts of the daemon that handlers use.
 *
 * serve/ creates them before the first request and destroys them after the last one. Each part's
 * own header says which threads may use it.
 */

#include "daemon/call/report.h"
#include "daemon/host/confine.h"

struct backup;
struct config;
struct decision_watch;
struct feeds;
struct log_sink;
struct pepper;
struct marks;
struct principal_cache;
struct quota_counters;
struct rotation;
struct share;
struct share_everywhere;
struct share_fresh;
struct store;
struct usage;

struct context {
	const struct config *config;
	struct store *store;
	struct usage *usage;
	struct principal_cache *principal_cache;
	struct quota_counters *quota_counters;
	struct log_sink *decision_log;
	struct rotation *rotation;
	struct pepper *pepper;
	struct backup *backup;
	struct decision_watch *watch; /* NULL: no decision is watched */
	struct feeds *feeds;          /* the data files of modules; NULL: there are none */
	struct marks *marks;          /* NULL: the configuration has no `shared` */
	struct share *share;          /* NULL: the configuration has no `shared` */
	struct share_fresh *fresh;    /* may answers go by the store now? NULL: always */
	struct share_everywhere
		*everywhere; /* in tests without `share`: answers that wait for all hosts */
	struct report_source report;
	struct confined confined;
};
