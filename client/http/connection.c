/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the list --------------------------------------------------------------------------------- */

static void append(struct http_connections *list, struct http_connection *connection)
{
	connection->previous = list->last;
	connection->next = NULL;
	if (list->last != NULL) {
		list->last->next = connection;
	} else {
		list->first = connection;
	}
	list->last = connection;
}

static void take_out(struct http_connections *list, struct http_connection *connection)
{
	if (list->warm == connection) {
		list->warm = connection->next;
	}
	if (connection->warm) {
		connection->warm = false;
		list->warm_count--;
	}
	if (connection->previous != NULL) {
		connection->previous->next = connection->next;
	} else {
		list->first = connection->next;
	}
	if (connection->next != NULL) {
		connection->next->previous = connection->previous;
	} else {
		list->last = connection->previous;
	}
}

struct http_connection *http_connection_begin(
	struct http_connections *list, struct MHD_Connection *handle, uint64_t now)
{
	struct http_connection *connection = calloc(1, sizeof *connection);

	list->begun++;
	if (connection != NULL) {
		connection->handle = handle;
		connection->since = now;
		append(list, connection);
	}
	return connection;
}

void http_connection_end(struct http_connections *list, struct http_connection *connection)
{
	if (connection != NULL) {
		take_out(list, connection);
		free(connection);
	}
}

/* --- its memory ------------------------------------------------------------------------------- */

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* libmicrohttpd reads each request to the beginning of the connection's pages, but empty lines
 * before the request move it. Then the beginning is not known or, after a whole page of empty
 * lines, a later page is taken for it. */
static unsigned char *find_memory(const char *head)
{
	return (uintptr_t)head % page_size() == 0 ? (unsigned char *)(uintptr_t)head : NULL;
}

/* libmicrohttpd wipes the memory of a connection that rests, so a byte that is not zero belongs to
 * the next request. madvise first makes sure that all pages can be read (Linux 5.14; an older
 * kernel refuses, and no memory counts as wiped). */
static bool is_wiped(unsigned char *memory, size_t size)
{
	return madvise(memory, size, MADV_POPULATE_READ) == 0 && memory[0] == 0 &&
	       memcmp(memory, memory + 1, size - 1) == 0;
}

static size_t memory_size(void)
{
	size_t size = HTTP_CONNECTION + page_size() - 1;

	return size - size % page_size();
}

/* A page of zeros that is given back reads as zeros again. So this is harmless even if `memory` is
 * not the connection's own. */
static void give_back(const struct http_connection *connection)
{
	size_t size = memory_size();

	if (!connection->asks && connection->memory != NULL && is_wiped(connection->memory, size)) {
		(void)madvise(connection->memory, size, MADV_DONTNEED);
	}
}

bool http_connections_cool(struct http_connections *list, uint64_t now)
{
	while (list->warm_count > HTTP_WARM) {
		struct http_connection *connection = list->warm;

		if (connection->warm && now - connection->since < HTTP_WARM_REST) {
			return true;
		}
		list->warm = connection->next;
		if (connection->warm) {
			connection->warm = false;
			list->warm_count--;
			give_back(connection);
		}
	}
	return false;
}

/* --- requests --------------------------------------------------------------------------------- */

void http_connection_has_head(struct http_connection *connection, const char *head)
{
	connection->memory = find_memory(head);
}

static void shut(const struct http_connection *connection, int how)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection->handle, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (info != NULL) {
		(void)shutdown(info->connect_fd, how);
	}
}

void http_connection_shut(const struct http_connection *connection)
{
	shut(connection, SHUT_RDWR);
}

void http_connection_rests(
	struct http_connections *list, struct http_connection *connection, uint64_t now)
{
	take_out(list, connection);
	connection->asks = false;
	connection->whole = false;
	connection->since = now;
	connection->warm = true;
	append(list, connection);
	list->warm_count++;
	if (list->warm == NULL) {
		list->warm = connection;
	}
	if (list->draining) {
		shut(connection, SHUT_RD);
	}
}

void http_connections_end_slow(struct http_connections *list, uint64_t now, uint64_t longest)
{
	for (struct http_connection *connection = list->first;
		connection != NULL && now - connection->since > longest;
		connection = connection->next) {
		if (!connection->whole) {
			shut(connection, SHUT_RDWR);
		}
	}
}

/* Bytes that arrived before the shutdown are still read. A client that sends later gets an error,
 * and so knows that its request was not received. */
void http_connections_drain(struct http_connections *list)
{
	list->draining = true;
	for (struct http_connection *connection = list->first; connection != NULL;
		connection = connection->next) {
		if (!connection->asks && connection->memory != NULL &&
			is_wiped(connection->memory, memory_size())) {
			shut(connection, SHUT_RD);
		} else {
			(void)MHD_set_connection_option(connection->handle,
				MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)HTTP_LAST_SILENCE);
		}
	}
}
