/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/many.h"

#include <errno.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/authz.h"

enum {
	WINDOW = 256,            /* outstanding: what the daemon commits at once */
	PROGRESS_NS = 100000000, /* between two lines of progress */
	TOLD = 20,               /* refusals that are told one by one */
	AGAIN_MS = 50,           /* between two attempts to reach the daemon again */
};

struct run;

struct slot {
	struct run *run;
	size_t number;
	bool busy;
	bool again; /* busy, and to be asked for again */
	char request_id[AUTHZ_REQUEST_ID_SIZE];
};

struct run {
	struct app *app;
	const struct many *many;
	struct many_sum *sum;
	struct authz *authz;
	struct slot slots[WINDOW];
	size_t next; /* the first that was not started */
	size_t outstanding;
	int status;
	int error;  /* of the connection; 0: none */
	int broken; /* likewise, but what was outstanding is asked for again */
	struct timespec broken_at;
	bool show;
	struct timespec shown_at;
	struct many_refusal **last;
};

static int64_t since_ms(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - then->tv_sec) * INT64_C(1000) +
	       (now.tv_nsec - then->tv_nsec) / 1000000;
}

static bool takes_request_id(const char *method)
{
	return strcmp(method, "keys.create") == 0 || strcmp(method, "keys.rotate") == 0;
}

/* Does a second one no more than the first? */
static bool is_repeatable(const char *method)
{
	static const char *const switches[] = { "keys.disable", "keys.enable", "keys.revoke",
		"keys.delete", "keys.restore" };

	for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
		if (strcmp(method, switches[i]) == 0) {
			return true;
		}
	}
	return takes_request_id(method);
}

static void worsen(struct run *run, int status)
{
	run->status = status > run->status ? status : run->status;
}

