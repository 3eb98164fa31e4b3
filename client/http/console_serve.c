/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/console_serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/http/console.h"
#include "client/http/door.h"
#include "client/http/memory.h"
#include "daemon/host/confine.h"
#include "daemon/host/zonefile.h"

enum {
	CONNECTIONS = 64, /* browsers open six each */
	BACKLOG = 64,
	ORIGIN = 32, /* bytes of "http://127.0.0.1:65535", with the NUL */
	/* Milliseconds until standard input is looked at again after it could not be read: the
	 * program is in the background of its terminal. */
	BACKGROUND_PAUSE = 1000,
};

static const int signals[] = { SIGHUP, SIGINT, SIGTERM };

#define SIGNALS (sizeof signals / sizeof signals[0])

struct server {
	const struct http_console_options *options;
	uv_loop_t loop;
	uv_signal_t signals[SIGNALS];
	uv_poll_t terminal;
	uv_timer_t pause;
	bool has_terminal; /* its handles were begun */
	struct http_config config;
	struct http_listener listener;
	struct http_origins origins;
	struct http_program program;
	struct http_door door;
	struct http_console console;
	char origin[ORIGIN];
};

static int fail(const char *what, int error)
{
	fprintf(stderr, "authzcheck: cannot %s: %s\n", what, strerror(-error));
	return -1;
}

/* --- the address ------------------------------------------------------------------------------ */

static socklen_t fill_address(
	const struct http_console_options *options, struct sockaddr_storage *out)
{
	struct sockaddr_in ip4 = { .sin_family = AF_INET, .sin_port = htons(options->port) };
	struct sockaddr_in6 ip6 = { .sin6_family = AF_INET6, .sin6_port = htons(options->port) };

	memset(out, 0, sizeof *out);
	if (options->ip6) {
		ip6.sin6_addr = in6addr_loopback;
		memcpy(out, &ip6, sizeof ip6);
		return sizeof ip6;
	}
	ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(out, &ip4, sizeof ip4);
	return sizeof ip4;
}

/* A listening descriptor and its address, or -1, reported. */
static int open_listener(
	const struct http_console_options *options, struct sockaddr_storage *address)
{
	socklen_t len = fill_address(options, address);
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) != 0 ||
		bind(fd, (const struct sockaddr *)address, len) != 0 || listen(fd, BACKLOG) != 0 ||
		getsockname(fd, (struct sockaddr *)address, &len) != 0) {
		int r = fail(options->port == 0 ? "listen" : "listen at this port", -errno);

		if (fd >= 0) {
			close(fd);
		}
		return r;
	}
	return fd;
}

static unsigned port_of(const struct sockaddr_storage *address)
{
	struct sockaddr_in ip4; /* the port of sockaddr_in6 is at the same place */

	memcpy(&ip4, address, sizeof ip4);
	return ntohs(ip4.sin_port);
}

static void name_address(struct server *server)
{
	const char *host = server->options->ip6 ? "[::1]" : "127.0.0.1";
	unsigned port = port_of(&server->console.address);

	/* Browsers leave out the port that is http's own. */
	if (port == 80) {
		snprintf(server->origin, sizeof server->origin, "http://%s", host);
	} else {
		snprintf(server->origin, sizeof server->origin, "http://%s:%u", host, port);
	}
	snprintf(server->console.cookie, sizeof server->console.cookie, "authz-console-%u", port);
	server->origins = (struct http_origins){ { server->origin }, 1 };
}

/* --- links ------------------------------------------------------------------------------------ */

static void stop(struct server *server)
{
	uv_stop(&server->loop);
}

static void make_link(struct server *server, bool first)
{
	struct http_console_sessions *sessions = &server->console.sessions;
	char link[HTTP_CONSOLE_LINK];

	if (!http_console_make_ticket(sessions, http_console_now())) {
		fputs("authzcheck: the kernel gives no random numbers for a link\n", stderr);
		return;
	}
	snprintf(link, sizeof link, "%s/console/#%s", server->origin, sessions->ticket);
	server->options->on_link(server->options->context, link, first);
	wire_wipe(link, sizeof link);
}

static void on_terminal(uv_poll_t *poll, int status, int events);

static void on_pause(uv_timer_t *timer)
{
	struct server *server = timer->data;

	uv_poll_start(&server->terminal, UV_READABLE, on_terminal);
}

/* A line is there, or the end. In the background of the terminal reading fails (EIO). */
static void on_terminal(uv_poll_t *poll, int status, int events)
{
	struct server *server = poll->data;
	char line[256];
	ssize_t n = read(STDIN_FILENO, line, sizeof line);

	(void)status;
	(void)events;
	if (n > 0) {
		if (memchr(line, '\n', (size_t)n) != NULL) {
			make_link(server, false);
		}
	} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	} else if (n < 0 && errno == EIO) {
		uv_poll_stop(poll);
		uv_timer_start(&server->pause, on_pause, BACKGROUND_PAUSE, 0);
	} else {
		stop(server);
	}
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	stop(handle->data);
}

/* --- the process ------------------------------------------------------------------------------ */

