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

#include "daemon/load/commit.h"
#include "daemon/load/policy_host.h"
#include "daemon/serve/policy_entry.h"
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
	/* The modules of the policy that answers, while the folder is broken; NULL: not looked at
	 * yet. */
	struct plugin_folder *followed;
	uint64_t empty_since; /* uv_hrtime, when a file was first seen to be empty; 0: none is */
	bool unentered; /* the running policy's entry is missing in the trail, so it is not kept */
	bool fits;      /* the running policy is that of `folder` */
	/* What the running policy was built of, beside its files (struct build_base). */
	uint64_t code, host;
	struct policy_host_questions questions;
	char commit[COMMIT_TEXT]; /* at which the folder was when the running policy was read */
	struct report_attempts attempts;
	bool has_attempts;
};

/* In place, zeroed before; from the build that the server started from, whose folder it takes over
 * on success. 0 or negative errno. Finished after failure too. */
int reload_attempt_init(struct reload_attempt *attempt, struct server *server, struct build *first);
void reload_attempt_finish(struct reload_attempt *attempt);

/* Arms the watch for what the last attempt saw. */
void reload_attempt_watch(const struct reload_attempt *attempt);

/* Gives the milliseconds until another one is due; 0: none. Unless the trigger is RELOAD_WATCH, all
 * is built even when nothing changed. by: the peer of RELOAD_REQUEST, else NULL. */
uint64_t reload_attempt_run(
	struct reload_attempt *attempt, enum reload_trigger trigger, const struct peer *by);

/* What the store names and the present policy lacks, into the reports. */
void reload_attempt_find_dangling(struct reload_attempt *attempt);
