/* SPDX-License-Identifier: Apache-2.0 */

/* console: serves the console of this user on loopback, and opens a browser. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/authz.h"
#include "client/http/console_page.h"
#include "client/http/console_serve.h"
#include "tools/commands/commands.h"
#include "tools/console_folder.h"
#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/socket.h"

/* --- the browser ------------------------------------------------------------------------------ */

/* Not for root: a browser would run with all of root's rights. */
static bool wants_browser(const struct app *app)
{
	return !app->args.given[FLAG_NO_BROWSER] && geteuid() != 0 && isatty(STDOUT_FILENO) == 1 &&
	       (getenv("DISPLAY") != NULL || getenv("WAYLAND_DISPLAY") != NULL);
}

/* Opens the link, in a group of its own, so that Ctrl-C does not end the browser. The link can be
 * seen in the list of processes: other users' programs are refused all the same. */
static void open_browser(const char *link)
{
	extern char **environ;
	char program[] = "xdg-open", *argument = strdup(link);
	char *const words[] = { program, argument, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t all;
	pid_t pid;

	if (argument == NULL || posix_spawn_file_actions_init(&files) != 0) {
		free(argument);
		return;
	}
	if (posix_spawnattr_init(&attributes) == 0) {
		sigemptyset(&all);
		sigaddset(&all, SIGCHLD);
		sigaddset(&all, SIGPIPE);
		sigaddset(&all, SIGTTIN);
		posix_spawnattr_setsigdefault(&attributes, &all);
		posix_spawnattr_setpgroup(&attributes, 0);
		posix_spawnattr_setflags(
			&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
			posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
		}
		unsetenv("AUTHZ_TOKEN");
		/* Nobody waits for it. */
		signal(SIGCHLD, SIG_IGN);
		(void)posix_spawnp(&pid, program, &files, &attributes, words, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&files);
	wire_wipe(argument, strlen(argument));
	free(argument);
}

static void on_link(void *context, const char *link, bool first)
{
	const struct app *app = context;
	/* Once it is confined, the process cannot ask. */
	bool enter = first && isatty(STDIN_FILENO) == 1;

	printf("%s\n\n    %s\n\nIt works once, within 10 minutes%s.\n",
		first ? "The console is open to the browser that this link is opened in:"
		      : "A new link; the one before works no more:",
		link, enter ? "; press Enter for another one, and Ctrl-C to end" : "");
	fflush(stdout);
	if (first && wants_browser(app)) {
		open_browser(link);
	}
}

/* --- the address ------------------------------------------------------------------------------ */

static bool read_port(const char *text, uint16_t *out)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || port > UINT16_MAX) {
		return false;
	}
	*out = (uint16_t)port;
	return true;
}

static int read_listen(struct app *app, struct http_console_options *options)
{
	static const char ip4[] = "127.0.0.1:", ip6[] = "[::1]:";
	const char *given = app->args.values[FLAG_LISTEN];
	const char *port;

	if (given == NULL) {
		return EXIT_YES;
	}
	options->ip6 = strncmp(given, ip6, sizeof ip6 - 1) == 0;
	if (options->ip6) {
		port = given + sizeof ip6 - 1;
	} else if (strncmp(given, ip4, sizeof ip4 - 1) == 0) {
		port = given + sizeof ip4 - 1;
	} else {
		return app_fail(app, EXIT_USAGE, "usage",
			"--listen %.64s: write 127.0.0.1:PORT or [::1]:PORT: this console acts as "
			"you, so it serves this machine alone; for a team see `console on` in "
			"authz-http.conf(5)",
			given);
	}
	if (!read_port(port, &options->port)) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--listen %.64s: write a port from 1 to 65535, or 0 for a free one", given);
	}
	return EXIT_YES;
}

/* --- the daemon ------------------------------------------------------------------------------- */

