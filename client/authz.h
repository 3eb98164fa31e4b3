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
 * AUTHZ_ALLOW only after a trusted daemon has sent a complete answer to this request before the
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
 * (SO_PEERCRED). That must be root, the effective user of this process, or the user given in the
 * options, otherwise the call fails with AUTHZ_EPEER. A missed deadline, an answer that no request
 * asked for, and bytes that are not an answer close the connection, so that a late answer is never
 * taken for the answer to another request.
 *
 * Two interfaces. Blocking: authz_check, authz_check_many, authz_call. For event loops:
 * authz_check_start, authz_call_start, authz_fd, authz_events, authz_timeout, authz_process.
 * A handle may use both, but a blocking call only while no request is outstanding.
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
	AUTHZ_EPROTO = -7,   /* the answer is malformed, or no request asked for it */
	AUTHZ_EREFUSED = -8, /* the daemon answered with an error: see the reply */
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
	int timeout_ms;     /* for each request, connecting included; 0: AUTHZ_DEFAULT_TIMEOUT */
	uid_t server_uid;   /* a user to trust in addition to root and this process's own, such as
			     * the daemon's; 0: none */
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
 * A program that runs with another user's rights (setuid or setgid) ignores these variables.
 *
 * Writes at most size bytes, the NUL included. Returns AUTHZ_EINVAL when the path does not fit size
 * or a socket's address, or when none can be formed ($HOME is unset too).
 */
AUTHZ_API int authz_default_socket(char *out, size_t size);

/* Makes a handle; options may be NULL. It does not connect. Returns AUTHZ_EINVAL when the timeout
 * is negative or the path is empty or too long, or AUTHZ_ENOMEM. */
AUTHZ_API int authz_create(const struct authz_options *options, struct authz **out);

/* Frees the handle and wipes its buffers; NULL is allowed. Callbacks of outstanding requests are
 * not called. A callback must not call it. */
AUTHZ_API void authz_destroy(struct authz *authz);

/* Connects, unless there is a connection. Returns 0, AUTHZ_ECONNECT, AUTHZ_EPEER or
 * AUTHZ_ETIMEOUT. */
AUTHZ_API int authz_connect(struct authz *authz);

/* The path of the socket, valid as long as the handle. */
AUTHZ_API const char *authz_socket(const struct authz *authz);

/* The errno that caused the last AUTHZ_ECONNECT or AUTHZ_ECLOSED, or 0. */
AUTHZ_API int authz_errno(const struct authz *authz);

/* --- decisions -------------------------------------------------------------------------------- */

/*
 * A request for a decision. Fields that are NULL or 0 are not sent. Set either token or principal,
 * or neither when the service's stack allows that; and either method and path, or action and
 * resource. The daemon accepts principal, ip, mfa_at and time only from trusted peers.
 */
struct authz_request {
	const char *token;     /* as presented; may begin with "Bearer " */
	const char *principal; /* a principal that the service has authenticated itself */
	const char *method;    /* HTTP method */
	const char *path;      /* HTTP path as the web server received it */
	const char *tree;      /* the tree that the path belongs to; NULL: api */
	const char *action;
	const char *resource;    /* TREE:/path */
	const char *service;     /* the service whose stack decides */
	const char *environment; /* of the service; NULL: the policy's first; "*": any */
	const char *tenant;      /* of the service; NULL: default; "*": any */
	const char *ip;          /* address of the client that the request is about */
	int64_t mfa_at;          /* Unix seconds: the client's last second factor */
	int64_t time;            /* Unix seconds: the time to check opening hours against */
};

enum authz_verdict { AUTHZ_DENY = 0, AUTHZ_ALLOW = 1 };

enum {
	AUTHZ_REASON_SIZE = 64,
	AUTHZ_NAME_SIZE = 256 /* of a key, principal, tenant or environment, with the NUL */
};

/* A decision. Texts that the daemon left out are empty. Texts are never truncated: an answer with
 * one that does not fit is AUTHZ_EPROTO and a denial. */
struct authz_decision {
	enum authz_verdict verdict;
	int status;                     /* the HTTP status to answer with: 200, 401, 403 ... */
	char reason[AUTHZ_REASON_SIZE]; /* "ok", "role", ...; "unavailable": no answer came */
	char revision[24];              /* revision of the policy that decided */
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
};

/*
 * Sends the request and waits for the decision. *out is always written: it begins as AUTHZ_DENY,
 * status 503, reason "unavailable". Returns 0 when a decision came, allow or deny. On an error *out
 * keeps that denial. When the connection breaks, the library opens a new one and sends the request
 * once more, within the same deadline. Returns AUTHZ_EINVAL when token and principal are both set,
 * when the request does not have exactly one of method with path and action with resource, or when
 * a time is negative.
 */
