/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/many.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/authz.h"
#include "tools/everywhere.h"
#include "tools/said.h"

enum {
	WINDOW = 256,            /* outstanding calls: the daemon commits this many at once */
	PROGRESS_NS = 100000000, /* between two lines of progress */
	SHOWN = 20,              /* refusals that are printed one by one */
	AGAIN_MS = 50,           /* between two attempts to reach the daemon again */
};

struct run;

struct slot {
	struct run *run;
	size_t number;
	bool busy;
	bool again; /* busy, and its call is to be repeated */
	char request_id[AUTHZ_REQUEST_ID_SIZE];
};

struct run {
	struct app *app;
	const struct many *many;
	struct authz *authz;
	struct slot slots[WINDOW];
	size_t next; /* the first that was not started */
	bool stopped;
	size_t stopped_at; /* the first that the daemon had no room for, or `next` */
	size_t outstanding;
	int status;
	int error;  /* of the connection; 0: none */
	int broken; /* the same, but outstanding calls are repeated */
	struct timespec broken_at;
	bool show;
	struct timespec shown_at;
	size_t done;
	size_t failed;
	const char *said; /* the refusal that was printed last, when the calls are alike */
	size_t unknown;   /* without an answer when the daemon was gone */
	json_t *items;    /* with --json: the results and the refusals */
	json_t *refusals;
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

/* Does repeating the call change nothing more? */
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
		fprintf(stderr, "\r\033[K%zu of %zu %s", run->done + run->failed, run->many->count,
			run->many->done);
		fflush(stderr);
	}
}

/* No more calls are made, from this one on. */
static void stop(struct run *run, size_t number)
{
	run->stopped_at = run->stopped && run->stopped_at < number ? run->stopped_at : number;
	run->stopped = true;
}

static void refused(struct run *run, size_t number, const char *code, const char *message)
{
	struct app *app = run->app;
	enum wire_code known = wire_code_find((struct wire_str){ code, strlen(code) });
	const char *name = run->many->name(run->many->context, number);

	worsen(run, rpc_exit_status(known));
	run->failed++;
	if (known == WIRE_OVERLOADED || known == WIRE_UNAVAILABLE) {
		stop(run, number);
	}
	if (app->want_json) {
		app_append(app, run->refusals,
			json_pack("{s:o, s:o, s:o}", "id", document_text(name), "code",
				document_text(code), "message", document_text(message)));
	}
	if (run->many->alike) {
		if (run->said != NULL && strcmp(run->said, message) == 0) {
			return;
		}
		run->said = app_text(app, "%s", message);
	}
	if (run->failed <= SHOWN) {
		show(run, true);
		app_warn(app, "%s: %s: %s", name, code, message);
	}
}

static void succeeded(struct run *run, size_t number, const struct authz_reply *reply)
{
	const struct many *many = run->many;
	struct wire_cursor result = wire_cursor_of(reply->data, reply->len);

	run->done++;
	everywhere_read(run->app, result);
	if (run->app->want_json) {
		json_t *item = document_wire(result);

		if (many->mark != NULL) {
			many->mark(many->context, number, item);
		}
		app_append(run->app, run->items, item);
	} else if (many->answered != NULL) {
		many->answered(many->context, number, result);
		/* What cannot be written is noticed at once, not a buffer later. */
		if (fflush(stdout) != 0) {
			stop(run, run->next);
		}
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
		refused(run, slot->number, reply->code,
			said_text(run->app, reply, run->many->method));
	} else if (error < 0) {
		run->unknown++;
		run->error = run->error < 0 ? run->error : error;
	} else {
		succeeded(run, slot->number, reply);
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

/* Starts the slot's call. A status other than EXIT_YES was reported; *out_error is the
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
		everywhere_put(run->app, run->many->method, &params);
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
	const struct many *many = run->many;
	const char *code = "conflict";
	const char *why =
		many->refuse != NULL ? many->refuse(many->context, run->next, &code) : NULL;
	struct slot *slot = free_slot(run);
	int error = 0;
	int status;

	if (why != NULL) {
		refused(run, run->next++, code, why);
		return EXIT_YES;
	}
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

/* Repeats the calls that were outstanding when the connection broke. While the daemon cannot be
 * reached it waits a moment; after the deadline that is an error. */
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

/* The daemon is gone. The document of --json still holds what was done. */
static void end_badly(struct run *run)
{
	struct app *app = run->app;
	bool json = app->want_json;

	app->want_json = false;
	worsen(run, rpc_failed(app, run->error));
	app->want_json = json;
	app->failed = false;
	for (size_t i = 0; i < WINDOW; i++) {
		run->unknown += run->slots[i].busy;
	}
}

/* Until every call was answered, or no more can be. */
static int call_all(struct run *run)
{
	size_t count = run->many->count;
	int status = EXIT_YES;

	while (run->error == 0 && (run->outstanding > 0 || run->broken != 0 ||
					  (run->next < count && !run->stopped))) {
		if (run->broken != 0 && status == EXIT_YES) {
			status = start_again(run);
		}
		while (status == EXIT_YES && run->error == 0 && run->broken == 0 &&
			run->next < count && !run->stopped && run->outstanding < WINDOW) {
			status = start_one(run);
		}
		if (status != EXIT_YES && run->outstanding == 0) {
			break;
		}
		if (run->error == 0 && run->outstanding > 0) {
			turn(run);
		}
	}
	return status;
}

static void put_document(struct run *run)
{
	const struct many *many = run->many;

	app_document(run->app,
		json_pack("{s:o, s:o, s:o*, s:o*}", "items", run->items, "failed", run->refusals,
			"unknown", run->unknown > 0 ? json_integer((json_int_t)run->unknown) : NULL,
			"stopped",
			run->stopped && run->stopped_at < many->count
				? document_text(many->name(many->context, run->stopped_at))
				: NULL));
}

int many_run(struct app *app, const struct many *many)
{
	struct run run = { .app = app, .many = many, .show = isatty(STDERR_FILENO) == 1 };
	int status = rpc_open(app, &run.authz);

	if (status != EXIT_YES) {
		return status;
	}
	run.items = app->want_json ? json_array() : NULL;
	run.refusals = app->want_json ? json_array() : NULL;
	status = call_all(&run);
	show(&run, true);
	worsen(&run, status);
	if (run.error < 0) {
		end_badly(&run);
	}
	if (run.status != EXIT_YES) {
		fprintf(stderr, "authzcheck: %zu of %s %s\n", run.done,
			app_count(app, many->count, "key"), many->done);
	}
	if (run.stopped && run.stopped_at < many->count) {
		fprintf(stderr, "authzcheck: stopped: from %s on there are some that are not %s\n",
			many->name(many->context, run.stopped_at), many->done);
	}
	if (run.status == EXIT_YES && many->sums && !app->want_json) {
		fprintf(stderr, "%s %s\n", app_count(app, run.done, "key"), many->done);
	}
	if (app->want_json) {
		put_document(&run);
	}
	return run.status;
}
