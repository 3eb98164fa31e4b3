/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/compare_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file without a name that holds the text, or NULL. */
static FILE *hold(struct pol_str text)
{
	FILE *file = tmpfile();

	if (file != NULL &&
		(fwrite(text.ptr, 1, text.len, file) != text.len || fflush(file) != 0)) {
		fclose(file);
		return NULL;
	}
	return file;
}

/* In the child. It opens the files again by these names, and so reads from their beginning. */
static void become(const char *name, int before, int after)
{
	char a[32], b[32];

	snprintf(a, sizeof a, "/dev/fd/%d", before);
	snprintf(b, sizeof b, "/dev/fd/%d", after);
	execlp("diff", "diff", "-u", "--label", name, "--label", name, a, b, (char *)NULL);
	_exit(127);
}

/* diff's exit status: 1 when the texts differ. -1: it could not be run. */
static int run(const char *name, FILE *before, FILE *after)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		become(name, fileno(before), fileno(after));
	}
	while (child > 0 && waitpid(child, &status, 0) < 0) {
		if (errno != EINTR) {
			return -1;
		}
	}
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int compare_text_print(
	struct app *app, const char *name, struct pol_str before, struct pol_str after)
{
	FILE *old = hold(before), *new = hold(after);
	int got = old != NULL && new != NULL ? run(name, old, new) : -1;

	if (old != NULL) {
		fclose(old);
	}
	if (new != NULL) {
		fclose(new);
	}
	if (got == 0 || got == 1) {
		return EXIT_YES;
	}
	return app_fail(app, EXIT_USAGE, "unreadable",
		got == 127 ? "diff(1) was not found in $PATH" : "diff(1) could not be run");
}
