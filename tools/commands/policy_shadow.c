/* SPDX-License-Identifier: Apache-2.0 */

/* policy shadow: a candidate policy beside the one that a daemon runs. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/shadow/report.h"
#include "tools/shadow/shadow.h"
#include "tools/when.h"

/* ms between two calls; none after a call that brought at least MANY decisions. */
#define EVERY 50
#define MANY  64

/* Bytes for the explanation of one decision; a stack of a thousand lines takes a few hundred
 * KiB. */
#define JUDGE_MEMORY ((size_t)4 << 20)

struct watching {
	struct app *app;
	struct shadow shadow;
	struct shadow_report report;
	sigset_t signals;
	char cursor[64];        /* empty: no watch is on */
	int64_t began;          /* ms, monotonic */
	int64_t until;          /* the same; 0: no end */
	int64_t count;          /* 0: no end */
	uint64_t seen, dropped; /* of watches that ended before this one */
	bool ended;
	bool failed; /* no memory */
};

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- one answer ------------------------------------------------------------------------------ */

struct batch {
	struct watching *watching;
	uint32_t items;
	bool refreshed; /* once is enough: what changed again is read with the next batch */
};

static bool on_item(void *context, struct wire_cursor item)
{
	struct batch *batch = context;
	struct watching *watching = batch->watching;
	struct shadow_verdict verdict = { 0 };
	struct pol_arena arena;

	batch->items++;
	if (!batch->refreshed && shadow_is_stale(&watching->shadow, item)) {
		batch->refreshed = true;
		if (shadow_refresh(&watching->shadow) != EXIT_YES) {
			watching->failed = true;
			return false;
		}
	}
	pol_arena_init(&arena, JUDGE_MEMORY);
	watching->failed = !shadow_judge(&watching->shadow, item, &arena, &verdict);
	if (!watching->failed) {
		shadow_report_add(&watching->report, item, &verdict);
	}
	pol_arena_finish(&arena);
	return !watching->failed;
}

/* A copy of the answer, which a refresh would overwrite. */
static int take_answer(struct watching *watching, struct wire_cursor answer, uint32_t *out_items)
{
	struct batch batch = { .watching = watching };
	size_t len = (size_t)(answer.end - answer.ptr);
	uint8_t *bytes = malloc(len > 0 ? len : 1);
	struct wire_cursor copy;

	if (bytes == NULL) {
		return app_fail(watching->app, EXIT_DAEMON, "internal", "out of memory");
	}
	memcpy(bytes, answer.ptr, len);
	copy = wire_cursor_of(bytes, len);
	snprintf(watching->cursor, sizeof watching->cursor, "%.*s",
		POL_STR_ARGS(record_str(copy, "cursor")));
	watching->report.seen = watching->seen + (uint64_t)record_int(copy, "seen", 0);
	watching->report.dropped = watching->dropped + (uint64_t)record_int(copy, "dropped", 0);
	record_each(copy, "items", on_item, &batch);
	free(bytes);
	*out_items = batch.items;
	if (watching->failed && !watching->app->failed) {
		return app_fail(watching->app, EXIT_DAEMON, "internal", "out of memory");
	}
	return watching->failed ? EXIT_DAEMON : EXIT_YES;
}

/* --- the watch ------------------------------------------------------------------------------- */

static int begin(struct watching *watching)
{
	struct wire_cursor answer;
	struct params params;
	uint32_t items;
	int status;

	watching->seen = watching->report.seen;
	watching->dropped = watching->report.dropped;
	params_begin(&params);
	status = rpc_call(watching->app, "decisions.watch", &params, &answer);
	return status == EXIT_YES ? take_answer(watching, answer, &items) : status;
}

static int take(struct watching *watching, bool end, uint32_t *out_items)
{
	struct wire_cursor answer;
	struct params params;

	*out_items = 0;
	params_begin(&params);
	params_text(&params, "cursor", watching->cursor);
	if (end) {
		params_bool(&params, "end", true);
	}
	if (rpc_ask(watching->app, "decisions.watch", &params, &answer)) {
		return take_answer(watching, answer, out_items);
	}
	/* This program was stopped for longer than the daemon waits, or the daemon was. */
	watching->cursor[0] = '\0';
	watching->report.gaps++;
	/* Another daemon begins again to number its snapshots. */
	watching->shadow.as_of = -1;
	return end ? EXIT_YES : begin(watching);
}

