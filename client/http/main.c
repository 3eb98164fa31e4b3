/* SPDX-License-Identifier: Apache-2.0 */
/* authz-http: answers web servers that ask whether a request may pass. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/http/config.h"
#include "client/http/confinement.h"
#include "client/http/console.h"
#include "client/http/door.h"
#include "client/http/listen.h"
#include "client/http/memory.h"
#include "client/http/routes.h"
#include "daemon/host/activation.h"
#include "daemon/host/log.h"
#include "daemon/host/notify.h"
#include "daemon/host/rights.h"

#define DEFAULT_CONFIG "/etc/authz/authz-http.conf"

enum { EXIT_CLEAN = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Beside those of connections: standard ones, listeners with what waits on them, the daemon's. */
enum { DESCRIPTORS = 128 };

static const char usage_text[] = "usage: authz-http [--config FILE] [--check] [--no-confinement]\n";

static const char help_text[] =
	"\n"
	"Answers web servers that ask whether a request may pass (nginx auth_request, Caddy\n"
	"forward_auth, Traefik, Envoy), by asking authzd.\n"
	"\n"
	"  --config FILE   the configuration (" DEFAULT_CONFIG ")\n"
	"  --check         read the configuration, report its mistakes, and end\n"
	"  --no-confinement\n"
	"                  files and system calls are not limited: for debugging alone\n"
	"  -h, --help      this\n"
	"  --version       the version\n"
	"\n"
	"SIGTERM ends when the requests that have begun are answered, a second one at once.\n"
	"See authz-http(8), authz-http.conf(5).\n";

struct server {
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	uv_timer_t deadline; /* of the end */
	struct notify *notify;
	struct http_program program;
	struct http_door doors[HTTP_MAX_LISTENERS];
	struct http_console consoles[HTTP_MAX_LISTENERS]; /* of listeners that have one */
	struct activation activation;
};

/* --- options ---------------------------------------------------------------------------------- */

enum option_code { OPTION_CONFIG = 1, OPTION_CHECK, OPTION_NO_CONFINEMENT, OPTION_VERSION };

static const struct option options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "no-confinement", no_argument, NULL, OPTION_NO_CONFINEMENT },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct command_line {
	const char *config;
	bool check;
	bool confine;
};

