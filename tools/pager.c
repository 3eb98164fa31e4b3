/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Is there a program of this name in $PATH? */
static bool has_program(struct app *app, const char *name, size_t name_len)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t len = strcspn(path, ":");

		if (len > 0 &&
			access(app_text(app, "%.*s/%.*s", (int)len, path, (int)name_len, name),
				X_OK) == 0) {
			return true;
		}
		path += len + (path[len] == ':');
	}
	return false;
}

/* May the shell find what the command begins with? It alone can judge what is not a plain name. */
static bool may_start(struct app *app, const char *pager)
{
	size_t len = strcspn(pager, " \t");

	if (len == 0 || strcspn(pager, "'\"\\$`~=;&|<>()*?[{!#\n") < len) {
		return true;
	}
	return memchr(pager, '/', len) != NULL
		       ? access(app_text(app, "%.*s", (int)len, pager), X_OK) == 0
		       : has_program(app, pager, len);
}

/* The shell command, or NULL for none. */
static const char *command(struct app *app)
{
	const char *pager = getenv("PAGER");
	const char *term = getenv("TERM");

	if (app->args.given[FLAG_NO_PAGER] || app->want_json || isatty(STDOUT_FILENO) != 1) {
		return NULL;
	}
	if (pager != NULL) {
		if (pager[0] == '\0' || strcmp(pager, "cat") == 0) {
			return NULL;
		}
		if (!may_start(app, pager)) {
			app_warn(app, "$PAGER: cannot start '%.64s': printed without it", pager);
			return NULL;
		}
		return pager;
	}
	return term != NULL && strcmp(term, "dumb") != 0 && has_program(app, "less", 4) ? "less"
											: NULL;
}

/*
 * Leaves at once when all fits on the screen, shows colours, and leaves the text there. Run by
 * sudo, less would give a shell of another user to those who may only read a list: it must
 * start none.
 */
static void run(const char *pager, int in)
{
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	setenv("LESSSECURE", "1", 0);
	if (dup2(in, STDIN_FILENO) == STDIN_FILENO) {
		execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	}
	_exit(127);
}

void pager_begin(struct app *app)
{
	const char *pager = app->pager.pid == 0 ? command(app) : NULL;
	int ends[2];
	pid_t pid;

	if (pager == NULL || fflush(stdout) != 0 || pipe(ends) < 0) {
		return;
	}
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	app->pager.terminal = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	pid = app->pager.terminal < 0 ? -1 : fork();
	if (pid == 0) {
		run(pager, ends[0]);
	}
	close(ends[0]);
	if (pid > 0) {
		/* Ctrl-C is for the pager; when it is left, writing fails. */
		signal(SIGINT, SIG_IGN);
		signal(SIGQUIT, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
		dup2(ends[1], STDOUT_FILENO);
		app->pager.pid = pid;
	}
	close(ends[1]);
}

void pager_end(struct app *app)
{
	pid_t pid = app->pager.pid;
	int status = 0;

	if (pid <= 0) {
		return;
	}
	app->pager.pid = -1;
	if (fflush(stdout) != 0) {
		/* What was not read is not wanted, nor may it appear on the terminal. */
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(nowhere, STDOUT_FILENO);
		close(nowhere);
		fflush(stdout);
		clearerr(stdout);
	}
	dup2(app->pager.terminal, STDOUT_FILENO);
	close(app->pager.terminal);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
		app_warn(app,
			"the pager ended with status %d, perhaps before it read all: --no-pager "
			"prints without it",
			WEXITSTATUS(status));
	}
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
}
