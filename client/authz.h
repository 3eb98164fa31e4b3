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
 * It fails closed: a decision is set to AUTHZ_DENY first and becomes AUTHZ_ALLOW only when a daemon
 * that we trust said so, whole, in time, and to this very question. Ignoring a result never grants.
 *
 * Results. Functions that can fail return 0 or a negative AUTHZ_E*; but for decisions and replies,
 * outputs are written on success alone.
 *
 * Threads. A handle has no lock: one thread at a time. Handles share nothing; give each thread its
 * own. The library has no state beside its handles, touches no signal (not even SIGPIPE) and never
 * writes to a standard stream.
 *
 * Forks. A child may go on with a handle of its parent: the first call in it opens a connection of
 * its own and leaves the parent's alone. What the parent had outstanding stays the parent's; the
 * child hears nothing of it.
 *
 * Connection. It is opened when first needed, kept, and opened anew when it broke. Before the first
 * byte is sent the kernel is asked who listens there (SO_PEERCRED): root, our own effective user,
 * or the user in the options, else AUTHZ_EPEER. A missed deadline, an answer that was not asked for
 * and bytes that are no answer close it, so that nothing late is ever taken for something else.
 *
 * Two faces. The blocking one: authz_check, authz_check_many, authz_call. The event loop's:
 * authz_check_start, authz_call_start, and authz_fd, authz_events, authz_timeout, authz_process.
 * A handle may use both, a blocking call while nothing is outstanding.
 *
 * Text is NUL-terminated UTF-8. Strings that you pass in are used during the call alone.
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
	AUTHZ_EINVAL = -2,   /* the call makes no sense: see the function */
	AUTHZ_ECONNECT = -3, /* nobody serves the socket, or it may not be opened: authz_errno */
	AUTHZ_EPEER = -4,    /* the socket is served by a user that we do not trust */
	AUTHZ_ETIMEOUT = -5, /* no answer before the deadline */
	AUTHZ_ECLOSED = -6,  /* the connection broke; whether a change was made is not known */
	AUTHZ_EPROTO = -7,   /* the answer is none, or to a question that we did not ask */
	AUTHZ_EREFUSED = -8, /* the daemon answered with an error: see the reply */
	AUTHZ_ELIMIT = -9,   /* the request is too large, or too many are outstanding */
	AUTHZ_EBUSY = -10    /* not now: requests are outstanding, or a callback is running */
};

/* What an error means, in English; for 0 and unknown numbers too. Never NULL, never freed. */
AUTHZ_API const char *authz_strerror(int error);

/* --- the handle ------------------------------------------------------------------------------- */

struct authz; /* created, destroyed: yours */

enum {
	AUTHZ_DEFAULT_TIMEOUT = 5000, /* milliseconds */
	AUTHZ_MAX_REQUESTS = 1024,    /* entries of authz_check_many; and requests outstanding */
	AUTHZ_MAX_REQUEST = 262144,   /* bytes of a packed request */
	AUTHZ_PATH_SIZE = 108         /* of a socket's path with its NUL: the kernel's bound */
};

/* All zero is the default. Copied by authz_create. */
struct authz_options {
	const char *socket; /* path; NULL: where authz_default_socket says */
	int timeout_ms;     /* the deadline of each request, connecting included; 0: the default */
	uid_t server_uid;   /* whom to trust beside root and ourselves, such as the daemon's user;
			     * 0: nobody else */
	/* For event loops: called before a descriptor that authz_fd gave is closed, so that it can
	 * leave the loop; not in a forked child, whose loop may be shared. May be NULL. It must not
	 * call back into the handle. */
	void (*on_disconnect)(void *data, int fd);
	void *data; /* for on_disconnect */
};

/*
 * The path that daemon, tools and clients agree on: $AUTHZ_SOCKET; for root /run/authz/authz.sock;
 * else authz/authz.sock in $XDG_RUNTIME_DIR or, without that, in $XDG_STATE_HOME
 * (~/.local/state); and where no socket is there but the system's /run/authz/authz.sock is, that.
 * A program that runs with another user's rights (setuid) does not heed the environment.
 *
 * Writes at most size bytes with the NUL. Returns AUTHZ_EINVAL when the path would be longer than
 * size, than a socket's may be, or none can be named ($HOME is unset).
 */
