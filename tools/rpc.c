/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rpc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/authz.h"
#include "policy/text/timetext.h"
#include "tools/diagnostics.h"
#include "tools/everywhere.h"
#include "tools/record.h"
#include "tools/said.h"
#include "tools/socket.h"

/* The most that the daemon puts into one page. */
#define PAGE_ITEMS 1000

/* The library's default. */
#define TIMEOUT_MS 5000

/* The daemon answers a change after 5 seconds at the latest, if a database must have it; and one
 * that is to be everywhere, when that is proven. */
#define CHANGE_TIMEOUT_MS     15000
#define EVERYWHERE_TIMEOUT_MS 120000

/* Not an AUTHZ_E*: the command does not wait for the daemon any more. */
#define GIVEN_UP 1
/* Bytes of a sentence of authz_explain. */
#define EXPLANATION_SIZE 512

/* A day. */
#define TIMEOUT_MAX_S 86400

struct rpc {
	struct authz *authz;
	int timeout_ms;
	bool (*wait)(void); /* rpc_be_patient; else NULL */
	struct socket socket;
	struct wire_buf
		cursor; /* of the next page, copied from the answer, which does not live so long */
};

static const struct {
	enum wire_code code;
	int status;
} statuses[] = {
	{ WIRE_INTERNAL, EXIT_DAEMON },
	{ WIRE_INVALID_REQUEST, EXIT_USAGE },
	{ WIRE_UNKNOWN_METHOD, EXIT_USAGE },
	{ WIRE_FORBIDDEN, EXIT_NO },
	{ WIRE_NOT_FOUND, EXIT_NO },
	{ WIRE_CONFLICT, EXIT_NO },
	{ WIRE_LIMIT_REACHED, EXIT_NO },
	{ WIRE_INVALID_POLICY, EXIT_NO },
	{ WIRE_OVERLOADED, EXIT_DAEMON },
	{ WIRE_STALE, EXIT_DAEMON },
	{ WIRE_UNAVAILABLE, EXIT_DAEMON },
};

int rpc_exit_status(enum wire_code code)
{
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		if (statuses[i].code == code) {
			return statuses[i].status;
		}
	}
	return EXIT_DAEMON;
}

static int default_timeout(const struct app *app)
{
	if (app->command == NULL) {
		return TIMEOUT_MS;
	}
	if (app->command->long_work) {
		return TIMEOUT_MAX_S * 1000;
	}
	if (app->args.given[FLAG_EVERYWHERE]) {
		return EVERYWHERE_TIMEOUT_MS;
	}
	return everywhere_changes(app->command->method) ? CHANGE_TIMEOUT_MS : TIMEOUT_MS;
}

/* --timeout: 5s, 2m; a bare number is seconds. */
int rpc_read_timeout(struct app *app, int *out_ms)
{
	const char *text = app->args.values[FLAG_TIMEOUT];
	uint64_t seconds = 0;
	char *end;
	long bare;

	*out_ms = default_timeout(app);
	if (text == NULL) {
		return EXIT_YES;
	}
	bare = strtol(text, &end, 10);
	if (*end == '\0' && end != text && bare > 0 && bare <= TIMEOUT_MAX_S) {
		seconds = (uint64_t)bare;
	} else if (pol_timetext_parse_duration(pol_str_of(text), &seconds) != POL_OK ||
		   seconds > TIMEOUT_MAX_S) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--timeout '%.64s': want seconds, or 30s, 2m; a day at most", text);
	}
	*out_ms = (int)seconds * 1000;
	return EXIT_YES;
}

static int open_rpc(struct app *app)
{
	struct authz_options options = { .socket = NULL };
	int status = rpc_read_timeout(app, &options.timeout_ms);
	struct rpc *rpc;
	int error;

	if (status != EXIT_YES) {
		return status;
	}
	rpc = calloc(1, sizeof *rpc);
	if (rpc == NULL) {
		return app_fail(app, EXIT_DAEMON, "internal", "out of memory");
	}
	wire_buf_init(&rpc->cursor, WIRE_MAX_REQUEST);
	app->rpc = rpc;
	rpc->timeout_ms = options.timeout_ms;
	status = socket_choose(app, &rpc->socket, &options);
	if (status != EXIT_YES) {
		return status;
	}
	error = authz_create(&options, &rpc->authz);
	if (error < 0) {
		return app_fail(app, EXIT_DAEMON, "internal", "%s", authz_strerror(error));
	}
	return EXIT_YES;
}

int rpc_timeout(const struct app *app)
{
	return app->rpc->timeout_ms;
}

void rpc_close(struct rpc *rpc)
{
	if (rpc != NULL) {
		authz_destroy(rpc->authz);
		wire_buf_finish(&rpc->cursor);
		free(rpc);
	}
}

