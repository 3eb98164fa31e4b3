/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHZ_H
#define AUTHZ_H

/*
 * libauthz: ask authzd, over its Unix socket, whether something is allowed.
 *
 *     struct authz *authz;
 *     struct authz_decision decision;
 *     struct authz_request request = { .token = token, .method = "GET", .path = "/loans/7" };
 *
 *     if (authz_create(NULL, &authz) < 0) { ... }
 *     authz_check(authz, &request, &decision);
 *     if (decision.verdict == AUTHZ_ALLOW) { ... }
 *     authz_destroy(authz);
 *
 * The library fails closed. Each function first sets the decision to AUTHZ_DENY, and changes it to
 * AUTHZ_ALLOW only after a trusted daemon has sent a complete answer to this request before its
 * deadline. A program that ignores the return value therefore never allows by mistake.
 *
 * Results. Functions that can fail return 0 or a negative AUTHZ_E*. Decisions and replies are
 * always written; all other outputs only on success.
 *
 * Threads. A handle has no lock: only one thread may use it at a time. Handles share nothing, so
 * give each thread its own. The library has no global state, changes no signal handler, raises no
 * SIGPIPE and never writes to a standard stream.
 *
 * Forks. A child process may use a handle of its parent. Its first call opens a connection of its
 * own and leaves the parent's connection alone. Requests that were outstanding at the fork remain
 * the parent's; the child never gets their answers.
 *
 * Connection. The library opens it when it is first needed, keeps it, and opens a new one after it
 * broke. Before the first byte is sent it asks the kernel which user serves the socket
 * (SO_PEERCRED). Trusted are
 *   1. root,
 *   2. the effective user of this process,
 *   3. the user in the options, or without one the user that $AUTHZ_SERVER_USER names, and
 *   4. the owner of the socket's folder, if only that user, root and this process's can write the
 *      folder and every folder and link on the way to it. So it is not a folder in /tmp.
 * With any other user the call fails with AUTHZ_EPEER, and authz_explain says what to do. For a
 * daemon that root started, or a socket that systemd opened, the user is root. A missed deadline of
 * a blocking call, an answer that no request asked for, and bytes that are not an answer close the
 * connection, so that a late answer is never taken for the answer to another request. An answer to
 * a request whose result cannot be read (without `allow`, with a field of the wrong type) denies
 * that one request, with AUTHZ_EPROTO, and leaves the connection and the other requests alone. An
 * unknown reason, and fields that this library does not know, are no error.
 *
 * A daemon that restarts. While nobody listens on the socket (ECONNREFUSED), a request is tried
 * again until its deadline, if it may be sent twice: see authz_call. When this handle had a
 * connection before, that is so while the socket is absent, too (ENOENT, EACCES); without one
 * before, the path is taken to be wrong, and the call fails at once. At the deadline the error is
 * AUTHZ_ECONNECT. Other requests, and authz_connect, fail at once.
 *
 * A daemon that refuses the connection, because the user has as many as one may have, says so and
 * closes it. Then all requests on it fail with AUTHZ_EREFUSED, and authz_refusal has the code,
 * "overloaded", and the daemon's message. They are not tried again.
 *
 * Two interfaces. Blocking: authz_check, authz_check_many, authz_plan, authz_call. For event
 * loops: authz_check_start, authz_plan_start, authz_call_start, authz_cancel, authz_process, and
 * authz_fd, authz_events and authz_timeout, or authz_watch. A handle may use both, but a blocking
 * call only while no request is outstanding.
 *
 * Text is NUL-terminated UTF-8. The library does not keep pointers to strings after a call returns.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AUTHZ_API __attribute__((visibility("default")))

enum authz_error {
	AUTHZ_OK = 0,
	AUTHZ_ENOMEM = -1,   /* no memory left */
	AUTHZ_EINVAL = -2,   /* an argument is invalid: see the function */
	AUTHZ_ECONNECT = -3, /* the socket cannot be connected to: see authz_errno */
	AUTHZ_EPEER = -4,    /* the socket is served by a user that is not trusted */
	AUTHZ_ETIMEOUT = -5, /* no answer before the deadline */
	AUTHZ_ECLOSED = -6,  /* the connection broke; a change may or may not have been made */
	AUTHZ_EPROTO = -7,   /* the answer cannot be read, or no request asked for it */
	AUTHZ_EREFUSED = -8, /* the daemon answered with an error: see the reply or authz_refusal */
	AUTHZ_ELIMIT = -9,   /* the request is too large, or too many are outstanding */
	AUTHZ_EBUSY = -10    /* requests are outstanding, or a callback is running */
};

