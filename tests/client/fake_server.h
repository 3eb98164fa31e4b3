/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fake_server: a server for the client under test, in threads of the test's process: one accepts,
 * and one for each connection runs the test's script. Any error in here aborts the test.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "client/wire.h"

struct fake_server;

/* The script of one connection, numbered from 0; the descriptor is closed when it returns. */
typedef void (*fake_script)(struct fake_server *server, int fd, unsigned number);

enum { FAKE_CONNECTIONS = 64 };

struct fake_server {
	char folder[64];
	char path[96];
	int fd;
	fake_script script;
	void *data; /* for the script */
	pthread_t client;
	pthread_t acceptor;
	pthread_t threads[FAKE_CONNECTIONS];
	atomic_uint connections;
};

/* Listens in a folder of its own. fake_stop waits for all scripts, so close the clients first. */
void fake_start(struct fake_server *server, fake_script script);
void fake_stop(struct fake_server *server);

/* Listens no more: connecting is refused, or with the socket removed there is nothing to connect
 * to. Connections go on. fake_resume listens at the same path again. */
void fake_pause(struct fake_server *server, bool removed);
void fake_resume(struct fake_server *server);

/* Reads one request's id and method; false when the client has closed the connection. */
bool fake_read(int fd, uint32_t *out_id, char *out_method, size_t size);

/* The same for the id alone. */
bool fake_read_id(int fd, uint32_t *out_id);

/* Waits until the client closes the connection. */
void fake_drain(int fd);

/* Sends bytes; ignores a closed connection. */
void fake_send(int fd, const void *bytes, size_t len);

/* Pack a valid answer to authorize; fake_answer sends it too. */
void fake_put_decision(struct wire_buf *buf, uint32_t id, bool allow, const char *principal);
void fake_answer(int fd, uint32_t id, bool allow);

/* Scripts: answer every request with an allow; the same, with one send for each byte; answer
 * none. */
void fake_allow_all(struct fake_server *server, int fd, unsigned number);
void fake_allow_in_pieces(struct fake_server *server, int fd, unsigned number);
void fake_ignore(struct fake_server *server, int fd, unsigned number);
