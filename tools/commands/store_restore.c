/* SPDX-License-Identifier: Apache-2.0 */

/* store restore: finds authzd, which does it, and reports the outcome. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/commands/commands.h"

/* authzd, --restore FILE, two options with values, one without, and the end. */
#define MOST_WORDS 9

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

/* authzd's exit status, 127 when it was not found, -1 when it could not be run. It has our
 * standard output, or with --json standard error in its place. */
static int run_authzd(const struct app *app, const char *const *words)
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

static int judge(struct app *app, int status)
{
	switch (status) {
	case 0:
		break;
	case 1:
		return app_fail(app, EXIT_NO, "conflict",
			"nothing was restored: see the message of authzd");
	case 2:
		return app_fail(app, EXIT_USAGE, "usage", "authzd refused its options");
	case 127:
		return app_fail(app, EXIT_USAGE, "unreadable",
			"authzd was found neither next to this program nor in $PATH");
	default:
		return app_fail(app, EXIT_DAEMON, "internal", "authzd ended abnormally");
	}
	if (app->want_json) {
		app_document(app, json_pack("{s:o, s:b}", "file", document_text(app->args.words[0]),
					  "restored", true));
	}
	return EXIT_YES;
}

static int run(struct app *app)
{
	const char *words[MOST_WORDS] = { "authzd", "--restore", app->args.words[0] };
	size_t count = 3;

	if (app->args.given[FLAG_STATE]) {
		words[count++] = "--state";
		words[count++] = app->args.values[FLAG_STATE];
	}
	if (app->args.given[FLAG_CONFIG]) {
		words[count++] = "--config";
		words[count++] = app->args.values[FLAG_CONFIG];
	}
	if (app->args.given[FLAG_ACCEPT_ROLLBACK]) {
		words[count++] = "--accept-rollback";
	}
	return judge(app, run_authzd(app, words));
}

const struct command command_store_restore = {
	.name = "store restore",
	.words = "FILE",
	.summary = "Put a copy in the store's place, while no daemon runs",
	.text = "Stop the daemon first. The store that is there stays beside the new\n"
		"one, as store.mdb.before; the pepper must be there. A copy that lacks\n"
		"changes which the head of the audit trail knows is refused, for keys\n"
		"that were revoked since would work again: --accept-rollback takes it\n"
		"all the same, and the trail says so.\n",
	.examples = "  systemctl stop authzd\n"
		    "  authzcheck store restore /var/backups/authz-2026-11-22\n",
	.flags = { FLAG_STATE, FLAG_CONFIG, FLAG_ACCEPT_ROLLBACK },
	.min_words = 1,
	.run = run,
};