/* An English description of an error, also for 0 and unknown numbers. The text is static. */
AUTHZ_API const char *authz_strerror(int error);

/* --- the handle ------------------------------------------------------------------------------- */

struct authz; /* made by authz_create, freed by authz_destroy */

enum {
	AUTHZ_DEFAULT_TIMEOUT = 5000, /* milliseconds */
	AUTHZ_MAX_REQUESTS = 1024,    /* in one authz_check_many, and outstanding on a handle */
	AUTHZ_MAX_REQUEST = 262144,   /* bytes of a packed request */
	AUTHZ_PATH_SIZE = 108         /* bytes of a socket's path with its NUL, as in sockaddr_un */
};

/* Zeroed options are the defaults. authz_create copies them. */
struct authz_options {
	const char *socket; /* path; NULL: the path of authz_default_socket */
	int timeout_ms;     /* as in authz_set_timeout */
	uid_t server_uid;   /* the daemon's user, to trust in addition (see Connection, above);
			     * 0: the one that $AUTHZ_SERVER_USER names, if it is set */
	/* For event loops: called before a descriptor returned by authz_fd is closed, so that the
	 * program can remove it from its loop. Not called in a forked child, which may share the
	 * parent's loop. May be NULL. It must not call any function on the handle. */
	void (*on_disconnect)(void *data, int fd);
	void *data; /* for on_disconnect */
};

/*
 * The default path, the same for all clients:
 *   1. $AUTHZ_SOCKET, when set;
 *   2. for root, /run/authz/authz.sock;
 *   3. for other users, authz/authz.sock in $XDG_RUNTIME_DIR, or in $XDG_STATE_HOME
 *      (~/.local/state) when that is unset. When no socket is there, but one is at
 *      /run/authz/authz.sock, that one.
 * A program with more rights than its caller (setuid, setgid or with file capabilities) ignores
 * these variables, and $AUTHZ_SERVER_USER.
 *
 * Writes at most size bytes, the NUL included. Returns AUTHZ_EINVAL when the path does not fit size
 * or a socket's address, or when none can be formed ($HOME is unset too).
 */
AUTHZ_API int authz_default_socket(char *out, size_t size);

/*
 * The default path for managing without a token. It is AUTHZ_MANAGING_SOCKET beside the default
 * socket, when there is one that this process may open and $AUTHZ_SOCKET is not set; otherwise it
 * is the default socket. Returns as authz_default_socket does.
 */
#define AUTHZ_MANAGING_SOCKET "admin.sock"
AUTHZ_API int authz_managing_socket(char *out, size_t size);

/* The number of a user, who is given by name or number, for authz_options.server_uid. A number is
 * not looked up. Returns AUTHZ_EINVAL when there is no such user. */
AUTHZ_API int authz_find_user(const char *user, uid_t *out);

/* Makes a handle; options may be NULL. It does not connect. Returns AUTHZ_EINVAL when the timeout
 * is negative, the path is empty or too long, or $AUTHZ_SERVER_USER counts and names no user, or
 * AUTHZ_ENOMEM. */
AUTHZ_API int authz_create(const struct authz_options *options, struct authz **out);

/* Frees the handle and wipes its buffers; NULL is allowed. Callbacks of outstanding requests are
 * not called. A callback must not call it. */
AUTHZ_API void authz_destroy(struct authz *authz);

/* Sets the time that requests have, connecting included, from the next one on; 0 is
 * AUTHZ_DEFAULT_TIMEOUT. So each request may have a deadline of its own: requests that are
 * outstanding keep theirs. Returns AUTHZ_EINVAL when timeout_ms is negative. */
AUTHZ_API int authz_set_timeout(struct authz *authz, int timeout_ms);