/* Is there a daemon, and where is its policy folder? A token cannot ask for that. */
static int meet_daemon(struct app *app, struct http_console_options *options)
{
	struct params params;
	struct wire_cursor result;
	struct authz *authz;
	int status;

	if (app->token_len > 0) {
		status = rpc_open(app, &authz);
		if (status == EXIT_YES) {
			int r = authz_connect(authz);

			status = r < 0 ? rpc_failed(app, r) : EXIT_YES;
		}
		return status;
	}
	params_begin(&params);
	app->may_be_forbidden = true;
	status = rpc_call(app, "policy.status", &params, &result);
	app->may_be_forbidden = false;
	if (status == EXIT_YES) {
		options->folder = record_text(&app->arena, result, "folder");
	}
	return status == EXIT_NO ? EXIT_YES : status;
}

/* The user who started this by sudo, and whose browser it is then. */
static uid_t starter(void)
{
	const char *text = geteuid() == 0 ? getenv("SUDO_UID") : NULL;
	uid_t uid;

	return text != NULL && strspn(text, "0123456789") == strlen(text) &&
			       authz_find_user(text, &uid) == AUTHZ_OK
		       ? uid
		       : geteuid();
}

/* --- the policy folder ------------------------------------------------------------------------ */

static json_t *on_local(void *context, const char *method, const json_t *params)
{
	return console_folder_call(context, method, params);
}

/* Serves; with what the program itself says about the policy folder, if the daemon said where that
 * is. A folder that cannot be read is no failure: the page shows why. */
static int serve(struct app *app, struct http_console_options *options)
{
	struct http_console_local local = { .call = on_local };
	int r;

	if (options->folder != NULL) {
		local.context =
			console_folder_create(options->folder, app->args.values[FLAG_MODULES]);
		if (local.context == NULL) {
			return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
		}
		options->local = &local;
		options->modules = app->args.values[FLAG_MODULES];
	}
	r = http_console_serve(options);
	console_folder_destroy(local.context);
	return r == 0 ? EXIT_YES : EXIT_DAEMON;
}

static int run(struct app *app)
{
	struct http_console_options options = {
		.starter = starter(),
		.watches_terminal = isatty(STDIN_FILENO) == 1,
		.on_link = on_link,
		.context = app,
	};
	struct authz_options authz = { 0 };
	struct socket socket;
	int status;

	if (app->want_json) {
		return app_fail(
			app, EXIT_USAGE, "usage", "console has no --json: it serves a page");
	}
	if (http_console_page.len == 0) {
		return app_fail(app, EXIT_USAGE, "unsupported", HTTP_CONSOLE_NOT_BUILT);
	}
	status = read_listen(app, &options);
	if (status == EXIT_YES) {
		status = socket_choose(app, &socket, &authz);
	}
	if (status == EXIT_YES) {
		status = meet_daemon(app, &options);
	}
	if (status != EXIT_YES) {
		return status;
	}
	rpc_close(app->rpc);
	app->rpc = NULL;
	options.socket = authz.socket;
	options.server = authz.server_uid;
	options.token = (struct wire_str){ app->token_len > 0 ? app->token : NULL, app->token_len };
	return serve(app, &options);
}

const struct command command_console = {
	.name = "console",
	.summary = "Serve a page to look after keys, roles and decisions",
	.text = "Serves the console on 127.0.0.1, prints a link that works once, and opens the\n"
		"browser where there is one. The page acts as you: by the daemon's socket for\n"
		"managing, or by --token-file, with the rights of that key alone. It ends with "
		"the\n"
		"terminal, and with it every session. For a team see `console on` in\n"
		"authz-http.conf(5).\n",
	.examples = "  authzcheck console\n"
		    "  sudo authzcheck console --no-browser\n"
		    "  authzcheck console --listen 127.0.0.1:8080 --token-file ~/.authz/key\n",
	.flags = { FLAG_LISTEN, FLAG_NO_BROWSER, FLAG_MODULES },
	.by_token = true,
	.run = run,
};
