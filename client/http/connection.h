/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * connection: what libmicrohttpd does not know of a connection. It rests between two requests. With
 * the time at which it began to rest, its memory goes back to the kernel, one that sends a request
 * too slowly is ended, and those that rest are closed when the program ends.
 *
 * One list for all listeners. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

enum {
	/* Bytes of memory for a connection: the request line, all headers, and the headers of the
	 * answer. libmicrohttpd maps more than 32 KiB as pages of its own, and unmaps them when the
	 * connection ends, so that nothing of an unfinished request stays in memory. Less it takes
	 * from malloc(3), and frees without wiping it. */
	HTTP_CONNECTION = 36 * 1024,
	/* The connections that asked last keep these pages while they rest: to fault them in again
	 * would take as long as the rest of a request. At most this many do. */
	HTTP_WARM = 256,
	/* Milliseconds of rest before which any other connection keeps its pages, too. */
	HTTP_WARM_REST = 1000,
	/* Seconds after which a silent connection is closed while the program ends. */
	HTTP_LAST_SILENCE = 2,
};

enum http_peer { HTTP_PEER_UNKNOWN = 0, HTTP_PEER_OWN, HTTP_PEER_FOREIGN };

struct http_connection {
	struct MHD_Connection *handle;
	struct http_connection *next, *previous; /* in the list */
	unsigned char *memory;                   /* its pages in libmicrohttpd; NULL: not known */
	uint64_t since;      /* when it began, or its last request ended: uv_now */
	bool asks;           /* a request line has arrived, and no answer was sent yet */
	bool whole;          /* the whole request has arrived */
	bool warm;           /* it rests, and keeps its pages */
	enum http_peer peer; /* whose program is at the other end, for a console of one user */
};

/* A zeroed one is empty. */
struct http_connections {
	struct http_connection *first, *last; /* in the order of `since` */
	struct http_connection *warm;         /* no warm one is before it in the list */
	size_t warm_count;
	uint64_t begun; /* since the start */
	bool draining;
};

/* A connection began. NULL: no memory. */
struct http_connection *http_connection_begin(
	struct http_connections *list, struct MHD_Connection *handle, uint64_t now);

/* The connection ended. NULL is ignored. */
void http_connection_end(struct http_connections *list, struct http_connection *connection);

/* The head of a request has arrived; `head` is its first byte. */
void http_connection_has_head(struct http_connection *connection, const char *head);

/* Ends it without an answer. */
void http_connection_shut(const struct http_connection *connection);

/* Its request ended. */
void http_connection_rests(
	struct http_connections *list, struct http_connection *connection, uint64_t now);

/* Gives the pages of the connections that rest longest back to the kernel; HTTP_WARM keep theirs.
 * Called after a run of libmicrohttpd, which has then wiped the memory of those that rest. True:
 * there are more, which have not rested long enough yet. */
bool http_connections_cool(struct http_connections *list, uint64_t now);

/* Ends the connections whose request is not whole `longest` milliseconds after they began or their
 * last request ended. */
void http_connections_end_slow(struct http_connections *list, uint64_t now, uint64_t longest);

/* The program ends. Closes the connections that rest, the others when their request ends, and
 * silent ones after HTTP_LAST_SILENCE. */
void http_connections_drain(struct http_connections *list);
