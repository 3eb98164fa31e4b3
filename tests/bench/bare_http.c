/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bare_http: does the least that an HTTP server does which has the parser and the loop of
 * authz-http: every request gets 204 and the given headers. What authz-http costs more than this is
 * the cost of reading what a web server asks, and of asking authzd. Serves until it is killed.
 */

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>
#include <uv.h>

enum { CONNECTION = 36 * 1024, LIMIT = 1024 }; /* as authz-http has by default */

struct server {
	uv_loop_t loop;
	uv_poll_t poll;
	struct MHD_Daemon *daemon;
	struct MHD_Response *response;
};

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **context)
{
	const struct server *server = data;

	(void)url;
	(void)method;
	(void)version;
	(void)upload;
	(void)upload_size;
	if (*context == NULL) {
		*context = connection; /* the head is there; the next call may answer */
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_NO_CONTENT, server->response);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	const struct server *server = poll->data;

	(void)status;
	(void)events;
	/* The first run makes responses, and the second one sends them. */
	MHD_run(server->daemon);
	MHD_run(server->daemon);
}

/* NAME: VALUE, of which the colon becomes a NUL. */
static bool add_header(struct server *server, char *header)
{
	char *value = strstr(header, ": ");

	if (value == NULL) {
		return false;
	}
	*value = '\0';
	return MHD_add_response_header(server->response, header, value + 2) == MHD_YES;
}

static bool serve(struct server *server, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	const union MHD_DaemonInfo *info;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server,
		MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (server->daemon == NULL || uv_loop_init(&server->loop) != 0) {
		return false;
	}
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || uv_poll_init(&server->loop, &server->poll, info->epoll_fd) != 0) {
		return false;
	}
	server->poll.data = server;
	uv_poll_start(&server->poll, UV_READABLE, on_poll);
	return uv_run(&server->loop, UV_RUN_DEFAULT) == 0;
}

int main(int argc, char **argv)
{
	static char none[1];
	struct server server = { 0 };

	if (argc < 2) {
		fputs("usage: bench-http PORT [HEADER…]\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	server.response = MHD_create_response_from_buffer(0, none, MHD_RESPMEM_PERSISTENT);
	for (int i = 2; i < argc; i++) {
		if (server.response == NULL || !add_header(&server, argv[i])) {
			fprintf(stderr, "bench-http: no header: %s\n", argv[i]);
			return 2;
		}
	}
	return serve(&server, (uint16_t)strtoul(argv[1], NULL, 10)) ? 0 : 1;
}