/*
 * For a store that several hosts share. From the next request on, authz_check, authz_check_many,
 * authz_plan and what starts them are answered by a host that has the change at this place, the
 * text `as_of` of a change's result: a host that does not reach it within a second denies with
 * reason "stale", status 503. NULL or "": no more. In the parameters of authz_call put `as_of`
 * yourself, and `everywhere` for changes that are to hold on all hosts when they are answered; give
 * these a timeout of more than 10 seconds, and other changes one of more than 5. Returns
 * AUTHZ_EINVAL when the text is too long to be a place.
 */
#define AUTHZ_PLACE_SIZE 38 /* bytes of a place with its NUL */
AUTHZ_API int authz_set_as_of(struct authz *authz, const char *place);

/* Connects, unless there is a connection. Returns 0, AUTHZ_ECONNECT, AUTHZ_EPEER or
 * AUTHZ_ETIMEOUT. */
AUTHZ_API int authz_connect(struct authz *authz);

/* The path of the socket, valid as long as the handle. */
AUTHZ_API const char *authz_socket(const struct authz *authz);

/* The errno that caused the last AUTHZ_ECONNECT or AUTHZ_ECLOSED, or 0. */
AUTHZ_API int authz_errno(const struct authz *authz);

/* The user who served the socket at the last attempt to connect, or (uid_t)-1. */
AUTHZ_API uid_t authz_server(const struct authz *authz);

/* Writes a sentence about an error that the last call on the handle returned, in English, cut to
 * size bytes with its NUL. It is that of authz_strerror with what is known beyond that: the errno,
 * or for AUTHZ_EPEER the user who serves, why that user is not trusted, and what to do. */
AUTHZ_API void authz_explain(const struct authz *authz, int error, char *out, size_t size);

/* --- decisions -------------------------------------------------------------------------------- */

/*
 * A fact that the policy declares in `facts`: `resource.owner`. The daemon refuses a request with a
 * fact that is not declared or of another type (AUTHZ_EREFUSED: authz_refusal names it). Facts
 * `principal.NAME` are for trusted peers, as below; others are for every peer. A fact that is left
 * out, or AUTHZ_FACT_ABSENT, has its default. Without a default it is unknown, and nothing is
 * allowed by what is unknown. Texts and items are borrowed until the call returns.
 */
enum authz_fact_type {
	AUTHZ_FACT_ABSENT = 0, /* as if it were left out; in authz_check_many also of `shared` */
	AUTHZ_FACT_TEXT,       /* a string, a word, an address; a time as RFC 3339 */
	AUTHZ_FACT_INT,        /* an int; a time in Unix seconds, a duration in seconds */
	AUTHZ_FACT_BOOL,
	AUTHZ_FACT_SET /* a set of strings */
};

struct authz_fact {
	const char *name;
	enum authz_fact_type type;
	const char *text;         /* TEXT */
	int64_t number;           /* INT; BOOL: 0 or 1 */
	const char *const *items; /* SET: its members */
	size_t count;             /* SET: how many */
};

/*
 * A request for a decision. Fields that are NULL or 0 are not sent. Set either token or principal,
 * or neither when the service's stack allows that; and either method and path, or action and
 * resource.
 *
 * principal, ip, mfa_at and time are facts that only a trusted peer may state: root, the daemon's
 * own user, and those that `trust` lines of authzd.conf(5) name. They are not ignored from others:
 * another peer that states one gets a denial, status 403, reason "not_trusted", whatever the token
 * is, because nothing else of the request is checked. A program that is not trusted leaves them
 * NULL or 0. Then ip and mfa_at are unknown: keys with networks, and stacks that check `network` or
 * `mfa`, deny. The time is then the daemon's; it serves for opening hours alone, and never makes a
 * key or an assignment live longer. Nobody checks a fact of a trusted peer: state an address that
 * comes from the kernel or from your own proxy, never one that the client can choose.
 */
