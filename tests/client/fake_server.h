/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fake_server: the other end of a client's socket, in threads of the test: one that accepts, one
 * for each connection, which runs the test's script. For a test's own process; everything that goes
 * wrong in here aborts it.
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
	void *data; /* the test's */
	pthread_t client;
	pthread_t acceptor;
	pthread_t threads[FAKE_CONNECTIONS];
	atomic_uint connections;
};

/* Listens in a folder of its own; stop waits for all scripts, so close the clients first. */
void fake_start(struct fake_server *server, fake_script script);
void fake_stop(struct fake_server *server);

/* Reads one request: true with its id and method's text; false when the client is gone. */
bool fake_read(int fd, uint32_t *out_id, char *out_method, size_t size);

/* The same, of which only the id matters. */
bool fake_read_id(int fd, uint32_t *out_id);

/* Waits until the client is gone. */
void fake_drain(int fd);

/* Sends bytes; a client that is gone does not matter. */
void fake_send(int fd, const void *bytes, size_t len);

/* Packs a good answer to authorize, and sends it. */
void fake_put_decision(struct wire_buf *buf, uint32_t id, bool allow, const char *principal);
void fake_answer(int fd, uint32_t id, bool allow);

/* A script: answers every request with an allow. */
void fake_allow_all(struct fake_server *server, int fd, unsigned number);
