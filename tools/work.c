/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/work.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/authz.h"
#include "tools/record.h"
#include "tools/verb.h"

/* Between two looks at the progress. */
#define LOOK_MS 500

/* A look that is not answered by then is given up. */
#define LOOK_TIMEOUT_MS 2000

struct work {
	struct app *app;
	bool done;
	int error;                /* AUTHZ_E* of the call */
	struct authz_reply reply; /* its texts and bytes are in the arena */
	bool looking;             /* a look is not answered yet */
};

static const char *keep(struct work *work, const char *text)
{
	return text != NULL ? app_text(work->app, "%s", text) : NULL;
}

static void on_done(void *data, int error, const struct authz_reply *reply)
{
	struct work *work = data;
	void *bytes = reply->len > 0 ? pol_arena_alloc(&work->app->arena, reply->len, 1) : NULL;

	work->done = true;
	work->error = error;
	work->reply = (struct authz_reply){ .code = keep(work, reply->code),
		.message = keep(work, reply->message),
		.param = keep(work, reply->param) };
	if (bytes != NULL) {
		memcpy(bytes, reply->data, reply->len);
		work->reply.data = bytes;
		work->reply.len = reply->len;
	}
}

/* "share: 1200 of 5000 records" */
static void on_look(void *data, int error, const struct authz_reply *reply)
{
	struct work *work = data;
	struct wire_cursor status = wire_cursor_of(reply->data, reply->len);
	struct wire_cursor shared, at;

	work->looking = false;
	if (error < 0 || work->done || !record_find(status, "shared", &shared) ||
		!record_find(shared, "work", &at)) {
		return;
	}
	fprintf(stderr, "\r\033[K%s: %" PRId64, record_text(&work->app->arena, at, "what"),
		record_int(at, "done", 0));
	if (record_int(at, "total", 0) > 0) {
		fprintf(stderr, " of %" PRId64, record_int(at, "total", 0));
	}
	fputs(" records", stderr);
	fflush(stderr);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the connection is ready, a deadline has passed, or it is time to look. */
static void wait_for(struct authz *authz, int64_t ms)
{
	struct pollfd fd = { .fd = authz_fd(authz), .events = authz_events(authz) };
	int deadline = authz_timeout(authz);

	if (ms < 0) {
		ms = 0;
	}
	poll(&fd, 1, deadline >= 0 && deadline < ms ? deadline : (int)ms);
}

static void watch(struct work *work, struct authz *authz)
{
	int64_t next = now_ms() + LOOK_MS;

	authz_set_timeout(authz, LOOK_TIMEOUT_MS);
	while (!work->done) {
		if (now_ms() >= next && !work->looking) {
			next = now_ms() + LOOK_MS;
			work->looking = authz_call_start(authz, "status", NULL, 0, on_look, work) ==
					AUTHZ_OK;
		}
		wait_for(authz, next > now_ms() ? next - now_ms() : LOOK_MS);
		authz_process(authz);
	}
	fputs("\r\033[K", stderr);
}

int work_call(
	struct app *app, const char *method, struct params *params, struct wire_cursor *out_result)
{
	struct work work = { .app = app };
	struct authz *authz;
	int status;

	if (isatty(STDERR_FILENO) != 1) {
		return rpc_call(app, method, params, out_result);
	}
	status = rpc_open(app, &authz);
	params_end(params, app);
	if (status == EXIT_YES) {
		work.error = authz_call_start(
			authz, method, params->buf.data, params->buf.len, on_done, &work);
		if (work.error == AUTHZ_OK) {
			watch(&work, authz);
		}
	}
	params_finish(params);
	if (status != EXIT_YES) {
		return status;
	}
	if (work.error == AUTHZ_EREFUSED) {
		return rpc_refused(app, method, &work.reply);
	}
	if (work.error < 0) {
		return rpc_failed(app, work.error);
	}
	*out_result = wire_cursor_of(work.reply.data, work.reply.len);
	return EXIT_YES;
}

int work_finish(struct app *app, struct params *params)
{
	struct wire_cursor answer = { 0 };
	int status = work_call(app, app->command->method, params, &answer);

	return status == EXIT_YES ? verb_show(app, answer) : status;
}

int work_run(struct app *app)
{
	struct params params;
	int status;

	params_begin(&params);
	status = params_options(app, &params, app->command->flags);
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	return work_finish(app, &params);
}