struct authz_request {
	const char *token;     /* as presented; may begin with "Bearer " */
	const char *principal; /* a fact: a principal that the service has authenticated itself */
	const char *method;    /* HTTP method */
	const char *path;      /* HTTP path as the web server received it */
	const char *tree;      /* the tree that the path belongs to; NULL: api */
	const char *action;
	const char *resource;    /* TREE:/path */
	const char *service;     /* the service whose stack decides */
	const char *environment; /* of the service; NULL: the policy's first; "*": any */
	const char *tenant;      /* of the service; NULL: default; "*": any */
	const char *ip;          /* a fact: address of the client that the request is about */
	int64_t mfa_at;          /* a fact, Unix seconds: the client's last second factor */
	int64_t time;            /* a fact, Unix seconds: the time to check opening hours at */
	const struct authz_fact *facts; /* for the policy's conditions; NULL: none */
	size_t fact_count;
	bool ignore_undeclared; /* facts that the policy does not declare are ignored, and those
				 * of another type are unknown; for gateways, which know no policy
				 */
};

enum authz_verdict { AUTHZ_DENY = 0, AUTHZ_ALLOW = 1 };

enum {
	AUTHZ_REASON_SIZE = 64,
	AUTHZ_NAME_SIZE = 256, /* of a key, principal, tenant or environment, with the NUL */
	AUTHZ_MISSING_SIZE = 256
};

/* A decision. Texts that the daemon left out are empty. Texts are never truncated, `missing`
 * excepted: an answer with one that does not fit is AUTHZ_EPROTO and a denial. */
struct authz_decision {
	enum authz_verdict verdict;
	int status; /* the HTTP status to answer with: 200, 401, 403 ... */
	/* "ok", "role", ...; "stale": this host of a shared store knows nothing recent enough;
	 * "unavailable": no readable answer */
	char reason[AUTHZ_REASON_SIZE];
	char revision[24]; /* revision of the policy that decided */
	char key[AUTHZ_NAME_SIZE];
	char principal[AUTHZ_NAME_SIZE];
	char tenant[AUTHZ_NAME_SIZE];
	char environment[AUTHZ_NAME_SIZE];
	bool renew;       /* the holder should renew the key's secret now */
	int64_t renew_by; /* Unix seconds: when the present secret ends; 0: not given */
	bool has_quota;   /* the next three fields are set */
	int64_t quota_limit;
	int64_t quota_remaining;
	int64_t quota_reset; /* seconds from now */
	/* With reason "missing_fact": the names of the facts that are needed to decide, sorted,
	 * with a space between; those that fit whole. */
	char missing[AUTHZ_MISSING_SIZE];
	uint32_t missing_count; /* of all of them */
};

/*
 * Sends the request and waits for the decision. *out is always written: it begins as AUTHZ_DENY,
 * status 503, reason "unavailable". Returns 0 when a decision came, allow or deny. On an error *out
 * keeps that denial. When the connection breaks, the library opens a new one and sends the request
 * once more, within the same deadline. Returns AUTHZ_EINVAL when token and principal are both set,
 * when the request does not have exactly one of method with path and action with resource, when a
 * time is negative, or when a fact has no name, an unknown type or no text.
 */
AUTHZ_API int authz_check(
	struct authz *authz, const struct authz_request *request, struct authz_decision *out);

/*
 * The same for count requests (1 to AUTHZ_MAX_REQUESTS) in one message, all decided by the same
 * revision of the policy: out[i] is the decision for requests[i]. Fields set in shared, which may
 * be NULL, apply to each request that does not set them itself. On an error every out[i] is a
 * denial. When one result of several cannot be read, the call returns 0, and that one is a denial
 * with reason "unavailable".
 */
AUTHZ_API int authz_check_many(struct authz *authz, const struct authz_request *shared,
	const struct authz_request *requests, size_t count, struct authz_decision *out);

/* --- plans ------------------------------------------------------------------------------------ */

/* For which resources a request would be allowed, for the WHERE of a query. The path may be a node
 * as declared, `bookings:/bookings/{booking}`: then its parameters are open, and so is each fact
 * `resource.NAME` that the request does not state; other facts that it does not state are absent.
 * The plan is true for exactly those paths of the node that authz_check allows with the same facts
 * and with those of the resource. */
enum authz_plan_kind { AUTHZ_NEVER = 0, AUTHZ_ALWAYS, AUTHZ_WHEN };

