/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authz_handle: struct authz, and the functions that the files of libauthz share. Not installed.
 * Only one thread may use a handle at a time.
 */

#include "client/authz.h"
#include "client/wire.h"

enum {
	AUTHZ_SLOTS = AUTHZ_MAX_REQUESTS, /* a power of two: an id's slot is id % AUTHZ_SLOTS */
	AUTHZ_RECV_ROOM = 16 * 1024,      /* bytes of one receive: most answers fit */
};

enum authz_slot_state {
	AUTHZ_SLOT_FREE = 0,
	AUTHZ_SLOT_WAITING,  /* for its answer: counted in outstanding */
	AUTHZ_SLOT_FAILING,  /* its connection ended, and its callback will be called */
	AUTHZ_SLOT_GIVEN_UP, /* cancelled or too late: an answer may come, and is dropped */
};

/* A request of the event loop interface. */
struct authz_slot {
	enum authz_slot_state state;
	uint64_t id;         /* the id on the wire is its lower half */
	int64_t deadline;    /* monotonic milliseconds */
	uint64_t begin, end; /* its bytes, in the stream that authz->sent counts */
	authz_on_decision on_decision;
	authz_on_reply on_reply;
	authz_on_plan on_plan; /* at most one of the three is set */
	void *data;
};

struct authz {
	char path[AUTHZ_PATH_SIZE];
	int timeout_ms;   /* of requests that begin now */
	uid_t server_uid; /* trusted in addition; 0: none */
	void (*on_disconnect)(void *data, int fd);
	void *data;

	int fd; /* a blocking socket, or -1 */
	int sys_errno;
	uid_t server;     /* who served the socket at the last attempt; -1: not known */
	pid_t pid;        /* the process that opened the connection */
	bool *own;        /* true in that process; NULL: its id says it: see authz_channel_is_own */
	uint64_t next_id; /* its lower half begins at random; continues over connections */
	uint32_t ids_used;  /* on this connection */
	bool was_connected; /* this handle had a connection */
	bool timeo_changed; /* the socket's timeouts are not timeout_ms */
	bool processing;    /* authz_process runs: a callback may be running */

	struct wire_buf out;   /* bytes to send */
	struct wire_buf in;    /* bytes received; while held > 0, the last reply comes first */
	size_t held;           /* bytes of that reply, which the caller may still read */
	struct wire_walk walk; /* of the message that is being received */
	struct wire_error refusal;
	bool refused;                 /* refusal is set */
	char as_of[AUTHZ_PLACE_SIZE]; /* of questions from now on; empty: none */

	struct authz_slot *slots;                /* AUTHZ_SLOTS, or NULL before the first start */
	uint32_t outstanding, failing, given_up; /* slots in each state */
	uint64_t oldest;                         /* no request with an earlier id is outstanding */
	uint64_t started;                        /* the id of the last one started; 0: none */
	uint64_t sent;                           /* bytes sent; authz->out begins there */
	int64_t earliest;                        /* deadline of those outstanding, unless: */
	bool earliest_unknown;

	/* While requests are outstanding without a connection: when to try again, and the pause
	 * before the attempt after that. */
	int64_t retry_at;
	int retry_pause;

	authz_on_watch on_watch;
	authz_on_timer on_timer;
	void *watch_data;
	int watched_fd; /* what the program was given last */
	short watched_events;
	int64_t timer_at; /* INT64_MAX: no timer */
};

/* --- authz_channel.c: the connection --- */

/* Is this the process that used the handle last, and no child of it? Each call asks, so the kernel
 * answers by a page that it wipes in the child (Linux 4.14), which spares a system call. Where it
 * cannot, the process's id answers. */
bool authz_channel_is_own(const struct authz *authz);
/* Asks the kernel for such a page, of the process that opens the handle; and gives it back. */
void authz_channel_make_own(struct authz *authz);
void authz_channel_drop_own(struct authz *authz);

