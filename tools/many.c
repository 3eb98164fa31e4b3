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
};

struct run;

struct slot {
	struct run *run;
	size_t number;
	bool busy;
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
	int error; /* of the connection; 0: none */
	bool show;
	struct timespec shown_at;
	struct many_refusal **last;
};

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
		.message = app_text(app, "%s%s%s", reply->param,
			reply->param[0] != '\0' ? ": " : "", reply->message),
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

	slot->busy = false;
	run->outstanding--;
	if (error == AUTHZ_EREFUSED) {
		refused(run, slot->number, reply);
	} else if (error < 0) {
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

static int start_one(struct run *run)
{
	struct slot *slot = free_slot(run);
	struct params params;
	int error = 0;
	int status;

	params_begin(&params);
	status = run->many->fill(run->many->context, run->next, &params);
	if (status == EXIT_YES) {
		params_end(&params, run->app);
		*slot = (struct slot){ run, run->next, true };
		error = params.buf.status != WIRE_OK
				? AUTHZ_ELIMIT
				: authz_call_start(run->authz, run->many->method, params.buf.data,
					  params.buf.len, on_reply, slot);
		slot->busy = error == 0;
		run->outstanding += error == 0;
		run->next++;
	}
	params_finish(&params);
	if (error < 0) {
		run->error = error;
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
	while (run.error == 0 && (run.outstanding > 0 || run.next < many->count)) {
		while (status == EXIT_YES && run.error == 0 && run.next < many->count &&
			run.outstanding < WINDOW) {
			status = start_one(&run);
		}
		if (status != EXIT_YES && run.outstanding == 0) {
			break;
		}
		if (run.error == 0) {
			turn(&run);
		}
	}
	show(&run, true);
	worsen(&run, status);
	if (run.error < 0) {
		worsen(&run, rpc_failed(app, run.error));
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
}
