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

/* A request of the event loop interface that waits for its answer. */
struct authz_slot {
	bool active;
	uint32_t id;
	int64_t deadline;              /* monotonic milliseconds */
	authz_on_decision on_decision; /* NULL: on_reply is set */
	authz_on_reply on_reply;
	void *data;
};

struct authz {
	char path[AUTHZ_PATH_SIZE];
	int timeout_ms;
	uid_t server_uid;
	void (*on_disconnect)(void *data, int fd);
	void *data;

	int fd; /* a blocking socket, or -1 */
	int sys_errno;
	pid_t pid;          /* the process that opened the connection */
	uint32_t next_id;   /* begins at random, and continues over connections */
	uint32_t ids_used;  /* on this connection */
	bool timeo_changed; /* the socket's timeouts are not timeout_ms */
	bool processing;    /* authz_process runs: a callback may be running */

	struct wire_buf out;   /* bytes to send */
	struct wire_buf in;    /* bytes received; while held > 0, the last reply comes first */
	size_t held;           /* bytes of that reply, which the caller may still read */
	struct wire_walk walk; /* of the message that is being received */
	struct wire_error refusal;
	bool refused; /* refusal is set */

	struct authz_slot *slots; /* AUTHZ_SLOTS, or NULL before the first start */
	uint32_t outstanding;
	uint32_t oldest; /* no request with an earlier id is outstanding */
};

/* --- authz_channel.c: the connection --- */

int64_t authz_now(void); /* monotonic milliseconds */

/* Every call begins with this: after a fork it closes the child's copy of the parent's connection,
 * and it wipes the held reply. Returns 0, or AUTHZ_ECONNECT when the kernel gives no random bytes.
 */
int authz_channel_enter(struct authz *authz);

/* Opens a connection unless there is one. With wait false it does not wait for a busy daemon. */
int authz_channel_open(struct authz *authz, int64_t deadline, bool wait);

/* Closes the connection, if any. Keeps authz->out, and wipes authz->in. */
void authz_channel_close(struct authz *authz);

/* Sends authz->out, waiting, and keeps its bytes; *out_sent is how many were sent, set on failure
 * too. */
int authz_channel_send(struct authz *authz, int64_t deadline, size_t *out_sent);

/* Waits until authz->in begins with a whole message, of *out_len bytes. */
int authz_channel_recv(struct authz *authz, int64_t deadline, size_t *out_len);

/* The id for the next request on this connection. */
uint32_t authz_channel_id(struct authz *authz);

/* --- authz_question.c: decisions as bytes --- */

/* Writes the denial that every decision begins with: 503, "unavailable". */
void authz_deny(struct authz_decision *out);

/* AUTHZ_EINVAL unless the fields of both together are a valid request; shared may be NULL. */
int authz_question_check(const struct authz_request *shared, const struct authz_request *request);

/* Puts the fields of a request as one map, to which the caller adds `more` pairs. */
void authz_question_put(struct wire_buf *buf, const struct authz_request *request, uint32_t more);

/* Reads a result of authorize into *out: 0, or AUTHZ_EPROTO and *out is a denial. */
int authz_question_read(struct wire_cursor value, struct authz_decision *out);

/* The same for a result of authorize_many, which must have exactly count decisions. */
int authz_question_read_many(struct wire_cursor value, struct authz_decision *out, size_t count);

/* --- authz_call.c: what both interfaces share --- */

/* Ends the request that begins at mark in authz->out. Returns 0, or AUTHZ_ENOMEM or AUTHZ_ELIMIT
 * after removing it from the buffer. */
int authz_request_end(struct authz *authz, size_t mark);

/* True when params is exactly one packed map, or empty, and method is not NULL. */
bool authz_params_good(const char *method, const void *params, size_t params_len);

/* --- authz_retry.c ---------------------------------------------------------------------------- */

#define AUTHZ_RETRY_ID 32 /* hex digits */

/* Makes a request_id for a method that takes one, when params has none. True when *out is set. */
bool authz_retry_id(const char *method, const void *params, size_t params_len,
	char out[static AUTHZ_REQUEST_ID_SIZE]);
/* True when the method takes a request_id and params has one. */
bool authz_retry_given(const char *method, const void *params, size_t params_len);
/* Puts the packed parameters with the request_id added to their map. */
void authz_retry_put(struct wire_buf *buf, const void *params, size_t params_len,
	const char id[static AUTHZ_RETRY_ID]);

/* Puts a request with packed parameters. */
void authz_request_put(struct authz *authz, uint32_t id, const char *method, const void *params,
	size_t params_len);

/* Keeps an error that the daemon answered with, for authz_refusal; returns AUTHZ_EREFUSED. */
int authz_refuse(struct authz *authz, struct wire_cursor error);

/* Fills a reply from a response: 0, or AUTHZ_EREFUSED with its texts. */
int authz_reply_read(
	struct authz *authz, const struct wire_response *response, struct authz_reply *out);