/* Waits for the next call; true: it is the last one. */
static bool wait_for_end(struct watching *watching, uint32_t items)
{
	int64_t now = monotonic_ms(), pause = items < MANY ? EVERY : 0;
	struct timespec time;

	if (watching->count > 0 && watching->report.seen >= (uint64_t)watching->count) {
		return true;
	}
	if (watching->until != 0) {
		if (now >= watching->until) {
			return true;
		}
		pause = pause < watching->until - now ? pause : watching->until - now;
	}
	time = (struct timespec){ .tv_nsec = (long)pause * 1000000 };
	return sigtimedwait(&watching->signals, NULL, &time) > 0;
}

static int watch(struct watching *watching)
{
	uint32_t items = 0;
	int status = begin(watching);

	if (status == EXIT_YES) {
		fprintf(stderr, "watching the decisions%s\n",
			watching->until == 0 && watching->count == 0 ? "; Ctrl-C ends" : "");
	}
	while (status == EXIT_YES && !wait_for_end(watching, items)) {
		status = take(watching, false, &items);
	}
	return status == EXIT_YES ? take(watching, true, &items) : status;
}

/* --- the command ----------------------------------------------------------------------------- */

static int read_options(struct watching *watching)
{
	struct app *app = watching->app;
	const char *count = app->args.values[FLAG_COUNT_OF];
	char *end = NULL;
	int64_t seconds;
	int status = EXIT_YES;

	if (count != NULL) {
		errno = 0;
		watching->count = strtol(count, &end, 10);
		if (errno != 0 || end == count || *end != '\0' || watching->count < 1) {
			return app_fail(app, EXIT_USAGE, "usage",
				"--count '%.32s': want a number from 1", count);
		}
	}
	if (app->args.given[FLAG_FOR]) {
		status = when_option_duration(app, FLAG_FOR, &seconds);
		watching->until = status == EXIT_YES ? watching->began + seconds * 1000 : 0;
	}
	return status;
}

static int run(struct app *app)
{
	struct watching watching = { .app = app, .began = monotonic_ms() };
	const uint64_t *found = watching.report.changes;
	int status = read_options(&watching);

	if (status != EXIT_YES) {
		return status;
	}
	shadow_report_init(&watching.report);
	status = shadow_open(app, &watching.shadow);
	if (status == EXIT_YES) {
		int64_t now = monotonic_ms();

		/* A signal ends the watch, and what was found is shown. */
		sigemptyset(&watching.signals);
		sigaddset(&watching.signals, SIGINT);
		sigaddset(&watching.signals, SIGTERM);
		sigprocmask(SIG_BLOCK, &watching.signals, NULL);
		watching.until += watching.until != 0 ? now - watching.began : 0;
		watching.began = now;
		status = watch(&watching);
		watching.report.seconds = (monotonic_ms() - watching.began + 500) / 1000;
		if (status == EXIT_YES || watching.report.seen > 0) {
			shadow_report_show(&watching.shadow, &watching.report);
		}
	}
	if (status == EXIT_YES &&
		found[SHADOW_LOST] + found[SHADOW_GAINED] + found[SHADOW_REASON] > 0) {
		status = EXIT_NO;
	}
	shadow_report_finish(&watching.report);
	shadow_finish(&watching.shadow);
	return status;
}

const struct command command_policy_shadow = {
	.name = "policy shadow",
	.words = "DIR",
	.summary = "Ask a candidate policy what a daemon decides, on live traffic",
	.text = "While it runs, the policy in DIR (a folder, or a git revision as for policy\n"
		"diff) is asked each decision that the daemon makes, with the same facts. At\n"
		"the end - Ctrl-C, --for or --count - it prints how many decisions would\n"
		"differ, by the statements that decide in both policies, by key and by\n"
		"principal, each with a request as an example, and how many it could not\n"
		"judge. The daemon goes on to answer by its own policy, nothing of it is\n"
		"changed, and no caller waits. Exit status 1 when a decision would differ.\n"
		"\n"
		"The running policy is found in the git repository that DIR is in, or is\n"
		"named by --running; it must be the one that the daemon runs. Only root, the\n"
		"daemon's user and peers to which the configuration gives everything may\n"
		"watch decisions.\n",
	.examples = "  authzcheck policy shadow --for 10m policy/\n"
		    "  authzcheck policy shadow --running /etc/authz/policy policy/\n"
		    "  authzcheck policy shadow --count 100000 --json HEAD:policy >found.json\n",
	.flags = { FLAG_FOR, FLAG_COUNT_OF, FLAG_RUNNING, FLAG_MODULES },
	.min_words = 1,
	.run = run,
};
