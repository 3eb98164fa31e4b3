/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * door: HTTP at one listener, by libmicrohttpd on the program's libuv loop, and the life of a
 * request from its first byte to its answer.
 *
 *     request complete  -> the route's handler is called, once
 *     handler           -> http_exchange_answer at once, or http_ask_* with a callback that calls
 * it answer            -> sent; then, or when the connection ends first, the exchange is freed, its
 * question given up and its secrets wiped
 *
 * One thread.
 */

#include <microhttpd.h>
#include <uv.h>

#include "client/http/answer.h"
#include "client/http/ask.h"
#include "client/http/config.h"
#include "client/http/connection.h"
#include "client/http/metrics.h"
#include "client/http/request.h"
#include "client/http/response_cache.h"
#include "client/wire.h"

enum {
	HTTP_MAX_ROUTES = 24,
	HTTP_MAX_BODY = 256 * 1024, /* bytes, of a route that takes the largest */
	/* Exchanges that a door keeps, 13 KiB each, so that what comes next need not allocate them:
	 * malloc(3) gives that much back to the kernel each time, and faults it in again. */
	HTTP_SPARE = 64,
	/* Runs of libmicrohttpd after which a connection is suspended that waits for the daemon.
	 * Before it costs one call a run, which is less than to suspend and resume it: most
	 * answers are there by then. */
	HTTP_HOPEFUL_TURNS = 8,
	/* Milliseconds between these runs if nothing happens meanwhile. */
	HTTP_HOPEFUL_PAUSE = 1,
};

struct http_console;
struct http_exchange;

/* The program: what all doors share. */
struct http_program {
	const struct http_config *config;
	struct http_ask ask;
	struct http_ask managing; /* for the console; not opened: `ask` is */
	struct http_metrics metrics;
	struct http_connections connections;
	struct http_response_cache responses;
	void (*drained)(struct http_program *program); /* no connection is left, while draining */
};

struct http_route {
	const char *path; /* matched without the query; several rows may have it */
	const char *method;
	size_t max_body; /* bytes; 0: it takes none */
	/* Called once, when the request is complete. The body is there until it returns. */
	void (*handle)(struct http_exchange *exchange);
};

/* The end of a route's own data. */
typedef void (*http_finish)(void *state);

struct http_door {
	struct http_program *program;
	const struct http_listener *listener;
	struct http_route routes[HTTP_MAX_ROUTES]; /* ends with a row without a path */
	void (*check)(
		struct http_exchange *exchange); /* for requests for a decision; may be NULL */
	struct http_console *console;            /* NULL: there is none here */
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_timer_t timer;
	bool listens;
	bool resumed;                  /* an answer waits to be sent */
	bool busy;                     /* libmicrohttpd has more to do, which waits for nothing */
	size_t hopeful;                /* how many exchanges are */
	struct http_exchange *waiting; /* the exchanges that are suspended: a list */
	struct http_exchange *spare;   /* those that ended, for the next requests: a list */
	size_t spare_count;
	bool open;
};

enum http_phase { HTTP_READING = 0, HTTP_WAITING, HTTP_ANSWERED, HTTP_SENT };

struct http_exchange {
	struct http_door *door;
	struct MHD_Connection *connection;
	struct http_connection *own;
	char *target; /* raw */
	struct http_head head;
	size_t field_count;
	bool too_many_fields;
	enum http_phase phase;
	bool hopeful;   /* the daemon was asked, and the connection not suspended yet */
	unsigned turns; /* in which it was hopeful */
	bool suspended;
	struct http_exchange *next, **link; /* in the door's list, while suspended */
	bool close;                         /* the connection, after the answer */
	struct MHD_Response *response;
	struct http_response_cache_entry *shared; /* NULL: the response is the exchange's own */
	int status;
	uint64_t begin; /* uv_hrtime */
	struct http_asked asked;
	bool repeated; /* the question was asked again: see http_ask_may_repeat */
	char *body;    /* of the request */
	size_t body_len, body_room;
	bool body_too_large;
	bool no_memory;  /* for the body */
	size_t counted;  /* bytes of its question, of those that http_memory_take counts */
	size_t reserved; /* and of its answer */
	void *state;     /* of the route */
	http_finish finish;
	/* From here on nothing is zeroed when a request begins: what counts says how much is there.
	 */
	struct http_field fields[HTTP_MAX_FIELDS];
	struct http_question question;
};

/* Opens the door at a listening descriptor, which it closes in the end. 0, or a negative errno. */
int http_door_open(struct http_door *door, uv_loop_t *loop, int fd, unsigned connections);

/* Takes no more connections, but those that wait already, unless a successor has the same socket:
 * they are left to it then. */
void http_door_stop_listening(struct http_door *door, bool has_successor);

/* All doors stopped listening: requests that have begun are answered, and connections closed.
 * program->drained is called when none is left. */
void http_door_drain(struct http_door *doors, size_t count);

/* Closes it with all connections, whose questions are given up, while http_ask is open still; the
 * loop then closes its handles. */
void http_door_close(struct http_door *door);

/* Answers. To be called once; the answer is copied. */
void http_exchange_answer(struct http_exchange *exchange, const struct http_answer *answer);

/* The same with a body of the caller, which is copied, and headers beside Content-Type, as pairs of
 * name and value that end with NULL; may be NULL, as the type may that says what the body is. */
void http_exchange_reply(struct http_exchange *exchange, int status, const char *type,
	const char *body, size_t len, const char *const *headers);

/* The same with a body that is taken over, and wiped when it was sent; it may hold a secret. */
void http_exchange_give(struct http_exchange *exchange, int status, const char *type,
	struct wire_buf *body, const char *const *headers);

/* The same with status 200 and a body that is there as long as the program. */
void http_exchange_show(struct http_exchange *exchange, const char *type, const void *body,
	size_t len, const char *const *headers);

/* Between door.c and reply.c: the exchange has its response, or NULL. */
void http_exchange_answered(struct http_exchange *exchange);

/* Gives up the exchange's response. */
void http_exchange_drop_response(struct http_exchange *exchange);
