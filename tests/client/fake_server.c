/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/client/fake_server.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_REQUEST = 1024 * 1024 };

struct connection {
	struct fake_server *server;
	int fd;
	unsigned number;
};

static void require(bool truth)
{
	if (!truth) {
		perror("fake_server");
		abort();
	}
}

static void *run_connection(void *data)
{
	struct connection *connection = data;

	connection->server->script(connection->server, connection->fd, connection->number);
	close(connection->fd);
	free(connection);
	return NULL;
}

static void *run_acceptor(void *data)
{
	struct fake_server *server = data;

	for (;;) {
		int fd = accept(server->fd, NULL, NULL);
		struct connection *connection;

		if (fd < 0 && errno == EINTR) {
			continue;
		}
		if (fd < 0) {
			return NULL;
		}
		connection = calloc(1, sizeof *connection);
		require(connection != NULL && server->connections < FAKE_CONNECTIONS);
		*connection = (struct connection){ server, fd, server->connections };
		/* Counted before its script runs: an answered client is always counted. */
		server->connections++;
		require(pthread_create(&server->threads[server->connections - 1], NULL,
				run_connection, connection) == 0);
	}
}

void fake_resume(struct fake_server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	unlink(server->path);
	memcpy(address.sun_path, server->path, strlen(server->path) + 1);
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(server->fd >= 0);
	require(bind(server->fd, (const struct sockaddr *)&address, sizeof address) == 0);
	require(listen(server->fd, 16) == 0);
	require(pthread_create(&server->acceptor, NULL, run_acceptor, server) == 0);
}

void fake_start(struct fake_server *server, fake_script script)
{
	memset(server, 0, sizeof *server);
	server->script = script;
	server->client = pthread_self();
	snprintf(server->folder, sizeof server->folder, "/tmp/authz-test-XXXXXX");
	require(mkdtemp(server->folder) != NULL);
	snprintf(server->path, sizeof server->path, "%s/s", server->folder);
	fake_resume(server);
}

void fake_pause(struct fake_server *server, bool removed)
{
	require(shutdown(server->fd, SHUT_RDWR) == 0);
	pthread_join(server->acceptor, NULL);
	close(server->fd);
	server->fd = -1;
	if (removed) {
		unlink(server->path);
	}
}

void fake_stop(struct fake_server *server)
{
	if (server->fd >= 0) {
		fake_pause(server, true);
	}
	for (unsigned i = 0; i < server->connections; i++) {
		pthread_join(server->threads[i], NULL);
	}
	unlink(server->path);
	rmdir(server->folder);
}

bool fake_read(int fd, uint32_t *out_id, char *out_method, size_t size)
{
	uint8_t *bytes = malloc(MAX_REQUEST);
	struct wire_request request;
	struct wire_error err;
	struct wire_walk walk;
	size_t have = 0, len = 0;
	bool good = false;

	require(bytes != NULL);
	wire_walk_init(&walk, MAX_REQUEST);
	while (!good) {
		/* Look first: the bytes after this request belong to the next one. */
		ssize_t n = recv(fd, bytes + have, MAX_REQUEST - have, MSG_PEEK);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			break;
		}
		good = wire_walk(&walk, bytes, have + (size_t)n, &len) == WIRE_COMPLETE;
		n = recv(fd, bytes + have, good ? len - have : (size_t)n, MSG_WAITALL);
		require(n > 0);
		have += (size_t)n;
	}
	if (good) {
		require(wire_decode_request(bytes, len, &request, &err) == WIRE_OK);
		require(request.method.len < size);
		memcpy(out_method, request.method.ptr, request.method.len);
		out_method[request.method.len] = '\0';
		*out_id = request.id;
	}
	free(bytes);
	return good;
}

bool fake_read_id(int fd, uint32_t *out_id)
{
	char method[64];

	return fake_read(fd, out_id, method, sizeof method);
}

void fake_drain(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof bytes, 0) > 0) {
	}
}

void fake_send(int fd, const void *bytes, size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		ssize_t n = send(fd, (const char *)bytes + sent, len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			return;
		}
		sent += n > 0 ? (size_t)n : 0;
	}
}

void fake_put_decision(struct wire_buf *buf, uint32_t id, bool allow, const char *principal)
{
	wire_put_result(buf, id);
	wire_put_map(buf, 5);
	wire_put_cstr(buf, "allow");
	wire_put_bool(buf, allow);
	wire_put_cstr(buf, "status");
	wire_put_int(buf, allow ? 200 : 403);
	wire_put_cstr(buf, "reason");
	wire_put_cstr(buf, allow ? "ok" : "role");
	wire_put_cstr(buf, "revision");
	wire_put_cstr(buf, "0123456789abcdef");
	wire_put_cstr(buf, "principal");
	wire_put_cstr(buf, principal);
}

void fake_answer(int fd, uint32_t id, bool allow)
{
	struct wire_buf buf;

	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	fake_put_decision(&buf, id, allow, "alice");
	require(buf.status == WIRE_OK);
	fake_send(fd, buf.data, buf.len);
	wire_buf_finish(&buf);
}

void fake_allow_all(struct fake_server *server, int fd, unsigned number)
{
	uint32_t id;

	(void)server;
	(void)number;
	while (fake_read_id(fd, &id)) {
		fake_answer(fd, id, true);
	}
}

void fake_allow_in_pieces(struct fake_server *server, int fd, unsigned number)
{
	struct wire_buf buf;
	uint32_t id;

	(void)server;
	(void)number;
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	while (fake_read_id(fd, &id)) {
		wire_buf_wipe(&buf);
		fake_put_decision(&buf, id, true, "alice");
		for (size_t i = 0; i < buf.len; i++) {
			fake_send(fd, buf.data + i, 1);
			sched_yield();
		}
	}
	wire_buf_finish(&buf);
}

void fake_ignore(struct fake_server *server, int fd, unsigned number)
{
	(void)server;
	(void)number;
	fake_drain(fd);
}