/* What `local` reads: the policy folder, the time zones that policies name, and modules. */
static int allow_local(const struct http_console_options *options, struct confine_files *files)
{
	int r = confine_files_allow_replaced(files, options->folder);

	if (r == -ENOENT) {
		r = confine_files_allow_missing(files, options->folder);
	}
	if (r == -ENOENT || r == -EACCES) {
		r = 0; /* then `local` says that it cannot be read */
	}
	if (r == 0) {
		r = confine_files_allow(files, ZONEFILE_FOLDER, CONFINE_READ);
		r = r == -ENOENT ? 0 : r;
	}
	if (r == 0 && options->modules != NULL) {
		r = confine_files_allow_replaced(files, options->modules);
		r = r == 0 ? confine_files_allow_libraries(files) : r;
	}
	return r;
}

static int limit_files(const struct http_console_options *options)
{
	struct confine_files files;
	int r = confine_files_begin(&files);

	if (r == -EOPNOTSUPP) {
		return 0;
	}
	if (r == 0 && options->local != NULL) {
		r = allow_local(options, &files);
		if (r < 0) {
			confine_files_cancel(&files);
		}
	}
	return r < 0 ? r : confine_files_enter(&files);
}

/* It keeps root's capabilities where root started it: they open the daemon's socket. */
static int confine(const struct http_console_options *options)
{
	const struct confine_calls needs = { .connects = true,
		.files = options->local != NULL,
		.modules = options->modules != NULL };
	const struct rlimit none = { 0, 0 };
	int r;

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return fail("confine itself", -errno);
	}
	if (!confine_is_built()) {
		return 0;
	}
	/* libmicrohttpd writes dates, for which the C library reads the zone once. */
	tzset();
	r = limit_files(options);
	if (r == 0) {
		r = confine_calls(&needs);
	}
	return r == 0 || r == -EOPNOTSUPP ? 0 : fail("confine itself", r);
}

static void watch(struct server *server)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	for (size_t i = 0; i < SIGNALS; i++) {
		uv_signal_init(&server->loop, &server->signals[i]);
		server->signals[i].data = server;
		uv_signal_start(&server->signals[i], on_signal, signals[i]);
	}
	if (server->options->watches_terminal &&
		uv_poll_init(&server->loop, &server->terminal, STDIN_FILENO) == 0) {
		uv_timer_init(&server->loop, &server->pause);
		server->terminal.data = server;
		server->pause.data = server;
		server->has_terminal = true;
		uv_poll_start(&server->terminal, UV_READABLE, on_terminal);
	}
}

static void configure(struct server *server)
{
	const struct http_console_options *options = server->options;
	struct http_console *console = &server->console;

	http_config_init(&server->config);
	server->config.authz = options->socket;
	server->config.has_server = options->server != 0;
	server->config.server = options->server;
	server->config.connections = CONNECTIONS;
	server->listener = (struct http_listener){ .realm = "authz", .prefix = "/check" };
	console->is_local = true;
	console->origins = &server->origins;
	console->token = options->token;
	console->local = options->local;
	console->own = geteuid();
	console->starter = options->starter;
	server->program.config = &server->config;
	server->door.program = &server->program;
	server->door.listener = &server->listener;
	server->door.console = console;
	http_console_routes(true, server->door.routes);
}

static void close_all(struct server *server)
{
	http_door_close(&server->door);
	http_ask_close(&server->program.ask);
	for (size_t i = 0; i < SIGNALS; i++) {
		uv_close((uv_handle_t *)&server->signals[i], NULL);
	}
	if (server->has_terminal) {
		uv_close((uv_handle_t *)&server->terminal, NULL);
		uv_close((uv_handle_t *)&server->pause, NULL);
	}
	uv_run(&server->loop, UV_RUN_DEFAULT);
	uv_loop_close(&server->loop);
	http_console_wipe_sessions(&server->console.sessions);
	http_config_finish(&server->config);
}

static int serve(struct server *server, int fd)
{
	int r;

	uv_loop_init(&server->loop);
	watch(server);
	http_memory_init();
	r = http_ask_open(
		&server->program.ask, &server->loop, &server->config, server->config.authz);
	if (r < 0) {
		fprintf(stderr, "authzcheck: %s\n", authz_strerror(r));
		close(fd);
	} else if (http_door_open(&server->door, &server->loop, fd, CONNECTIONS) < 0) {
		r = fail("serve HTTP", -ENOMEM);
	} else {
		make_link(server, true);
		r = confine(server->options);
		if (r == 0) {
			uv_run(&server->loop, UV_RUN_DEFAULT);
		}
	}
	close_all(server);
	return r < 0 ? -1 : 0;
}

int http_console_serve(const struct http_console_options *options)
{
	struct server *server = calloc(1, sizeof *server);
	int fd, r = -1;

	if (server == NULL) {
		return fail("serve", -ENOMEM);
	}
	server->options = options;
	server->console.peers = (struct http_peers){ -1, { -1, -1 } };
	fd = open_listener(options, &server->console.address);
	if (fd >= 0) {
		r = http_peers_open(&server->console.peers);
		if (r < 0) {
			fail("see whose connections they are: /proc/net/tcp", r);
			close(fd);
		} else {
			name_address(server);
			configure(server);
			r = serve(server, fd);
		}
		http_peers_close(&server->console.peers);
	}
	free(server);
	return r;
}
