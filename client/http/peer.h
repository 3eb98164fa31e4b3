/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * peer: which user of this machine has the other end of a TCP connection over loopback. The kernel
 * is asked about that one connection (sock_diag(7)), so that thousands of others cost nothing.
 * Where it cannot be asked, /proc/net/tcp and /proc/net/tcp6 list all connections. The socket for
 * asking and these tables are opened once, so that a confined process can use them.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { HTTP_PEER_ADDRESS = 48 }; /* bytes of an address and a port in the form of these files */

struct http_peers {
	int kernel; /* the socket for asking about one connection; -1: the kernel cannot be asked */
	int tables[2];
};

/* 0 or a negative errno. http_peers_close is to be called in any case. */
int http_peers_open(struct http_peers *peers);
void http_peers_close(struct http_peers *peers);

/* The user of the socket whose own address is `client`, and which is connected to `server`. False:
 * there is none, or it is closed already (then the kernel shows root). */
bool http_peers_find(const struct http_peers *peers, const struct sockaddr *client,
	const struct sockaddr *server, uid_t *out);

/* Writes an address as the table of IPv4 (`mapped` false) or of IPv6 has it. */
void http_peer_write(const struct sockaddr *address, bool mapped, char out[HTTP_PEER_ADDRESS]);

/* Is this line of a table about the socket? */
bool http_peer_read(const char *line, const char *client, const char *server, uid_t *out);
