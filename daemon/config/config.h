/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * config: what the daemon was told, by its options and by its configuration file.
 *
 * Filled once at start, read-only and shared by every thread from then on. All text lives in its
 * own arena and dies with config_finish. Names of users and groups are looked up when they are
 * read; a name that the host does not know is an error, so that no rule is lost silently.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/host/log.h"
#include "daemon/host/statedir.h"
#include "policy/text/arena.h"
#include "policy/text/str.h"

struct peer;

/* More workers than this gain nothing and cost a read transaction each. */
#define CONFIG_MAX_WORKERS   64
#define CONFIG_MAX_LISTENERS 16

struct config_listener {
	const char *path;
	mode_t mode;
	bool has_group;
	gid_t group;
	bool decide; /* decisions */
	bool manage; /* managing by what the kernel says of the peer */
};

/* A user or a group of the host. */
struct config_subject {
	bool is_group;
	id_t id;
};

struct config_manager {
	struct config_subject who;
	struct pol_str pattern; /* authz:/… with * and ** */
	struct pol_str *actions;
	size_t action_count; /* 0: all */
};

struct config {
	struct pol_arena arena;
	const char *policy;
	const char *state;
	const char *pepper;  /* NULL: `pepper` in the state folder */
	const char *modules; /* the module folder; NULL: none */
	struct config_listener listeners[CONFIG_MAX_LISTENERS];
	size_t listener_count;
	struct config_subject *trusts;
	size_t trust_count;
	struct config_manager *managers;
	size_t manager_count;
	const char *user; /* to become, when started as root; NULL: stay */
	uid_t uid;        /* whom the daemon runs as, in the end */
	gid_t gid;
	bool as_root; /* it was started so */
	bool has_policy_owner;
	uid_t policy_owner;
	const char *decision_log; /* NULL: standard output */
	unsigned workers;         /* 0: one a core */
	enum log_format log_format;
	bool has_log_format; /* told, so that an option wins over the file */
	bool watch;
	bool state_is_default; /* made when missing, its parents too */
	bool socket_is_default;
};

/* Zeroed but for what a daemon without any configuration needs. */
void config_init(struct config *config);
void config_finish(struct config *config);

#define CONFIG_WHY 1024

/*
 * Reads a file of `NAME VALUE…` lines in the policy language's words. What is set already (by an
 * option) stays. 0; or a negative errno and every problem of the file as FILE:LINE:COLUMN lines
 * has been written to standard error.
 */
int config_read(struct config *config, const char *path);

/* Sets what nobody told: state folder and socket, by the environment. 0, or a negative errno and
 * `why`, for people. */
int config_defaults(struct config *config, char why[static CONFIG_WHY]);

/* The state folder, after config_defaults. */
static inline struct statedir config_statedir(const struct config *config)
{
	return (struct statedir){
		.path = config->state,
		.make_parents = config->state_is_default,
		.uid = config->uid,
		.gid = config->gid,
	};
}

/* A copy that lives as long as the configuration; NULL: no memory. */
const char *config_copy(struct config *config, struct pol_str text);

/* Is this peer, by a `manage` line, let do the action on the resource (`authz:/keys/1abc`)? Root
 * and the daemon's own user are not asked here: peer->superuser says it all. */
bool config_match_manager_allows(const struct config *config, const struct peer *peer,
	struct pol_str resource, struct pol_str action);

/* Does any `manage` line name this peer? */
bool config_match_manager(const struct config *config, const struct peer *peer);

/* Does a `trust` line name this peer? */
bool config_match_trusts(const struct config *config, const struct peer *peer);

/* `authz:/keys/{*}`: does the pattern hold this resource? `*` is one segment, a final `**` the
 * rest, even none. Both normalised. */
bool config_match_pattern(struct pol_str pattern, struct pol_str resource);
