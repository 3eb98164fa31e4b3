/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authz_handle: what libauthz keeps behind struct authz, and what its files ask of each other. Not
 * installed. All of it is the handle's: one thread.
 */

#include "client/authz.h"
#include "client/wire.h"

enum {
	AUTHZ_SLOTS = AUTHZ_MAX_REQUESTS, /* a power of two: an id's slot is its remainder */
	AUTHZ_RECV_ROOM = 16 * 1024,      /* bytes asked for at once: all but long lists fit */
};

/* A request of the event loop's face that waits for its answer. */
struct authz_slot {
	bool active;
	uint32_t id;
	int64_t deadline;              /* monotonic milliseconds */
	authz_on_decision on_decision; /* one of the two */
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
	pid_t pid;          /* whose the connection is */
	uint32_t next_id;   /* random at first; goes on over connections */
	uint32_t ids_used;  /* on this connection */
	bool timeo_changed; /* the socket's timeouts are not timeout_ms */
	bool processing;    /* a callback may be running */

	struct wire_buf out;   /* what is to be sent */
	struct wire_buf in;    /* what came: first the last reply, while it is held */
	size_t held;           /* bytes of that reply */
	struct wire_walk walk; /* of the message behind it */
	struct wire_error refusal;
	bool refused;

	struct authz_slot *slots; /* AUTHZ_SLOTS, or NULL before the first start */
	uint32_t outstanding;
	uint32_t oldest; /* no id before it is outstanding */
};

/* --- authz_channel.c: the connection --- */

int64_t authz_now(void); /* monotonic milliseconds */

/* What every call begins with: forgets a parent's connection after a fork, and the reply that was
 * held. Never fails but for want of randomness (AUTHZ_ECONNECT). */
int authz_channel_enter(struct authz *authz);

/* Opens unless open; the deadline is monotonic. With wait false a busy daemon is not waited for. */
int authz_channel_open(struct authz *authz, int64_t deadline, bool wait);

/* Closes; keeps what is to be sent, drops what came. NULL-safe in fd. */
void authz_channel_close(struct authz *authz);

/* Sends all of authz->out, waiting; *out_sent says how much went, on failure too. Keeps it. */
int authz_channel_send(struct authz *authz, int64_t deadline, size_t *out_sent);

/* Waits until one whole message lies at authz->in.data; *out_len bytes of it. */
int authz_channel_recv(struct authz *authz, int64_t deadline, size_t *out_len);

/* Takes the next id for a request on this connection. */
uint32_t authz_channel_id(struct authz *authz);

/* --- authz_question.c: decisions as bytes --- */

/* Writes the denial that every decision begins as. */
void authz_deny(struct authz_decision *out);

/* AUTHZ_EINVAL unless the fields of both together make one question; shared may be NULL. */
int authz_question_check(const struct authz_request *shared, const struct authz_request *request);

/* Puts a request's fields, and with more others to follow, as the pairs of one map. */
void authz_question_put(struct wire_buf *buf, const struct authz_request *request, uint32_t more);

/* Reads a result of authorize into *out: 0, or AUTHZ_EPROTO and *out is a denial. */
int authz_question_read(struct wire_cursor value, struct authz_decision *out);

/* The same for authorize_many and exactly count decisions. */
int authz_question_read_many(struct wire_cursor value, struct authz_decision *out, size_t count);

/* --- authz_call.c: what both faces share --- */

/* Ends the request that began at mark in authz->out: 0, or it is taken back. */
int authz_request_end(struct authz *authz, size_t mark);

/* True when params are one packed map and nothing behind it, or nothing at all. */
bool authz_params_good(const char *method, const void *params, size_t params_len);

/* --- authz_retry.c ---------------------------------------------------------------------------- */

#define AUTHZ_RETRY_ID 32 /* hex digits */

/* Draws an id for a call whose answer holds a secret: true unless the method takes none, or the
 * caller gave one of his own. */
bool authz_retry_id(const char *method, const void *params, size_t params_len,
	char out[static AUTHZ_REQUEST_ID_SIZE]);
/* Did he? */
bool authz_retry_given(const char *method, const void *params, size_t params_len);
/* Puts the parameters, packed already, and the id behind them. */
void authz_retry_put(struct wire_buf *buf, const void *params, size_t params_len,
	const char id[static AUTHZ_RETRY_ID]);

/* Puts a request for a method whose parameters are packed already. */
void authz_request_put(struct authz *authz, uint32_t id, const char *method, const void *params,
	size_t params_len);

/* Notes an error that the daemon answered with; returns AUTHZ_EREFUSED. */
int authz_refuse(struct authz *authz, struct wire_cursor error);

/* Fills a reply from a response: 0, or AUTHZ_EREFUSED with its texts. */
int authz_reply_read(
	struct authz *authz, const struct wire_response *response, struct authz_reply *out);