/* There is no "not", and no third value: a comparison is false where a fact is absent. */
enum authz_term_kind {
	AUTHZ_TERM_NONE = 0,
	AUTHZ_AND, /* at least two parts */
	AUTHZ_OR,
	AUTHZ_PRESENT, /* one part, a fact */
	AUTHZ_ABSENT,
	AUTHZ_IS, /* this and those below: two parts */
	AUTHZ_IS_NOT,
	AUTHZ_LESS,
	AUTHZ_LESS_OR_EQUAL,
	AUTHZ_HAS, /* the second is a member of the first, a set */
	AUTHZ_HAS_NOT,
	AUTHZ_HAS_ANY, /* some member of the second is in the first */
	AUTHZ_HAS_NONE,
	AUTHZ_HAS_ALL, /* all members of the second are in the first */
	AUTHZ_HAS_NOT_ALL,
	AUTHZ_WITHIN, /* the first, an address, is in the second, a network */
	AUTHZ_NOT_WITHIN,
	AUTHZ_FACT, /* a part of a comparison, as are those below */
	AUTHZ_PARAMETER,
	AUTHZ_VALUE
};

enum authz_value_type {
	AUTHZ_TYPE_NONE = 0,
	AUTHZ_STRING,  /* text; compare it by bytes */
	AUTHZ_STRINGS, /* items */
	AUTHZ_INT,
	AUTHZ_BOOL,
	AUTHZ_TIME,     /* number: Unix seconds */
	AUTHZ_DURATION, /* number: seconds */
	AUTHZ_ADDRESS,  /* text: 10.1.2.3 */
	AUTHZ_WORD,     /* text */
	AUTHZ_NETWORK   /* text: 10.0.0.0/8 */
};

struct authz_term {
	enum authz_term_kind kind;
	enum authz_value_type type;     /* of a fact, parameter or value */
	const char *text;               /* a value's text; the name of a fact or parameter */
	int64_t number;                 /* a value's number; of a bool 0 or 1 */
	const struct authz_term *parts; /* of other kinds */
	size_t part_count;
	const char *const *items; /* the members of a set; the words that a fact may be */
	size_t item_count;
};

/* All that it points to belongs to it, until authz_plan_finish. */
struct authz_plan {
	enum authz_plan_kind kind;
	int status;                     /* of AUTHZ_NEVER, as in a decision; else 200 */
	char reason[AUTHZ_REASON_SIZE]; /* of AUTHZ_NEVER; else "ok" */
	char revision[24];
	const char *when;              /* of AUTHZ_WHEN, for people; else "" */
	const struct authz_term *tree; /* of AUTHZ_WHEN; else NULL */
	const char *node;              /* the node as declared, or "" */
	/* Facts that were not given, and with which the plan might allow more. */
	const char *const *missing;
	size_t missing_count;
	void *memory; /* private */
};

/* Sends the request and waits for the plan. *out is always written: it begins as AUTHZ_NEVER,
 * status 503, reason "unavailable", and on an error keeps that. Returns as authz_check does.
 * AUTHZ_EREFUSED also says that there is no plan for this path: see authz_refusal. */
AUTHZ_API int authz_plan(
	struct authz *authz, const struct authz_request *request, struct authz_plan *out);

/* Frees what the plan points to, and makes it AUTHZ_NEVER. A zeroed plan, and NULL, are allowed. */
AUTHZ_API void authz_plan_finish(struct authz_plan *plan);

/* --- any method ------------------------------------------------------------------------------- */

/*
 * The reply to a call. On success data is the result, in MessagePack. On AUTHZ_EREFUSED data is the
 * error's map, or NULL when the daemon refused the connection, and code, message and param are its
 * texts ("" when the daemon left them out). On other errors all fields are empty. The memory
 * belongs to the handle and is valid until the next call on it, in a callback until that returns.
 * It may hold a secret, so the library wipes it then.
 */
struct authz_reply {
	const void *data;
	size_t len;
	const char *code; /* such as "not_found"; NULL unless AUTHZ_EREFUSED */
	const char *message;
	const char *param;
};

