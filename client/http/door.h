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
	/* Ended exchanges that a door keeps for the next requests, 13 KiB each. malloc(3) would
	 * give that much back to the kernel each time, and fault it in again. */
	HTTP_SPARE = 64,
	/* An exchange that waits for the daemon is hopeful at first: its connection is not
	 * suspended, because most answers arrive soon, and one call in each run of libmicrohttpd
	 * costs less than to suspend and to resume. It is suspended after this many runs. */
	HTTP_HOPEFUL_TURNS = 8,
	/* Milliseconds between these runs if nothing else causes one. */
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
	bool busy;                     /* libmicrohttpd can go on without waiting for a socket */
	size_t hopeful;                /* number of hopeful exchanges */
	struct http_exchange *waiting; /* list of the suspended exchanges */
	struct http_exchange *spare;   /* list of ended exchanges, for the next requests */
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
	unsigned turns; /* runs of libmicrohttpd since it became hopeful */
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
	size_t counted;  /* bytes taken with http_memory_take, for its question */
	size_t reserved; /* the same for its answer */
	void *state;     /* of the route */
	http_finish finish;
	/* A new request does not zero these two: their counts say how much of them is valid. */
	struct http_field fields[HTTP_MAX_FIELDS];
	struct http_question question;
};

/* Opens the door at a listening descriptor, which http_door_stop_listening or http_door_close
 * closes. 0, or a negative errno. */
int http_door_open(struct http_door *door, uv_loop_t *loop, int fd, unsigned connections);

/* Stops accepting connections. Those that wait in the listener's queue are accepted first, unless a
 * successor has the same socket and will accept them. */
void http_door_stop_listening(struct http_door *door, bool has_successor);

/* After all doors stopped listening: answers the requests that have begun and closes the
 * connections. Calls program->drained when no connection is left. */
void http_door_drain(struct http_door *doors, size_t count);

/* Closes the door and its connections, and gives up their questions, so http_ask must still be
 * open. The loop closes the door's handles after that. */
void http_door_close(struct http_door *door);

/* Answers the exchange. Called once for each; the answer is copied. */
void http_exchange_answer(struct http_exchange *exchange, const struct http_answer *answer);

/* The same with a body of the caller, which is copied. `type` is the Content-Type; NULL: none.
 * `headers` are further headers, pairs of name and value that end with NULL; NULL: none. */
void http_exchange_reply(struct http_exchange *exchange, int status, const char *type,
	const char *body, size_t len, const char *const *headers);

/* The same with a body that is taken over, and wiped after it was sent, as it may hold a secret. */
void http_exchange_give(struct http_exchange *exchange, int status, const char *type,
	struct wire_buf *body, const char *const *headers);

/* The same with status 200 and a body that lives as long as the program. */
void http_exchange_show(struct http_exchange *exchange, const char *type, const void *body,
	size_t len, const char *const *headers);

/* Between door.c and reply.c: the exchange has its response, or NULL. */
void http_exchange_answered(struct http_exchange *exchange);

/* Gives up the exchange's response. */
void http_exchange_drop_response(struct http_exchange *exchange);
