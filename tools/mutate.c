/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mutate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* With fewer mutations for each process, starting it is not worth it. */
#define SHARE 4

/* Between two lines of progress. */
#define PROGRESS_NS 100000000

/* What a process writes; less than PIPE_BUF, so that no two are mixed. */
struct message {
	uint32_t number;
	uint32_t result;
};

/* A process could not compile for lack of memory. */
#define NO_MEMORY UINT32_MAX

struct run {
	struct app *app;
	const struct pol_mutation_base *base;
	const struct pol_mutations *mutations;
	enum pol_mutation_result *results;
	uint32_t *left; /* the numbers of those that must be compiled */
	size_t count;
	size_t done;
	size_t survive;
	int64_t shown; /* when progress was shown last */
	bool progress;
	bool no_memory;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void show_progress(struct run *run)
{
	int64_t now = run->progress ? now_ns() : 0;

	if (run->progress && (now - run->shown > PROGRESS_NS || run->done == run->count)) {
		run->shown = now;
		fprintf(stderr, "\r\033[K%zu of %zu statements left out, %zu not noticed",
			run->done, run->count, run->survive);
	}
}

static void end_progress(const struct run *run)
{
	if (run->progress) {
		fputs("\r\033[K", stderr);
	}
}

static void take(struct run *run, const struct message *message)
{
	if (message->result == NO_MEMORY) {
		run->no_memory = true;
		return;
	}
	run->results[message->number] = (enum pol_mutation_result)message->result;
	run->done++;
	run->survive += message->result == POL_MUTATION_SURVIVES;
	show_progress(run);
}

static struct message try_one(const struct run *run, size_t at)
{
	uint32_t number = run->left[at];
	enum pol_mutation_result result;
	struct message message = { number, NO_MEMORY };

	if (pol_mutation_try(run->base, &run->mutations->items[number], &result) == POL_OK) {
		message.result = (uint32_t)result;
	}
	return message;
}

/* Tries every mutation of this share; never returns. */
static void work(const struct run *run, unsigned share, unsigned shares, int out)
{
	for (size_t at = share; at < run->count; at += shares) {
		struct message message = try_one(run, at);

		/* It fails when the first process has ended. */
		if (write(out, &message, sizeof message) != (ssize_t)sizeof message) {
			_exit(1);
		}
	}
	_exit(0);
}

/* Reads until every process has closed the pipe. */
static void read_all(struct run *run, int in)
{
	struct message messages[64];
	char *bytes = (char *)messages;
	size_t used = 0;
	ssize_t count;

	while ((count = read(in, bytes + used, sizeof messages - used)) != 0) {
		size_t whole;

		if (count < 0 && errno != EINTR) {
			return;
		}
		used += count > 0 ? (size_t)count : 0;
		whole = used / sizeof messages[0];
		for (size_t i = 0; i < whole; i++) {
			take(run, &messages[i]);
		}
		used -= whole * sizeof messages[0];
		for (size_t i = 0; i < used; i++) {
			bytes[i] = bytes[whole * sizeof messages[0] + i];
		}
	}
}

static void run_here(struct run *run)
{
	for (size_t at = 0; at < run->count && !run->no_memory; at++) {
		struct message message = try_one(run, at);

		take(run, &message);
	}
}

static int run_processes(struct run *run, unsigned jobs)
{
	pid_t children[MUTATE_JOBS];
	unsigned started = 0;
	int ends[2];
	int why = 0;

	if (pipe(ends) < 0) {
		return app_fail(run->app, EXIT_DAEMON, "internal", "no pipe can be made");
	}
	fflush(NULL);
	for (; started < jobs && why == 0; started += why == 0) {
		children[started] = fork();
		if (children[started] == 0) {
			close(ends[0]);
			work(run, started, jobs, ends[1]);
		}
		why = children[started] < 0 ? errno : 0;
	}
	close(ends[1]);
	if (why == 0) {
		read_all(run, ends[0]);
	}
	/* The processes that are left when one could not be started end at their next write. */
	close(ends[0]);
	for (unsigned i = 0; i < started; i++) {
		while (waitpid(children[i], NULL, 0) < 0 && errno == EINTR) {
		}
	}
	end_progress(run);
	if (why != 0) {
		return app_fail(run->app, EXIT_DAEMON, "internal",
			"no process can be started: try --jobs 1");
	}
	return EXIT_YES;
}

static int try_left(struct run *run, unsigned jobs)
{
	int status = EXIT_YES;

	if (jobs > run->count / SHARE) {
		jobs = (unsigned)(run->count / SHARE);
	}
	if (jobs > 1) {
		status = run_processes(run, jobs);
	} else {
		run_here(run);
		end_progress(run);
	}
	if (status == EXIT_YES && run->no_memory) {
		status = app_fail(run->app, EXIT_DAEMON, "internal", "out of memory");
	} else if (status == EXIT_YES && run->done < run->count) {
		status = app_fail(run->app, EXIT_DAEMON, "internal",
			"a process ended before it was done: %zu statements were not tried",
			run->count - run->done);
	}
	return status;
}

int mutate_run(struct app *app, const struct pol_mutation_base *base,
	const struct pol_mutations *mutations, unsigned jobs, enum pol_mutation_result *results)
{
	struct run run = { .app = app,
		.base = base,
		.mutations = mutations,
		.results = results,
		.progress = isatty(STDERR_FILENO) == 1 };

	run.left = pol_arena_alloc(&app->arena, mutations->count, sizeof *run.left);
	if (run.left == NULL) {
		return EXIT_DAEMON;
	}
	for (size_t i = 0; i < mutations->count; i++) {
		if (!pol_mutation_known(base, &mutations->items[i], &results[i])) {
			run.left[run.count++] = (uint32_t)i;
		}
	}
	return try_left(&run, jobs);
}