int64_t authz_now(void); /* monotonic milliseconds */

/* Every call begins with this: after a fork it closes the child's copy of the parent's connection,
 * and it wipes the held reply. Returns 0, or AUTHZ_ECONNECT when the kernel gives no random bytes.
 */
int authz_channel_enter(struct authz *authz);

/* Opens a connection unless there is one. With wait false it does not wait for a busy daemon. */
int authz_channel_open(struct authz *authz, int64_t deadline, bool wait);

/* Closes the connection, if any. Keeps authz->out, and wipes authz->in. Nothing comes any more for
 * requests that were given up: their slots become free. */
void authz_channel_close(struct authz *authz);

/* Sends authz->out, waiting, and keeps its bytes; *out_sent is how many were sent, set on failure
 * too. */
int authz_channel_send(struct authz *authz, int64_t deadline, size_t *out_sent);

/* Waits until authz->in begins with a whole message, of *out_len bytes. */
int authz_channel_recv(struct authz *authz, int64_t deadline, size_t *out_len);

/* The id for the next request on this connection; its lower half is the one on the wire. */
uint64_t authz_channel_id(struct authz *authz);

/* --- authz_trust.c: which user may serve --- */

/* 0 if the user who serves at the other end is trusted, or AUTHZ_EPEER. */
int authz_trust_check(struct authz *authz, int fd);

/* --- authz_question.c: decisions as bytes --- */

/* Writes the denial that every decision begins with: 503, "unavailable". */
void authz_deny(struct authz_decision *out);

/* AUTHZ_EINVAL unless the fields of both together are a valid request; shared may be NULL. */
int authz_question_check(const struct authz_request *shared, const struct authz_request *request);

/* Puts the fields of a request as one map, to which the caller adds `more` pairs. as_of: a place,
 * or empty. */
void authz_question_put(struct wire_buf *buf, const struct authz_request *request,
	const char *as_of, uint32_t more);

/* Reads a result of authorize into *out: 0, or AUTHZ_EPROTO and *out is a denial. */
int authz_question_read(struct wire_cursor value, struct authz_decision *out);

/* The same for a result of authorize_many, which must have exactly count decisions. One of them
 * that cannot be read is a denial, and no error. */
int authz_question_read_many(struct wire_cursor value, struct authz_decision *out, size_t count);

/* Copies a text; false when it does not fit whole, holds a NUL or is not UTF-8. */
bool authz_copy_whole(char *out, size_t size, struct wire_str text);

/* --- authz_plan.c: plans as bytes --- */

/* Writes the refusal that every plan begins with; frees nothing. */
void authz_plan_deny(struct authz_plan *out);

/* Reads a result of plan into *out, which was denied: 0, or AUTHZ_EPROTO or AUTHZ_ENOMEM. */
int authz_plan_read(struct wire_cursor value, struct authz_plan *out);

/* --- authz_call.c: what both interfaces share --- */

/* Ends the request that begins at mark in authz->out. Returns 0, or AUTHZ_ENOMEM or AUTHZ_ELIMIT
 * after removing it from the buffer. */
int authz_request_end(struct authz *authz, size_t mark);

/* True when params is exactly one packed map, or empty, and method is not NULL. */
bool authz_params_good(const char *method, const void *params, size_t params_len);

/* --- authz_slots.c: started requests ---------------------------------------------------------- */

/* Makes the slots, unless there are some: 0, or AUTHZ_ENOMEM. */
int authz_slots_create(struct authz *authz);

/* Chooses the id of the next request: one whose slot is free. There must be one. */
uint64_t authz_slots_id(struct authz *authz);

/* Enters a request whose bytes begin at mark in authz->out. */
void authz_slots_enter(struct authz *authz, struct authz_slot slot, size_t mark);

/* The request with that id on the wire, outstanding or given up; or NULL. */
struct authz_slot *authz_slots_find(const struct authz *authz, uint32_t id);

