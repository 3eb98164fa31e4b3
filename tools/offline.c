/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/offline.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where authzd is in an installation and in a build folder, relative to this program. Else it is
 * searched in $PATH. */
static const char *const places[] = { "authzd", "../sbin/authzd", "../daemon/authzd" };

static void exec_beside(char *const *words)
{
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (len <= 0) {
		return;
	}
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL) {
		return;
	}
	*slash = '\0';
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", self, places[i]);
		execv(path, words);
	}
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR) {
			return -1;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Longer lines are cut. */
#define REASON_SIZE 1024

/* The last line that authzd wrote to standard error, without its name. */
struct reason {
	char text[REASON_SIZE];
	size_t len;
	bool ended; /* the next byte begins another line */
};

static void keep_line(struct reason *reason, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] == '\n') {
			reason->ended = true;
			continue;
		}
		if (reason->ended) {
			reason->len = 0;
			reason->ended = false;
		}
		if (reason->len + 1 < sizeof reason->text) {
			reason->text[reason->len++] = bytes[i];
		}
	}
	reason->text[reason->len] = '\0';
}

/* Passes on what the child writes until it ends. */
static void relay(int in, struct reason *reason)
{
	char bytes[4096];
	ssize_t count;

	while ((count = read(in, bytes, sizeof bytes)) != 0) {
		if (count < 0 && errno != EINTR) {
			return;
		}
		if (count > 0) {
			fwrite(bytes, 1, (size_t)count, stderr);
			keep_line(reason, bytes, (size_t)count);
		}
	}
}

static void become(const struct app *app, const char *const *words, int out)
{
	/* execv promises not to write into them. */
	union {
		const char *const *in;
		char *const *out;
	} same = { .in = words };

	dup2(out, STDERR_FILENO);
	if (app->want_json) {
		dup2(out, STDOUT_FILENO);
	}
	close(out);
	exec_beside(same.out);
	execvp(words[0], same.out);
	_exit(127);
}

/* Its exit status, 127 when it was not found, -1 when it could not be run. */
static int run(const struct app *app, const char *const *words, struct reason *reason)
{
	int ends[2];
	pid_t child;

	fflush(NULL);
	if (pipe(ends) < 0) {
		return -1;
	}
	child = fork();
	if (child == 0) {
		close(ends[0]);
		become(app, words, ends[1]);
	}
	close(ends[1]);
	if (child > 0) {
		relay(ends[0], reason);
	}
	close(ends[0]);
	return child > 0 ? wait_for(child) : -1;
}

/* authzd has said why on standard error, before; the document of --json says it again. */
static int report(struct app *app, int status, const char *code, const char *what,
	const struct reason *reason)
{
	const char *why =
		strncmp(reason->text, "authzd: ", 8) == 0 ? reason->text + 8 : reason->text;

	app_fail(app, status, code, "%s: see the message of authzd", what);
	if (app->want_json && why[0] != '\0') {
		app_document_error(app, json_pack("{s:s, s:o}", "code", code, "message",
						document_text(app_text(app, "%s: %s", what, why))));
	}
	return status;
}

int offline_run(struct app *app, const struct offline *offline)
{
	const char *words[OFFLINE_MAX_WORDS + 6] = { "authzd" };
	struct reason reason = { .len = 0 };
	size_t count = 1;

	for (size_t i = 0; i < OFFLINE_MAX_WORDS && offline->words[i] != NULL; i++) {
		words[count++] = offline->words[i];
	}
	if (app->args.given[FLAG_STATE]) {
		words[count++] = "--state";
		words[count++] = app->args.values[FLAG_STATE];
	}
	if (app->args.given[FLAG_CONFIG]) {
		words[count++] = "--config";
		words[count++] = app->args.values[FLAG_CONFIG];
	}
	switch (run(app, words, &reason)) {
	case 0:
		return EXIT_YES;
	case 1:
		return report(app, EXIT_NO, "conflict", offline->failed, &reason);
	case 2:
		return app_fail(app, EXIT_USAGE, "usage", "authzd refused its options");
	case 3:
		return report(app, EXIT_USAGE, "unreadable",
			offline->unchecked != NULL ? offline->unchecked : offline->failed, &reason);
	case 127:
		return app_fail(app, EXIT_USAGE, "unreadable",
			"authzd was found neither next to this program nor in $PATH");
	default:
		return app_fail(app, EXIT_DAEMON, "internal", "authzd ended abnormally");
	}
}
