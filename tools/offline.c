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

/* Its exit status, 127 when it was not found, -1 when it could not be run. */
static int run(const struct app *app, const char *const *words)
{
	/* execv promises not to write into them. */
	union {
		const char *const *in;
		char *const *out;
	} same = { .in = words };
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		return -1;
	}
	if (child == 0) {
		if (app->want_json) {
			dup2(STDERR_FILENO, STDOUT_FILENO);
		}
		exec_beside(same.out);
		execvp(words[0], same.out);
		_exit(127);
	}
	return wait_for(child);
}

int offline_run(struct app *app, const struct offline *offline)
{
	const char *words[OFFLINE_MAX_WORDS + 6] = { "authzd" };
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
	switch (run(app, words)) {
	case 0:
		return EXIT_YES;
	case 1:
		return app_fail(
			app, EXIT_NO, "conflict", "%s: see the message of authzd", offline->failed);
	case 2:
		return app_fail(app, EXIT_USAGE, "usage", "authzd refused its options");
	case 127:
		return app_fail(app, EXIT_USAGE, "unreadable",
			"authzd was found neither next to this program nor in $PATH");
	default:
		return app_fail(app, EXIT_DAEMON, "internal", "authzd ended abnormally");
	}
}