/* -1: go on; otherwise the exit status. */
static int read_options(int argc, char **argv, struct command_line *line)
{
	int code;

	while ((code = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (code) {
		case OPTION_CONFIG:
			line->config = optarg;
			break;
		case OPTION_CHECK:
			line->check = true;
			break;
		case OPTION_NO_CONFINEMENT:
			line->confine = false;
			break;
		case OPTION_VERSION:
			puts("authz-http " AUTHZ_VERSION);
			return EXIT_CLEAN;
		case 'h':
			fputs(usage_text, stdout);
			fputs(help_text, stdout);
			return EXIT_CLEAN;
		default:
			fputs(usage_text, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "authz-http: there are no arguments but options: %s\n%s",
			argv[optind], usage_text);
		return EXIT_USAGE;
	}
	return -1;
}

/* --- the server ------------------------------------------------------------------------------- */

static void stop_listening(struct server *server)
{
	const struct http_config *config = server->program.config;

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct http_listener *listener = &config->listeners[i];
		bool is_made = http_listen_is_made(listener, &server->activation);

		http_listen_remove(listener, &server->activation);
		http_door_stop_listening(&server->doors[i], listener->path != NULL && !is_made);
	}
}

static void stop(struct server *server)
{
	if (!server->program.connections.draining) {
		stop_listening(server);
	}
	for (size_t i = 0; i < server->program.config->listener_count; i++) {
		http_door_close(&server->doors[i]);
	}
	http_response_cache_finish(&server->program.responses);
	http_ask_close(&server->program.ask);
	if (server->program.managing.loop != NULL) {
		http_ask_close(&server->program.managing);
	}
	uv_close((uv_handle_t *)&server->term, NULL);
	uv_close((uv_handle_t *)&server->interrupt, NULL);
	uv_close((uv_handle_t *)&server->deadline, NULL);
}

static void on_drained(struct http_program *program)
{
	uv_stop(program->ask.loop);
}

static void on_deadline(uv_timer_t *timer)
{
	const struct server *server = timer->data;

	log_warn("requests are not answered in time, and dropped", "connections=%llu",
		(unsigned long long)server->program.metrics.connections);
	uv_stop(timer->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct server *server = handle->data;
	const struct http_config *config = server->program.config;

	(void)number;
	if (server->program.connections.draining) {
		uv_stop(handle->loop);
		return;
	}
	notify_send(server->notify, "STOPPING=1");
	log_info("stops", "connections=%llu",
		(unsigned long long)server->program.metrics.connections);
	stop_listening(server);
	http_door_drain(server->doors, config->listener_count);
	uv_timer_start(&server->deadline, on_deadline, config->drain_ms, 0);
}

/* A share of the connections for each listener, so that one cannot take them all. */
static bool open_doors(struct server *server, const int *fds)
{
	const struct http_config *config = server->program.config;

	for (size_t i = 0; i < config->listener_count; i++) {
		struct http_door *door = &server->doors[i];

		door->program = &server->program;
		door->listener = &config->listeners[i];
		http_routes(config, door->listener, door->routes);
		door->check = http_routes_check;
		if (door->listener->console) {
			server->consoles[i].origins = &door->listener->console_origins;
			server->consoles[i].service = door->listener->service;
			door->console = &server->consoles[i];
		}
		if (http_door_open(door, &server->loop, fds[i],
			    config->connections / (unsigned)config->listener_count) < 0) {
			fprintf(stderr, "authz-http: cannot serve HTTP: out of memory or "
					"descriptors\n");
			return false;
		}
	}
	return true;
}

static int serve(struct server *server, const int *fds, struct notify *notify, bool confine)
{
	const struct http_config *config = server->program.config;
	int r;

	uv_loop_init(&server->loop);
	uv_signal_init(&server->loop, &server->term);
	uv_signal_init(&server->loop, &server->interrupt);
	uv_timer_init(&server->loop, &server->deadline);
	server->term.data = server;
	server->interrupt.data = server;
	server->deadline.data = server;
	server->notify = notify;
	server->program.drained = on_drained;
	uv_signal_start(&server->term, on_signal, SIGTERM);
	uv_signal_start(&server->interrupt, on_signal, SIGINT);
	r = http_ask_open(&server->program.ask, &server->loop, config, config->authz);
	if (r == 0 && config->console_authz != NULL) {
		r = http_ask_open(
			&server->program.managing, &server->loop, config, config->console_authz);
	}
	if (r < 0) {
		fprintf(stderr, "authz-http: %s\n", authz_strerror(r));
	}
	http_memory_init();
	if (r == 0 && open_doors(server, fds) &&
		http_confine(config, &server->activation, confine,
			&server->program.metrics.confined) == 0) {
		log_info("ready", "listeners=%zu authz=%s", config->listener_count,
			http_ask_socket(&server->program.ask));
		notify_send(notify, "READY=1");
		uv_run(&server->loop, UV_RUN_DEFAULT);
		log_info("ends", "pid=%d", (int)getpid());
	} else {
		r = -1;
	}
	stop(server);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	uv_loop_close(&server->loop);
	return r == 0 ? EXIT_CLEAN : EXIT_FAILED;
}

/* A connection is a descriptor. */
static bool raise_descriptors(const struct http_config *config)
{
	unsigned long long need = config->connections + DESCRIPTORS, hard;
	int r = rights_raise_descriptors(need, need, &hard);

	if (r == -EMFILE) {
		fprintf(stderr,
			"authz-http: %u connections need %llu descriptors, and the limit is %llu: "
			"raise it (LimitNOFILE= of systemd, ulimit -Hn), or configure fewer "
			"connections\n",
			config->connections, need, hard);
	} else if (r < 0) {
		fprintf(stderr, "authz-http: cannot raise the limit of descriptors: %s\n",
			strerror(-r));
	}
	return r == 0;
}

static int run(struct server *server, struct http_config *config, bool confine)
{
	int fds[HTTP_MAX_LISTENERS] = { 0 }, status = EXIT_FAILED;
	struct notify notify = NOTIFY_NONE;
	size_t opened = 0;

	log_init(config->log_json ? LOG_JSON : LOG_TEXT);
	signal(SIGPIPE, SIG_IGN);
	if (!raise_descriptors(config)) {
		return EXIT_FAILED;
	}
	while (opened < config->listener_count) {
		fds[opened] = http_listen(&config->listeners[opened], &server->activation);
		if (fds[opened] < 0) {
			return EXIT_FAILED;
		}
		opened++;
	}
	notify = notify_open();
	if (rights_drop(NULL, geteuid(), getegid()) == 0) {
		server->program.config = config;
		status = serve(server, fds, &notify, confine);
	}
	notify_close(&notify);
	return status;
}

int main(int argc, char **argv)
{
	struct command_line line = { .config = DEFAULT_CONFIG, .confine = true };
	struct server *server = calloc(1, sizeof *server);
	struct http_config config;
	int status = read_options(argc, argv, &line);

	if (status >= 0 || server == NULL) {
		free(server);
		return status >= 0 ? status : EXIT_FAILED;
	}
	http_config_init(&config);
	status = EXIT_FAILED;
	if (http_config_read(&config, line.config) == 0) {
		status = EXIT_CLEAN;
		if (!line.check) {
			status = activation_read(&server->activation) == 0 &&
						 rights_begin(server->activation.count) == 0
					 ? run(server, &config, line.confine)
					 : EXIT_FAILED;
		}
	}
	http_config_finish(&config);
	free(server);
	return status;
}