/* The path of the socket for managing, and what keeps this user from it, or how to use it. */
static const char *managing_text(struct app *app)
{
	const char *path = app->rpc->socket.managing;
	const char *obstacle = socket_obstacle(app, path);

	return obstacle[0] != '\0' ? app_text(app, "%s: %s", path, obstacle)
				   : app_text(app, "%s: give --socket %s", path, path);
}

/* Prints everything that the daemon answered. */
int rpc_refused(struct app *app, const char *method, const struct authz_reply *reply)
{
	struct wire_cursor error = wire_cursor_of(reply->data, reply->len);
	struct wire_str code = { reply->code, strlen(reply->code) };
	int status = rpc_exit_status(wire_code_find(code));
	const char *ids = record_list(&app->arena, error, "ids");
	const struct suggest_name unknown = said_unknown(app, reply);

	diagnostics_print(app, error, stderr);
	app_fail(app, status, reply->code, "%s: %s", reply->code, said_text(app, reply, method));
	if (ids[0] != '\0') {
		fprintf(stderr, "authzcheck: in the way: %s\n", ids);
	}
	if (strcmp(reply->code, "forbidden") == 0 && app->rpc->socket.managing[0] != '\0') {
		fprintf(stderr, "authzcheck: the socket for managing is %s\n", managing_text(app));
	}
	/* The daemon's own map has more than its texts. One that refused the connection sent none.
	 */
	if (app->want_json && reply->data != NULL) {
		app_document_error(app, document_wire(error));
	}
	if (!app->want_json) {
		suggest_print(app, &unknown);
	}
	return status;
}

/* Nothing accepts a connection there, or this user may not connect. */
static int unreachable(struct app *app, const char *path, const char *said)
{
	const struct socket *socket = &app->rpc->socket;
	const char *other = "";

	if (authz_errno(app->rpc->authz) == EACCES) {
		/* Nothing but the socket for managing would help: the other serves decisions. */
		return socket->managing[0] != '\0'
			       ? app_fail(app, EXIT_DAEMON, "unavailable",
					 "%s: %s; the socket for managing is %s", path, said,
					 managing_text(app))
			       : app_fail(app, EXIT_DAEMON, "unavailable", "%s: %s: %s", path, said,
					 socket_obstacle(app, path));
	}
	/* The library chose the socket of the user's own daemon, because the system's is not there.
	 */
	if (geteuid() != 0 && app->args.values[FLAG_SOCKET] == NULL &&
		getenv("AUTHZ_SOCKET") == NULL && strcmp(path, SOCKET_SYSTEM) != 0) {
		other = ", nor is there " SOCKET_SYSTEM;
	}
	return app_fail(app, EXIT_DAEMON, "unavailable",
		"%s: %s%s: is authzd running? --socket or AUTHZ_SOCKET says where", path, said,
		other);
}

int rpc_failed(struct app *app, int error)
{
	const struct authz *authz = app->rpc->authz;
	const char *path = authz_socket(authz);
	char said[EXPLANATION_SIZE];

	authz_explain(authz, error, said, sizeof said);
	switch (error) {
	case AUTHZ_ECONNECT:
		return unreachable(app, path, said);
	case AUTHZ_EPEER:
		return app_fail(app, EXIT_DAEMON, "unavailable", "%s: %s, or give --server-user",
			path, said);
	case AUTHZ_ETIMEOUT:
		return app_fail(app, EXIT_DAEMON, "timeout",
			"%s: %s (--timeout): authzd is busy, or it is not running while a "
			"supervisor holds its socket",
			path, authz_strerror(error));
	case AUTHZ_EINVAL:
	case AUTHZ_ELIMIT:
		return app_fail(app, EXIT_USAGE, "invalid_request", "%s", authz_strerror(error));
	default:
		return app_fail(app, EXIT_DAEMON, "unavailable", "%s: %s", path, said);
	}
}

int rpc_open(struct app *app, struct authz **out)
{
	int status = app->rpc != NULL ? EXIT_YES : open_rpc(app);

	if (status == EXIT_YES) {
		*out = app->rpc->authz;
	}
	return status;
}

void rpc_be_patient(struct app *app, bool (*wait)(void))
{
	app->rpc->wait = wait;
}

/* Is the daemon away, perhaps for a moment? */
static bool is_away(int error)
{
	return error == AUTHZ_ECONNECT || error == AUTHZ_ECLOSED || error == AUTHZ_ETIMEOUT;
}

/* Returns an AUTHZ_E*, or GIVEN_UP: app->rpc->wait said to wait no longer. */
static int call(
	struct app *app, const char *method, const struct params *params, struct authz_reply *out)
{
	struct authz *authz = app->rpc->authz;
	bool waited = false;
	int error;

