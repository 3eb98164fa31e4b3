/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * policy_host: the interface by which the compiler asks the host (struct pol_host,
 * policy/text/host.h).
 *
 * Users and groups come from the host's tables (host/names), time zones from its files; both may
 * block, so only threads that build policies use it. Modules and their data files come from a list
 * of the module folder. Bytes in answers live until policy_host_finish. Not thread-safe.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/host.h"

struct feed_fault;
struct feeds;
struct names;
struct policy_host_question;
struct policy_host_zone;
struct plugins;
struct plugin_folder;

/* The users, groups and zones that were asked for, in order. Zeroed: none. */
struct policy_host_questions {
	struct policy_host_question *first, *last;
	bool lost; /* there was no memory for one */
};

struct policy_host {
	struct pol_host interface; /* for pol_compile */
	struct policy_host_questions asked;
	uint64_t digest; /* of the questions about users and zones so far, and their answers */
	struct pol_arena arena;
	struct policy_host_zone *zones; /* those that were read, newest first */
	struct names *names;
	struct plugins *plugins;
	struct plugin_folder *folder; /* NULL: none is configured */
	struct feeds *feeds;          /* NULL: a data file that is refused refuses the policy */
	struct feed_fault *faults;    /* data files that were refused, newest first */
};

/* Borrows the process that looks up names (NULL: this one does), the loaded modules and the list of
 * the module folder; NULL: none is configured. */
void policy_host_init(struct policy_host *host, struct names *names, struct plugins *plugins,
	struct plugin_folder *folder);
/* From then on the last good data files are in `feeds`. `lack`: a file may be missing. */
void policy_host_use_feeds(struct policy_host *host, struct feeds *feeds, bool lack);
/* Asks all of it again, before any other question: then the digest is the same if the answers are.
 * False: one has no answer. */
bool policy_host_ask(struct policy_host *host, const struct policy_host_questions *questions);
/* Gives up what was asked; the caller finishes it. */
struct policy_host_questions policy_host_take_asked(struct policy_host *host);
void policy_host_questions_finish(struct policy_host_questions *questions);
void policy_host_finish(struct policy_host *host);
