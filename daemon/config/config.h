/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * config: the daemon's settings, from its options and its configuration file.
 *
 * Filled once at start; from then on read-only and shared by all threads. Its texts live until
 * config_finish. Names of users and groups are looked up when the file is read; a name that the
 * host does not know is an error, so that no rule is lost silently.
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

#define CONFIG_CONNECTIONS      1024
#define CONFIG_MIN_CONNECTIONS  16 /* fewer leave no reserve */
#define CONFIG_MAX_CONNECTIONS  65536
#define CONFIG_USER_CONNECTIONS 256
#define CONFIG_IDLE             60          /* seconds */
#define CONFIG_MAX_IDLE         (24 * 3600) /* seconds */
#define CONFIG_MAX_HOST         64          /* bytes of a host's name: daemon/share/row.h */

struct config_listener {
	const char *path;
	mode_t mode;
	bool has_owner; /* after config_defaults: the daemon's user, if no other is named */
	uid_t owner;
	bool has_group; /* false: the group that a file made in that folder gets */
	gid_t group;
	bool decide; /* methods that decide */
	bool manage; /* managing methods without a token, by the peer's credentials */
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

/* Subordinate uids, which a login user may become (subuid(5)). */
struct config_subuids {
	uid_t first, last;
	uid_t owner;
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
	struct config_subject *impersonators;
	size_t impersonator_count;
	struct config_manager *managers;
	size_t manager_count;
	const char *user; /* to become, if root started the daemon; NULL: stay */
	uid_t uid;        /* that the daemon runs as after that */
	gid_t gid;
	bool as_root; /* root started the daemon */
	bool has_policy_owner;
	uid_t policy_owner;
	const char *decision_log; /* NULL: standard output */
	mode_t log_mode;          /* of the decision log when it is made; 0: 0600 */
	bool has_log_group;       /* and its group */
	gid_t log_group;
	unsigned workers; /* 0: one for each core, until config_defaults */
	/* Limits of connections, not of root and the daemon's own user. 0: until config_defaults.
	 */
	unsigned connections;
	unsigned user_connections;            /* of one user */
	uint32_t idle;                        /* seconds, after which one may be closed */
	const char *subuid;                   /* the file; NULL: /etc/subuid, if there is one */
	const struct config_subuids *subuids; /* by first */
	size_t subuid_count;
	const char *shared; /* where the shared store's database is, for libpq; NULL: none */
	const char *host;   /* this host's name among those that share it; after config_defaults */
	bool start_stale;   /* answer before all is applied that the others changed */
	enum log_format log_format;
	bool has_log_format; /* set by an option, which wins over the file */
	bool watch;
	bool confine;          /* limit files and system calls; false: for debugging */
	bool strict;           /* a broken policy folder prevents the start */
	bool state_is_default; /* then missing parents are created too */
	bool socket_is_default;
};

/* The settings before any option or file is read. config_finish frees them. */
void config_init(struct config *config);
void config_finish(struct config *config);

#define CONFIG_WHY 1024

/*
 * Reads a file of `NAME VALUE…` lines, whose words are those of the policy language. A setting that
 * an option made stays. 0; or a negative errno, after every problem of the file was written to
 * standard error as FILE:LINE:COLUMN.
 */
int config_read(struct config *config, const char *path);

/* Sets what neither an option nor the file set: state folder, pepper and socket, by the
 * environment, and the numbers; reads the subordinate uids. 0, or a negative errno and a message in
 * `why`. */
int config_defaults(struct config *config, char why[static CONFIG_WHY]);

/* The state folder, after config_defaults. */
static inline struct statedir config_statedir(const struct config *config)
{
	return (struct statedir){
		.path = config->state,
		.make_parents = config->state_is_default,
		.uid = config->uid,
		.gid = config->gid,
		.user = config->user,
	};
}

/* Read the value of an option or a line. False: it is out of range. */
bool config_read_workers(struct pol_str text, unsigned *out);
bool config_read_connections(struct pol_str text, unsigned *out);
bool config_read_user_connections(struct pol_str text, unsigned *out);
bool config_read_idle(struct pol_str text, uint32_t *out); /* a duration */
/* May a host have this name? Letters, digits, `.`, `-` and `_`, of which the first is no `.` or
 * `-`.
 */
bool config_is_host(struct pol_str text);

/* For a name that no option has, the option with the nearest name; NULL: none is near. `options`
 * ends with a row without a name. */
struct option;
const char *config_nearest_option(struct pol_str name, const struct option *options);

/* Reads the file of subordinate uids. 0, or a negative errno and a message in `why`. */
int config_subuid_read(struct config *config, char why[static CONFIG_WHY]);
/* The user whose subordinate uid this is, otherwise uid itself. */
uid_t config_subuid_owner(const struct config *config, uid_t uid);

/* A NUL-terminated copy that lives as long as the configuration; NULL: no memory. */
const char *config_copy(struct config *config, struct pol_str text);

/* Does a `manage` line allow this peer the action on the resource (`authz:/keys/1abc`)? Callers
 * check peer->superuser first, which needs no line. */
bool config_match_manager_allows(const struct config *config, const struct peer *peer,
	struct pol_str resource, struct pol_str action);

/* The pattern of line `number` of the `manage` lines. False: it does not name this peer. */
bool config_match_manager_line(const struct config *config, const struct peer *peer, size_t number,
	struct pol_str *out_pattern);

/* Does any `manage` line name this peer? */
bool config_match_manager(const struct config *config, const struct peer *peer);

/* Does one `manage` line give this peer all actions on the whole tree `authz:`? */
bool config_match_manager_all(const struct config *config, const struct peer *peer);
/* The same for a user who is not connected now, so that its groups are not known: lines for users
 * alone. */
bool config_match_uid_all(const struct config *config, uid_t uid);

/* Does a `trust` line name this peer? */
bool config_match_trusts(const struct config *config, const struct peer *peer);

/* Does an `impersonate` line name this peer? */
bool config_match_impersonates(const struct config *config, const struct peer *peer);
