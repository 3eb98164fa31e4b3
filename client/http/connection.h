/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * connection: what is kept of each connection beside libmicrohttpd, which has no call for it: how
 * long it rests, so that its memory goes back to the kernel, that one which sends its request too
 * slowly is ended, and that those which rest are closed when the program ends.
 *
 * One list for all listeners. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

enum {
	/* Bytes of memory for a connection: the request line and all headers, and those of the
	 * answer. libmicrohttpd maps more than 32 KiB as pages of their own, and unmaps them when
	 * the connection ends, so that nothing of a request that ended early stays; what is smaller
	 * it takes from malloc(3), and frees as it is. */
	HTTP_CONNECTION = 36 * 1024,
	/* Connections that rest and keep these pages, so that the next request need not fault them
	 * in again, which takes as long as the rest of it: those that asked last. */
	HTTP_WARM = 256,
	/* Milliseconds of rest, before which the others keep theirs, too. */
	HTTP_WARM_REST = 1000,
	/* Seconds after which one is closed that is silent while the program ends. */
	HTTP_LAST_SILENCE = 2,
};

enum http_peer { HTTP_PEER_UNKNOWN = 0, HTTP_PEER_OWN, HTTP_PEER_FOREIGN };

struct http_connection {
	struct MHD_Connection *handle;
	struct http_connection *next, *previous; /* in the list */
	unsigned char *memory; /* that libmicrohttpd keeps for it; NULL: it is not known where */
	uint64_t since;        /* when it began, or its last request ended: uv_now */
	bool asks;             /* a request line is there, and no answer was sent yet */
	bool whole;            /* the whole request is there */
	bool warm;             /* it rests, and keeps its pages */
	enum http_peer peer;   /* whose program is at the other end, for a console of one user */
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

/* It ended. NULL is none. */
void http_connection_end(struct http_connections *list, struct http_connection *connection);

/* The head of a request is there, and its first byte is where `head` points to. */
void http_connection_has_head(struct http_connection *connection, const char *head);

/* Ends it without an answer. */
void http_connection_shut(const struct http_connection *connection);

/* Its request ended. */
void http_connection_rests(
	struct http_connections *list, struct http_connection *connection, uint64_t now);

/* Gives the pages of those back that rest longest, so that HTTP_WARM keep theirs. To be called when
 * libmicrohttpd has done what it could, and wiped the memory of those that rest. True: there are
 * more, which have not rested long enough. */
bool http_connections_cool(struct http_connections *list, uint64_t now);

/* Ends those whose request is not whole, that long (milliseconds) after the one before. */
void http_connections_end_slow(struct http_connections *list, uint64_t now, uint64_t longest);

/* Nobody is listened to any more. Closes those that rest, now and when their request ends, and
 * those that are silent. */
void http_connections_drain(struct http_connections *list);
