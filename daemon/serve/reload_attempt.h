/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * reload_attempt: one attempt at a new policy, from reading the folder to the exchange.
 *
 * It keeps what the next attempt compares: the listing of the folder, and how this one ended. For
 * reload's thread; other threads read `attempts`, which has a lock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/serve/report.h"

struct build;
struct folder;
struct peer;
struct plugin_folder;
struct server;
struct watch;

struct reload_attempt {
	struct server *server;
	struct watch *watch;           /* armed by each; NULL: nothing is watched */
	struct folder *folder;         /* as of the last one; NULL: it could not be read */
	struct plugin_folder *modules; /* the same; NULL too when none is named */
	uint64_t host;                 /* what the running policy knows of the machine */
	struct report_attempts attempts;
	bool has_attempts;
};

/* In place, zeroed before; from the build that the server started from, whose folder it takes over
 * on success. 0 or negative errno. Finished after failure too. */
int reload_attempt_init(struct reload_attempt *attempt, struct server *server, struct build *first);
void reload_attempt_finish(struct reload_attempt *attempt);

/* Arms the watch for what the last attempt saw. */
void reload_attempt_watch(const struct reload_attempt *attempt);

/* Gives the milliseconds until another one is due; 0: none. forced: somebody asked (`by`, who may
 * be NULL), so that all is built even when nothing changed. */
uint64_t reload_attempt_run(struct reload_attempt *attempt, bool forced, const struct peer *by);

/* What the store names and the present policy lacks, into the reports. */
void reload_attempt_find_dangling(struct reload_attempt *attempt);