static void show(struct run *run, bool last)
{
	struct timespec now;
	long long passed;

	if (!run->show) {
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	passed = (now.tv_sec - run->shown_at.tv_sec) * 1000000000LL +
		 (now.tv_nsec - run->shown_at.tv_nsec);
	if (last) {
		fputs("\r\033[K", stderr);
	} else if (passed >= PROGRESS_NS) {
		run->shown_at = now;
		fprintf(stderr, "\r\033[K%zu of %zu %s %s", run->sum->done + run->sum->failed,
			run->many->count, run->many->noun, run->many->done);
		fflush(stderr);
	}
}

static void refused(struct run *run, size_t number, const struct authz_reply *reply)
{
	struct app *app = run->app;
	struct wire_str code = { reply->code, strlen(reply->code) };
	struct many_refusal *refusal =
		pol_arena_alloc(&app->arena, sizeof *refusal, alignof(struct many_refusal));

	worsen(run, rpc_exit_status(wire_code_find(code)));
	run->sum->failed++;
	if (refusal == NULL) {
		return;
	}
	*refusal = (struct many_refusal){
		.name = app_text(app, "%s", run->many->name(run->many->context, number)),
		.code = app_text(app, "%s", reply->code),
		.message = app_text(app, "%s", reply->message),
	};
	*run->last = refusal;
	run->last = &refusal->next;
	if (run->sum->failed <= TOLD) {
		show(run, true);
		app_warn(app, "%s: %s: %s", refusal->name, refusal->code, refusal->message);
	}
}

static void on_reply(void *data, int error, const struct authz_reply *reply)
{
	struct slot *slot = data;
	struct run *run = slot->run;

	run->outstanding--;
	if (error == AUTHZ_ECLOSED && is_repeatable(run->many->method)) {
		if (run->broken == 0) {
			run->broken = error;
			clock_gettime(CLOCK_MONOTONIC, &run->broken_at);
		}
		slot->again = true;
		return;
	}
	slot->busy = false;
	if (error == AUTHZ_EREFUSED) {
		refused(run, slot->number, reply);
	} else if (error < 0) {
		run->sum->unknown++;
		run->error = run->error < 0 ? run->error : error;
	} else {
		run->sum->done++;
		run->many->answered(
			run->many->context, slot->number, wire_cursor_of(reply->data, reply->len));
	}
	show(run, false);
}

static struct slot *free_slot(struct run *run)
{
	for (size_t i = 0; i < WINDOW; i++) {
		if (!run->slots[i].busy) {
			return &run->slots[i];
		}
	}
	return NULL;
}

/* Asks for what the slot holds. A status other than EXIT_YES was reported; *out_error is the
 * connection's. */
static int ask(struct run *run, struct slot *slot, int *out_error)
{
	struct params params;
	int status;

	*out_error = 0;
	params_begin(&params);
	status = run->many->fill(run->many->context, slot->number, &params);
	if (status == EXIT_YES) {
		if (takes_request_id(run->many->method)) {
			params_text(&params, "request_id", slot->request_id);
		}
		params_end(&params, run->app);
		*out_error = params.buf.status != WIRE_OK
				     ? AUTHZ_ELIMIT
				     : authz_call_start(run->authz, run->many->method,
					       params.buf.data, params.buf.len, on_reply, slot);
		run->outstanding += *out_error == 0;
	}
	params_finish(&params);
	return status;
}

static int start_one(struct run *run)
{
	struct slot *slot = free_slot(run);
	int error = 0;
	int status;

	*slot = (struct slot){ .run = run, .number = run->next };
	if (authz_request_id(slot->request_id) != AUTHZ_OK) {
		return app_fail(run->app, EXIT_DAEMON, "internal", "no randomness");
	}
	status = ask(run, slot, &error);
	if (status == EXIT_YES) {
		slot->busy = error == 0;
		run->next++;
	}
	if (error < 0) {
		run->error = error;
	}
	return status;
}

/* Asks again for what was outstanding when the connection broke. While the daemon is away it waits
 * a moment; behind the deadline it is an error. */
static int start_again(struct run *run)
{
	int status = EXIT_YES, error = 0;

	for (size_t i = 0; i < WINDOW && status == EXIT_YES; i++) {
		if (run->slots[i].busy && run->slots[i].again) {
			status = ask(run, &run->slots[i], &error);
			if (error != 0) {
				break;
			}
			run->slots[i].again = false;
		}
	}
	if (error == AUTHZ_ECONNECT || error == AUTHZ_ECLOSED) {
		if (since_ms(&run->broken_at) > rpc_timeout(run->app)) {
			run->error = error;
		} else {
			poll(NULL, 0, AGAIN_MS);
		}
	} else if (error != 0) {
		run->error = error;
	} else {
		run->broken = 0;
	}
	return status;
}

/* One round of waiting, sending and receiving. */
static void turn(struct run *run)
{
	struct pollfd fd = { authz_fd(run->authz), authz_events(run->authz), 0 };

	if (poll(&fd, 1, authz_timeout(run->authz)) < 0 && errno != EINTR) {
		run->error = AUTHZ_ECLOSED;
		return;
	}
	authz_process(run->authz);
}

/* The daemon is gone. With --json the document still tells what was done. */
static void end_badly(struct run *run)
{
	struct app *app = run->app;
	bool json = app->want_json;

	app->want_json = false;
	worsen(run, rpc_failed(app, run->error));
	app->want_json = json;
	app->failed = false;
	for (size_t i = 0; i < WINDOW; i++) {
		run->sum->unknown += run->slots[i].busy;
	}
}

int many_run(struct app *app, const struct many *many, struct many_sum *out_sum)
{
	struct run run = { .app = app, .many = many, .sum = out_sum };
	int status = rpc_open(app, &run.authz);

	*out_sum = (struct many_sum){ 0 };
	run.last = &out_sum->refusals;
	if (status != EXIT_YES) {
		return status;
	}
	run.show = isatty(STDERR_FILENO) == 1;
	while (run.error == 0 &&
		(run.outstanding > 0 || run.broken != 0 || run.next < many->count)) {
		if (run.broken != 0 && status == EXIT_YES) {
			status = start_again(&run);
		}
		while (status == EXIT_YES && run.error == 0 && run.broken == 0 &&
			run.next < many->count && run.outstanding < WINDOW) {
			status = start_one(&run);
		}
		if (status != EXIT_YES && run.outstanding == 0) {
			break;
		}
		if (run.error == 0 && run.outstanding > 0) {
			turn(&run);
		}
	}
	show(&run, true);
	worsen(&run, status);
	if (run.error < 0) {
		end_badly(&run);
	}
	if (run.status != EXIT_YES) {
		fprintf(stderr, "authzcheck: %zu of %zu %s %s\n", out_sum->done, many->count,
			many->noun, many->done);
	}
	return run.status;
}

void many_put_refusals(struct app *app, const struct many_sum *sum)
{
	json_key(&app->json, "failed");
	json_open(&app->json, '[');
	for (const struct many_refusal *at = sum->refusals; at != NULL; at = at->next) {
		json_open(&app->json, '{');
		json_pair(&app->json, "id", at->name);
		json_pair(&app->json, "code", at->code);
		json_pair(&app->json, "message", at->message);
		json_close(&app->json, '}');
	}
	json_close(&app->json, ']');
	if (sum->unknown > 0) {
		json_key(&app->json, "unknown");
		json_int(&app->json, (int64_t)sum->unknown);
	}
}