AUTHZ_API int authz_check(
	struct authz *authz, const struct authz_request *request, struct authz_decision *out);

/*
 * The same for count requests (1 to AUTHZ_MAX_REQUESTS) in one message, all decided by the same
 * revision of the policy: out[i] is the decision for requests[i]. Fields set in shared, which may
 * be NULL, apply to each request that does not set them itself. On an error every out[i] is a
 * denial.
 */
AUTHZ_API int authz_check_many(struct authz *authz, const struct authz_request *shared,
	const struct authz_request *requests, size_t count, struct authz_decision *out);

/* --- any method ------------------------------------------------------------------------------- */

/*
 * The reply to a call. On success data is the result, in MessagePack. On AUTHZ_EREFUSED data is the
 * error's map, and code, message and param are its texts ("" when the daemon left them out). On
 * other errors all fields are empty. The memory belongs to the handle and is valid until the next
 * call on it, in a callback until that returns. It may hold a secret, so the library wipes it then.
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
 * When the connection breaks, the request is sent once more if that cannot make a change twice:
 *   - methods that only read: authorize, authorize_many, permissions, status, and names that end
 *     in .get, .list or .status;
 *   - keys.create, keys.rotate and keys.renew, which have a request_id. This function adds a random
 *     one unless params has one. The daemon answers the second request as it answered the first,
 *     with the same secret;
 *   - any other method only when no byte of it had been sent; otherwise the call returns
 *     AUTHZ_ECLOSED.
 * authz_call_start adds no request_id and never sends again. There, put a request_id from
 * authz_request_id into the parameters, and after an error start the same request again.
 */
AUTHZ_API int authz_call(struct authz *authz, const char *method, const void *params,
	size_t params_len, struct authz_reply *out);

/*
 * Makes a random request_id for keys.create, keys.rotate and keys.renew: 32 hex digits and a NUL.
 * For ten minutes the daemon answers the same call with the same id as it did the first time, so
 * that a lost answer can be fetched again. Make one id for each call, not for each attempt. Returns
 * 0, AUTHZ_EINVAL when out is NULL, or AUTHZ_ENOMEM when the kernel gives no random bytes.
 */
#define AUTHZ_REQUEST_ID_SIZE 33
AUTHZ_API int authz_request_id(char out[AUTHZ_REQUEST_ID_SIZE]);

/* The last error that the daemon answered with on this handle, for details of an AUTHZ_EREFUSED
 * from authz_check: code, message and param, or all empty when there was none. Valid until the next
 * such error. */
AUTHZ_API void authz_refusal(const struct authz *authz, struct authz_reply *out);

/* --- for event loops -------------------------------------------------------------------------- */

/*
 * authz_process calls the callback of each started request exactly once: with 0 and the decision or
 * reply, or with an error and a denial or an empty reply (on AUTHZ_EREFUSED, with its texts). Only
 * authz_destroy and a forked child drop outstanding requests without a callback. When a connection
 * ends, every request outstanding on it fails; none is sent again. A callback may start requests.
 * It must not destroy the handle; blocking calls and authz_process return AUTHZ_EBUSY in it.
 *
 * In each turn of the loop, poll authz_fd for authz_events for at most authz_timeout milliseconds,
 * then call authz_process. Get all three values again after each start and each authz_process.
 * Starting a request only queues it; the next authz_process sends all that is queued together.
 */
typedef void (*authz_on_decision)(void *data, int error, const struct authz_decision *decision);
typedef void (*authz_on_reply)(void *data, int error, const struct authz_reply *reply);

/* Queue a request. They connect when there is no connection, and never wait. When they fail, with
 * the errors of authz_check and authz_call, the callback is not called. */
AUTHZ_API int authz_check_start(struct authz *authz, const struct authz_request *request,
	authz_on_decision on_decision, void *data);
AUTHZ_API int authz_call_start(struct authz *authz, const char *method, const void *params,
	size_t params_len, authz_on_reply on_reply, void *data);

/* The descriptor to watch, or -1 without a connection. */
AUTHZ_API int authz_fd(const struct authz *authz);

/* POLLIN, with POLLOUT when bytes are queued; 0 without a connection. */
AUTHZ_API short authz_events(const struct authz *authz);

/* Milliseconds until the next deadline, 0 when it has passed, -1 when nothing is outstanding. */
AUTHZ_API int authz_timeout(const struct authz *authz);

/* Sends and receives what it can without waiting, and calls callbacks. Returns 0, or the error that
 * ended the connection, after the callback of every outstanding request was called with it. */
AUTHZ_API int authz_process(struct authz *authz);

#ifdef __cplusplus
}
#endif

#endif