/*
 * Calls a method and waits for the reply. params is one packed MessagePack map, or NULL and 0.
 *
 * When the connection breaks, the request is sent once more if that cannot make a change twice, and
 * while nobody listens it is tried until the deadline:
 *   - methods that only read: authorize, authorize_many, permissions, plan, status, keys.audit,
 *     audit.verify, policy.names, policy.tree, and names that end in .get, .list or .status;
 *   - keys.create, keys.rotate and keys.renew, which have a request_id. This function adds a random
 *     one unless params has one. The daemon answers the second request as it answered the first,
 *     with the same secret;
 *   - any other method is sent once more only when no byte of it had been sent, and is not tried
 *     while nobody listens; the call returns AUTHZ_ECLOSED or AUTHZ_ECONNECT.
 * authz_call_start adds no request_id and never sends again; without one, it does not wait for a
 * daemon that is away either. There, put a request_id from
 * authz_request_id into the parameters, and after an error start the same request again.
 */
AUTHZ_API int authz_call(struct authz *authz, const char *method, const void *params,
	size_t params_len, struct authz_reply *out);

/* The place of a change in the log of a shared store, from its reply, with its NUL: at most
 * AUTHZ_PLACE_SIZE bytes. Returns AUTHZ_EINVAL when the reply is an error or has none, as in a
 * single store, and AUTHZ_EPROTO when it cannot be read or does not fit; out is then empty. */
AUTHZ_API int authz_reply_as_of(const struct authz_reply *reply, char *out, size_t size);

/*
 * Makes a random request_id for keys.create, keys.rotate and keys.renew: 32 hex digits and a NUL.
 * For ten minutes the daemon answers the same call with the same id as it did the first time, so
 * that a lost answer can be fetched again. Make one id for each call, not for each attempt. Returns
 * 0, AUTHZ_EINVAL when out is NULL, or AUTHZ_ENOMEM when the kernel gives no random bytes.
 */
#define AUTHZ_REQUEST_ID_SIZE 33
AUTHZ_API int authz_request_id(char out[AUTHZ_REQUEST_ID_SIZE]);

/* The last error that the daemon answered with on this handle, for details of an AUTHZ_EREFUSED
 * from authz_check, or of a connection that it refused: code, message and param, or all empty when
 * there was none. Valid until the next such error. */
AUTHZ_API void authz_refusal(const struct authz *authz, struct authz_reply *out);

/* --- for event loops -------------------------------------------------------------------------- */

/*
 * authz_process calls the callback of each started request exactly once: with 0 and the decision or
 * reply, or with an error and a denial or an empty reply (on AUTHZ_EREFUSED, with its texts). Only
 * authz_cancel, authz_destroy and a forked child drop outstanding requests without a callback. When
 * a connection ends, every request outstanding on it fails; none is sent again. A request that
 * misses its deadline fails alone; when it was the last one outstanding, the connection ends with
 * it. A callback may start and cancel requests. It must not destroy the handle; blocking calls and
 * authz_process return AUTHZ_EBUSY in it.
 *
 * In each turn of the loop, poll authz_fd for authz_events for at most authz_timeout milliseconds,
 * then call authz_process. Get all three values again after each start, each cancel and each
 * authz_process. authz_fd may be -1 while requests are outstanding and the daemon is away: then
 * wait for authz_timeout alone. Starting a request only queues it; the next authz_process sends all
 * that is queued together. For a loop that keeps its watches, such as that of libuv or GLib, or
 * epoll, see authz_watch.
 */
typedef void (*authz_on_decision)(void *data, int error, const struct authz_decision *decision);
typedef void (*authz_on_reply)(void *data, int error, const struct authz_reply *reply);
/* The callback may copy the structure to keep the plan, and calls authz_plan_finish on one of the
 * two in any case. */
typedef void (*authz_on_plan)(void *data, int error, struct authz_plan *plan);

/* Queue a request. They connect when there is no connection, and never wait. When they fail, with
 * the errors of authz_check and authz_call, the callback is not called. */
AUTHZ_API int authz_check_start(struct authz *authz, const struct authz_request *request,
	authz_on_decision on_decision, void *data);