AUTHZ_API int authz_default_socket(char *out, size_t size);

/* Makes a handle; options may be NULL. It does not connect. AUTHZ_EINVAL: a negative time, or a
 * path that is empty or does not fit; AUTHZ_ENOMEM. */
AUTHZ_API int authz_create(const struct authz_options *options, struct authz **out);

/* Frees the handle and wipes what passed through it; NULL is fine. Callbacks of what is outstanding
 * are not called. Not from within a callback. */
AUTHZ_API void authz_destroy(struct authz *authz);

/* Connects now, unless connected: 0, AUTHZ_ECONNECT, AUTHZ_EPEER, AUTHZ_ETIMEOUT. */
AUTHZ_API int authz_connect(struct authz *authz);

/* The path in use. Lives as long as the handle. */
AUTHZ_API const char *authz_socket(const struct authz *authz);

/* The errno behind the last AUTHZ_ECONNECT or AUTHZ_ECLOSED, 0 when there was none. */
AUTHZ_API int authz_errno(const struct authz *authz);

/* --- decisions -------------------------------------------------------------------------------- */

/*
 * A question. Unset fields (NULL, 0) are not sent. Either token or principal says who asks, or,
 * when the service's stack allows it, neither; either method and path, or action and resource
 * (TREE:/path), say for what. principal, ip, mfa_at and time are believed from trusted peers alone.
 */
struct authz_request {
	const char *token;     /* as presented; a leading "Bearer " is fine */
	const char *principal; /* who has been authenticated elsewhere */
	const char *method;    /* of HTTP */
	const char *path;      /* as the web server saw it */
	const char *tree;      /* of method and path; NULL: api */
	const char *action;
	const char *resource;
	const char *service;     /* whose stack decides */
	const char *environment; /* that the service serves; NULL: the policy's first; "*": any */
	const char *tenant;      /* that the service serves; NULL: default; "*": any */
	const char *ip;          /* the caller's address */
	int64_t mfa_at;          /* Unix seconds: when he last gave a second factor */
	int64_t time;            /* Unix seconds: the time for opening hours */
};

enum authz_verdict { AUTHZ_DENY = 0, AUTHZ_ALLOW = 1 };

enum {
	AUTHZ_REASON_SIZE = 64,
	AUTHZ_NAME_SIZE = 256 /* of a key, principal, tenant, environment, with the NUL */
};

/* An answer. Texts that the daemon left out are empty. A text that does not fit is never cut, the
 * whole answer is then AUTHZ_EPROTO and denied. */
struct authz_decision {
	enum authz_verdict verdict;
	int status;                     /* what an HTTP server should answer: 200, 401, 403 ... */
	char reason[AUTHZ_REASON_SIZE]; /* "ok", "role", ...; "unavailable": no answer came */
	char revision[24];              /* of the policy that answered */
	char key[AUTHZ_NAME_SIZE];
	char principal[AUTHZ_NAME_SIZE];
	char tenant[AUTHZ_NAME_SIZE];
	char environment[AUTHZ_NAME_SIZE];
	bool renew;       /* the holder should fetch the key's successor */
	int64_t renew_by; /* Unix seconds: when the present secret dies; 0: not said */
	bool has_quota;   /* the next three are set */
	int64_t quota_limit;
	int64_t quota_remaining;
	int64_t quota_reset; /* seconds from now */
};

/*
 * Asks and waits. *out is always written: AUTHZ_DENY, 503, "unavailable" first. Returns 0 when an
 * answer came, allow or deny; else the error, and *out stays as it was first. When the connection
 * breaks it is opened and the question asked once more, within the deadline. AUTHZ_EINVAL: token
 * and principal together, both forms of a question or none, half of one, or a negative time.
 */
AUTHZ_API int authz_check(
	struct authz *authz, const struct authz_request *request, struct authz_decision *out);

/*
 * The same for count questions (at least 1, at most AUTHZ_MAX_REQUESTS) in one message, answered by
 * one revision of the policy: out[i] answers requests[i]. Fields set in shared, which may be NULL,
 * hold for every entry that does not set them itself. When it fails, all of out is denied.
 */