/* The answer of a request has come: its slot becomes free. */
void authz_slots_answered(struct authz *authz, struct authz_slot *slot);

/* Ends a request without its answer. When no byte of it was sent, it is not sent any more. */
void authz_slots_give_up(struct authz *authz, struct authz_slot *slot);

/* All outstanding requests are failing; those given up are forgotten. */
void authz_slots_fail(struct authz *authz);

/* Those given up are forgotten: their connection is gone. */
void authz_slots_forget(struct authz *authz);

/* A walk over slots, from the oldest outstanding request's on: in the order in which requests were
 * started, as long as fewer than AUTHZ_SLOTS ids lie between them. Callbacks between two steps may
 * start and cancel requests. */
struct authz_slots_walk {
	uint64_t base;
	uint32_t place;
};
struct authz_slots_walk authz_slots_walk(const struct authz *authz);

/* The next failing request, or the next outstanding one with a deadline of at most now; NULL after
 * the last one. */
struct authz_slot *authz_slots_next_failing(
	const struct authz *authz, struct authz_slots_walk *walk);
struct authz_slot *authz_slots_next_expired(
	const struct authz *authz, int64_t now, struct authz_slots_walk *walk);

/* The earliest deadline; INT64_MAX when nothing is outstanding. authz_slots_settle keeps it for the
 * next time. */
int64_t authz_slots_earliest(const struct authz *authz);
void authz_slots_settle(struct authz *authz);

/* --- authz_watch.c: what the program's event loop watches --------------------------------------
 */

/* Reports to the program what has changed. Every function of the library that can change it ends
 * so. The handle is this process's: authz_channel_enter was called. */
void authz_watch_update(struct authz *authz);
/* The same at the end of authz_process, which the program's timer may have called. A loop that
 * counts from a time of its own fires it early, by as much as the loop was late; so it is set again
 * whatever the time. */
void authz_watch_turn(struct authz *authz);
/* Before the descriptor is closed. */
void authz_watch_close(struct authz *authz);
/* Before the handle is freed. */
void authz_watch_finish(struct authz *authz);
/* In a forked child, where nothing is watched yet. */
void authz_watch_forget(struct authz *authz);

/* --- authz_retry.c: what is sent again, and when -----------------------------------------------
 */

/* True for a request that may be sent twice: its method changes nothing, or it has a request_id. */
bool authz_retry_allowed(const char *method, const void *params, size_t params_len);

/* After AUTHZ_ECONNECT: true when the daemon may be back before long. */
bool authz_retry_connect(const struct authz *authz);

/* The pause before the next attempt, in milliseconds; *pause is the last one, and begins at 0. */
int authz_retry_pause(int *pause);

#define AUTHZ_RETRY_ID 32 /* hex digits */

/* Makes a request_id for a method that takes one, when params has none. True when *out is set. */
bool authz_retry_id(const char *method, const void *params, size_t params_len,
	char out[static AUTHZ_REQUEST_ID_SIZE]);
/* Puts the packed parameters with the request_id added to their map. */
void authz_retry_put(struct wire_buf *buf, const void *params, size_t params_len,
	const char id[static AUTHZ_RETRY_ID]);

/* Puts a request with packed parameters. */
void authz_request_put(struct authz *authz, uint32_t id, const char *method, const void *params,
	size_t params_len);

/* Keeps an error that the daemon answered with, for authz_refusal; returns AUTHZ_EREFUSED. */
int authz_refuse(struct authz *authz, struct wire_cursor error);

/* Reads a response with id nil, the daemon's last on this connection, which says why the connection
 * is not served: AUTHZ_EREFUSED, or AUTHZ_EPROTO for another response. */
int authz_farewell_read(struct authz *authz, const struct wire_response *response);

/* Fills a reply from a response: 0, or AUTHZ_EREFUSED with its texts. */
int authz_reply_read(
	struct authz *authz, const struct wire_response *response, struct authz_reply *out);