	for (;;) {
		/* A person learns at once that nobody listens; authz_call would wait for a daemon
		 * that restarts. */
		error = authz_connect(authz);
		if (error == AUTHZ_OK) {
			error = authz_call(authz, method, params->buf.data, params->buf.len, out);
		}
		if (app->rpc->wait == NULL || !is_away(error)) {
			break;
		}
		if (!waited) {
			app_warn(app, "%s: %s: waiting for the daemon", authz_socket(authz),
				authz_strerror(error));
			waited = true;
		}
		if (!app->rpc->wait()) {
			return GIVEN_UP;
		}
	}
	if (waited && error == AUTHZ_OK) {
		app_warn(app, "%s: the daemon is back", authz_socket(authz));
	}
	return error;
}

int rpc_call(
	struct app *app, const char *method, struct params *params, struct wire_cursor *out_result)
{
	struct authz_reply reply = { .code = "", .message = "", .param = "" };
	int status = app->rpc != NULL ? EXIT_YES : open_rpc(app);
	int error;

	everywhere_put(app, method, params);
	params_end(params, app);
	if (status == EXIT_YES && params->buf.status != WIRE_OK) {
		status = app_fail(app, EXIT_USAGE, "invalid_request",
			"the request is larger than 256 KiB, the most that the daemon reads");
	}
	if (status != EXIT_YES) {
		params_finish(params);
		return status;
	}
	error = call(app, method, params, &reply);
	params_finish(params);
	if (error == GIVEN_UP) {
		return EXIT_DAEMON;
	}
	if (error == AUTHZ_EREFUSED) {
		if (app->may_be_forbidden && strcmp(reply.code, "forbidden") == 0) {
			return EXIT_NO;
		}
		return rpc_refused(app, method, &reply);
	}
	if (error < 0) {
		return rpc_failed(app, error);
	}
	*out_result = wire_cursor_of(reply.data, reply.len);
	everywhere_read(app, *out_result);
	return EXIT_YES;
}

bool rpc_ask(
	struct app *app, const char *method, struct params *params, struct wire_cursor *out_result)
{
	struct authz_reply reply;
	int error = AUTHZ_ELIMIT;

	everywhere_put(app, method, params);
	params_end(params, app);
	if (params->buf.status == WIRE_OK) {
		error = authz_call(
			app->rpc->authz, method, params->buf.data, params->buf.len, &reply);
	}
	params_finish(params);
	if (error != AUTHZ_OK) {
		return false;
	}
	*out_result = wire_cursor_of(reply.data, reply.len);
	return true;
}

/* Keeps the cursor of the next page; *out_more: there is one. */
static int keep_cursor(struct app *app, struct wire_cursor result, bool *out_more)
{
	struct wire_buf *buf = &app->rpc->cursor;
	struct pol_str cursor = record_str(result, "cursor");

	wire_buf_rewind(buf, 0);
	wire_put_raw(buf, cursor.ptr, cursor.len);
	*out_more = cursor.len > 0;
	return buf->status == WIRE_OK
		       ? EXIT_YES
		       : app_fail(app, EXIT_DAEMON, "internal", "the daemon's cursor is too long");
}

static uint32_t count_items(struct wire_cursor result)
{
	struct wire_cursor items;
	uint32_t count = 0;

	if (!record_find(result, "items", &items) || !wire_read_array(&items, &count)) {
		return 0;
	}
	return count;
}

/* Asks for the next page. */
static int fetch(
	struct app *app, const struct pages *pages, bool more, struct wire_cursor *out_result)
{
	struct params params;
	int status;

	params_begin(&params);
	status = pages->fill != NULL ? pages->fill(pages->context, &params) : EXIT_YES;
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	if (pages->what != NULL) {
		params_int(&params, "limit", PAGE_ITEMS);
	}
	if (more) {
		params_str(&params, "cursor",
			(struct pol_str){
				(const char *)app->rpc->cursor.data, app->rpc->cursor.len });
	}
	return rpc_call(app, pages->method, &params, out_result);
}

int rpc_pages(struct app *app, const struct pages *pages)
{
	bool show = pages->what != NULL && isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1;
	struct wire_cursor result = { 0 };
	size_t seen = 0;
	bool more = false;
	int status;

	do {
		status = fetch(app, pages, more, &result);
		if (status == EXIT_YES) {
			status = keep_cursor(app, result, &more);
		}
		if (status != EXIT_YES) {
			break;
		}
		seen += count_items(result);
		status = pages->page(pages->context, result);
		if (show && more) {
			fprintf(stderr, "\r%zu %s", seen, pages->what);
		}
		/* Standard output may be a pipe whose reader has ended. */
	} while (status == EXIT_YES && more && !ferror(stdout));
	if (show && seen > PAGE_ITEMS) {
		fputs("\r\033[K", stderr);
	}
	return status;
}