AUTHZ_API int authz_check_many(struct authz *authz, const struct authz_request *shared,
	const struct authz_request *requests, size_t count, struct authz_decision *out);

/* --- any method ------------------------------------------------------------------------------- */

/*
 * What came back. On success data is the result, in MessagePack; on AUTHZ_EREFUSED it is the
 * error's map, and code, message and param are its texts ("" when left out). On other errors all
 * is empty. Lives in the handle until the next call on it (in a callback: until that returns), and
 * may hold a secret: it is wiped then.
 */
struct authz_reply {
	const void *data;
	size_t len;
	const char *code; /* such as "not_found"; NULL unless refused */
	const char *message;
	const char *param;
};

/*
 * Calls a method and waits. params is one packed MessagePack map, or NULL and 0 for none. Methods
 * that only read (authorize, authorize_many, permissions, status and names that end in .get, .list
 * or .status) are sent once more when the connection breaks; so are keys.create, keys.rotate and
 * keys.renew, with a request_id that is drawn here unless params have one, so that the second
 * answer is the first one's: the same secret. All others only if not one byte of them had been
 * sent, else AUTHZ_ECLOSED. (authz_call_start adds nothing and sends nothing again: there put a
 * request_id of authz_request_id into the parameters, and start the same ones again.)
 */
AUTHZ_API int authz_call(struct authz *authz, const char *method, const void *params,
	size_t params_len, struct authz_reply *out);

/*
 * Draws a request_id for keys.create, keys.rotate and keys.renew: 32 hex digits and a NUL. The same
 * call with the same id gets the same answer for ten minutes, so that an answer that was lost costs
 * no secret. Draw one for each call, not for each attempt. 0, or AUTHZ_ENOMEM when the host has no
 * randomness.
 */
#define AUTHZ_REQUEST_ID_SIZE 33
AUTHZ_API int authz_request_id(char out[AUTHZ_REQUEST_ID_SIZE]);

/* The daemon's last error on this handle, for whom a decision's AUTHZ_EREFUSED is not enough: code,
 * message and param; all empty when there was none. Lives until the next one. */
AUTHZ_API void authz_refusal(const struct authz *authz, struct authz_reply *out);

/* --- for event loops -------------------------------------------------------------------------- */

/*
 * Each request is started, and its callback called exactly once, from authz_process: with 0 and
 * the decision or reply, or with the error and a denial or an empty reply (AUTHZ_EREFUSED: its
 * texts). The one exception: authz_destroy, and a fork's child, drop what is outstanding. When a
 * connection ends, all that is outstanding on it fails; nothing is sent again by itself. A callback
 * may start requests; it must not destroy the handle, process it or block on it (AUTHZ_EBUSY).
 *
 * A round of the loop: poll authz_fd for authz_events, at most authz_timeout milliseconds long;
 * then authz_process. Ask all three anew after each start and each process. Starting only queues:
 * the next authz_process sends, one system call for all that has queued.
 */
typedef void (*authz_on_decision)(void *data, int error, const struct authz_decision *decision);
typedef void (*authz_on_reply)(void *data, int error, const struct authz_reply *reply);

/* Queue a request, connecting if need be, never waiting. Errors as authz_check and authz_call; then
 * the callback is not called. */
AUTHZ_API int authz_check_start(struct authz *authz, const struct authz_request *request,
	authz_on_decision on_decision, void *data);
AUTHZ_API int authz_call_start(struct authz *authz, const char *method, const void *params,
	size_t params_len, authz_on_reply on_reply, void *data);

/* The descriptor to watch, -1 when there is none. */
AUTHZ_API int authz_fd(const struct authz *authz);

/* POLLIN, and POLLOUT when something waits to be sent; 0 without a connection. */
AUTHZ_API short authz_events(const struct authz *authz);

/* Milliseconds until the next deadline, 0 when it has passed, -1 when nothing is outstanding. */
AUTHZ_API int authz_timeout(const struct authz *authz);

/* Sends and receives what it can without waiting, and calls callbacks. Returns 0, or the error that
 * ended the connection; all that was outstanding has then heard of it. */
AUTHZ_API int authz_process(struct authz *authz);

#ifdef __cplusplus
}
#endif

#endif
