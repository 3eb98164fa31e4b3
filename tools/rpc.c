/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rpc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/authz.h"
#include "policy/text/timetext.h"
#include "tools/diagnostics.h"
#include "tools/record.h"

/* The most that the daemon puts into one page. */
#define PAGE_ITEMS 1000

/* The library's default. */
#define TIMEOUT_MS 5000

/* A day. */
#define TIMEOUT_MAX_S 86400

struct rpc {
	struct authz *authz;
	int timeout_ms;
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

/* --timeout: 5s, 2m; a bare number is seconds. */
static int read_timeout(struct app *app, int *out_ms)
{
	const char *text = app->args.values[FLAG_TIMEOUT];
	uint64_t seconds = 0;
	char *end;
	long bare;

	*out_ms = 0;
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
	struct authz_options options = { .socket = app->args.values[FLAG_SOCKET] };
	char path[AUTHZ_PATH_SIZE];
	int status = read_timeout(app, &options.timeout_ms);
	struct rpc *rpc;
	int error;

	if (status != EXIT_YES) {
		return status;
	}
	if (options.socket == NULL && authz_default_socket(path, sizeof path) < 0) {
		return app_fail(app, EXIT_USAGE, "usage",
			"no socket to ask: give --socket PATH or set AUTHZ_SOCKET");
	}
	rpc = calloc(1, sizeof *rpc);
	if (rpc == NULL) {
		return app_fail(app, EXIT_DAEMON, "internal", "out of memory");
	}
	wire_buf_init(&rpc->cursor, WIRE_MAX_REQUEST);
	app->rpc = rpc;
	rpc->timeout_ms = options.timeout_ms > 0 ? options.timeout_ms : TIMEOUT_MS;
	error = authz_create(&options, &rpc->authz);
	if (error == AUTHZ_EINVAL) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--socket: the path is empty, or longer than a socket's may be (107 "
			"bytes)");
	}
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

/* The daemon refused the call: prints everything that it answered. */
static int refused(struct app *app, const char *method, const struct authz_reply *reply)
{
	struct wire_cursor error = wire_cursor_of(reply->data, reply->len);
	struct wire_str code = { reply->code, strlen(reply->code) };
	int status = rpc_exit_status(wire_code_find(code));
	const char *ids = record_list(&app->arena, error, "ids");

	diagnostics_print(app, error, stderr);
	app_fail(app, status, reply->code, "%s: %s", reply->code,
		reply->message[0] != '\0' ? reply->message : method);
	if (ids[0] != '\0') {
		fprintf(stderr, "authzcheck: in the way: %s\n", ids);
	}
	if (app->want_json) {
		app_document_error(app, document_wire(error));
	}
	return status;
}

int rpc_failed(struct app *app, int error)
{
	const struct authz *authz = app->rpc->authz;
	const char *path = authz_socket(authz);
	int number = authz_errno(authz);
	const char *detail = number != 0 ? strerror(number) : "";

	switch (error) {
	case AUTHZ_ECONNECT:
		return app_fail(app, EXIT_DAEMON, "unavailable",
			"%s: %s%s%s: is authzd running? --socket or AUTHZ_SOCKET says where", path,
			authz_strerror(error), detail[0] != '\0' ? ": " : "", detail);
	case AUTHZ_ETIMEOUT:
		return app_fail(app, EXIT_DAEMON, "timeout", "%s: %s (--timeout)", path,
			authz_strerror(error));
	case AUTHZ_EINVAL:
	case AUTHZ_ELIMIT:
		return app_fail(app, EXIT_USAGE, "invalid_request", "%s", authz_strerror(error));
	default:
		return app_fail(
			app, EXIT_DAEMON, "unavailable", "%s: %s", path, authz_strerror(error));
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

int rpc_call(
	struct app *app, const char *method, struct params *params, struct wire_cursor *out_result)
{
	struct authz_reply reply;
	int status = app->rpc != NULL ? EXIT_YES : open_rpc(app);
	int error;

	params_end(params, app);
	if (status == EXIT_YES && params->buf.status != WIRE_OK) {
		status = app_fail(app, EXIT_USAGE, "invalid_request",
			"the request is larger than 256 KiB, the most that the daemon reads");
	}
	if (status != EXIT_YES) {
		params_finish(params);
		return status;
	}
	error = authz_call(app->rpc->authz, method, params->buf.data, params->buf.len, &reply);
	params_finish(params);
	if (error == AUTHZ_EREFUSED) {
		return refused(app, method, &reply);
	}
	if (error < 0) {
		return rpc_failed(app, error);
	}
	*out_result = wire_cursor_of(reply.data, reply.len);
	return EXIT_YES;
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
	} while (status == EXIT_YES && more);
	if (show && seen > PAGE_ITEMS) {
		fputs("\r\033[K", stderr);
	}
	return status;
}