AUTHZ_API int authz_plan_start(struct authz *authz, const struct authz_request *request,
	authz_on_plan on_plan, void *data);
AUTHZ_API int authz_call_start(struct authz *authz, const char *method, const void *params,
	size_t params_len, authz_on_reply on_reply, void *data);

/* The id of the request that was started last, for authz_cancel; 0 before the first one. A handle
 * never uses an id again. */
AUTHZ_API uint64_t authz_started(const struct authz *authz);

/* Drops an outstanding request: its callback will not be called, so its data may be freed. A
 * request that was not sent yet is not sent any more. The daemon does not learn of it otherwise: a
 * change that was sent may be made. Returns AUTHZ_EINVAL when no request with that id is
 * outstanding, as when its callback was called or is running. May be called in a callback. */
AUTHZ_API int authz_cancel(struct authz *authz, uint64_t id);

/* How many started requests still wait for their callback. */
AUTHZ_API uint32_t authz_outstanding(const struct authz *authz);

/* The descriptor to watch, or -1 without a connection. */
AUTHZ_API int authz_fd(const struct authz *authz);

/* POLLIN, with POLLOUT when bytes are queued; 0 without a connection. */
AUTHZ_API short authz_events(const struct authz *authz);

/* Milliseconds until the next deadline or attempt to connect, 0 when it has passed, -1 when nothing
 * is outstanding. */
AUTHZ_API int authz_timeout(const struct authz *authz);

/* Sends and receives what it can without waiting, and calls callbacks. Returns 0, or the error that
 * ended the connection, after the callback of every outstanding request was called with it. */
AUTHZ_API int authz_process(struct authz *authz);

/*
 * Reports what to watch, whenever that changes, so that the program need not ask in each turn of
 * its loop (as CURLMOPT_SOCKETFUNCTION and CURLMOPT_TIMERFUNCTION of libcurl do). With libuv:
 *
 *     static void on_watch(void *data, int fd, short events)
 *     {
 *         struct door *door = data;
 *
 *         if (events == 0) {
 *             uv_poll_stop(door->poll);
 *             uv_close((uv_handle_t *)door->poll, on_closed_free);
 *             door->poll = NULL;
 *             return;
 *         }
 *         if (door->poll == NULL) {
 *             door->poll = malloc(sizeof *door->poll);
 *             uv_poll_init(door->loop, door->poll, fd);
 *             door->poll->data = door;
 *         }
 *         uv_poll_start(door->poll, UV_READABLE | (events & POLLOUT ? UV_WRITABLE : 0), on_ready);
 *     }
 *
 *     static void on_timer(void *data, int timeout_ms)
 *     {
 *         struct door *door = data;
 *
 *         if (timeout_ms < 0) {
 *             uv_timer_stop(&door->timer);
 *         } else {
 *             uv_timer_start(&door->timer, on_due, (uint64_t)timeout_ms, 0);
 *         }
 *     }
 *
 * on_ready and on_due call authz_process.
 *
 * on_watch: watch fd for events, POLLIN or POLLIN | POLLOUT, instead of those before; the watch is
 * level-triggered. 0: stop watching, because fd is closed next. On readiness, also for an error or
 * a hang-up, call authz_process. There is at most one descriptor at a time.
 *
 * on_timer: call authz_process once in timeout_ms milliseconds, instead of at the time before; -1:
 * no more. The timer may be earlier than the next deadline.
 *
 * Both are called before the function that changed something returns; what a callback of a request
 * changes, before authz_process returns. Neither may call a function on the handle, and neither is
 * called by authz_timeout and the like. In a forked child they report only its own connection;
 * authz_destroy ends both. This call reports what is to be watched at present. Set both, or with
 * NULL for both stop. Returns 0, AUTHZ_EINVAL when only one is set, or AUTHZ_EBUSY in a callback.
 */
typedef void (*authz_on_watch)(void *data, int fd, short events);
typedef void (*authz_on_timer)(void *data, int timeout_ms);
AUTHZ_API int authz_watch(
	struct authz *authz, authz_on_watch on_watch, authz_on_timer on_timer, void *data);

#ifdef __cplusplus
}
#endif

#endif
