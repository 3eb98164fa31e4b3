/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/git.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The line with which cat-file begins an object: its name, its type, its size. */
#define HEADER 256

#define PARTIAL_CLONE "this clone lacks objects: complete it by `git fetch --refetch --no-filter`"

extern char **environ;

__attribute__((format(printf, 3, 4))) static int refuse(
	char *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, GIT_WHY, format, args);
	va_end(args);
	return error;
}

/* What git finds in its environment: English, and that it must not fetch. A clone may lack objects
 * that git would fetch by a command which the clone's own configuration names. */
static const char *const settings[] = { "LC_ALL=C", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=" };

#define SETTINGS (sizeof settings / sizeof settings[0])

static bool is_setting(const char *variable)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		if (strncmp(variable, settings[i], strcspn(settings[i], "=") + 1) == 0) {
			return true;
		}
	}
	return false;
}

/* The environment with the settings. The list is to be freed, the strings are not. */
static const char **make_environment(void)
{
	size_t count = 0, used = 0;
	const char **out;

	while (environ[count] != NULL) {
		count++;
	}
	out = calloc(count + SETTINGS + 1, sizeof *out);
	for (size_t i = 0; out != NULL && i < count; i++) {
		if (!is_setting(environ[i])) {
			out[used++] = environ[i];
		}
	}
	for (size_t i = 0; out != NULL && i < SETTINGS; i++) {
		out[used++] = settings[i];
	}
	return out;
}

/* The descriptors of a child; -1: /dev/null. All others are closed on exec. */
struct ends {
	int in, out, err;
};

static int add_file(posix_spawn_file_actions_t *actions, int fd, int as)
{
	return fd < 0 ? posix_spawn_file_actions_addopen(actions, as, "/dev/null", O_RDWR, 0)
		      : posix_spawn_file_actions_adddup2(actions, fd, as);
}

static int spawn(
	const char *folder, const char *const *words, struct ends ends, pid_t *out_child, char *why)
{
	const char *all[GIT_WORDS + 4] = { "git", "-C", folder };
	const char **environment = make_environment();
	/* posix_spawnp promises not to write into them. */
	union {
		const char *const *in;
		char *const *out;
	} arguments = { .in = all }, variables = { .in = environment };
	posix_spawn_file_actions_t actions;
	int error;

	for (size_t i = 0; i < GIT_WORDS && words[i] != NULL; i++) {
		all[3 + i] = words[i];
	}
	if (environment == NULL || posix_spawn_file_actions_init(&actions) != 0) {
		free(environment);
		return refuse(why, -ENOMEM, "out of memory");
	}
	error = add_file(&actions, ends.in, STDIN_FILENO);
	error = error != 0 ? error : add_file(&actions, ends.out, STDOUT_FILENO);
	error = error != 0 ? error : add_file(&actions, ends.err, STDERR_FILENO);
	error = error != 0 ? error
			   : posix_spawnp(out_child, "git", &actions, NULL, arguments.out,
				     variables.out);
	posix_spawn_file_actions_destroy(&actions);
	free(environment);
	if (error == ENOENT) {
		return refuse(why, -ENOENT, "git is not installed, or not in $PATH");
	}
	return error == 0 ? 0 : refuse(why, -error, "git cannot be run: %s", strerror(error));
}

/* Its exit status, or -1. */
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

static int make_pipe(int ends[2])
{
	if (pipe(ends) < 0) {
		return -1;
	}
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	return 0;
}

/* Everything up to the end, with a NUL after it. -EFBIG, -ENOMEM or another negative errno. */
static int read_all(int fd, char **out, size_t *out_len)
{
	size_t capacity = 64 * 1024, len = 0;
	char *bytes = malloc(capacity);
	ssize_t count = bytes != NULL ? 1 : 0;

	while (bytes != NULL && count != 0) {
		count = read(fd, bytes + len, capacity - len - 1);
		if (count < 0 && errno != EINTR) {
			int error = -errno;

			free(bytes);
			return error;
		}
		len += count > 0 ? (size_t)count : 0;
		if (len > GIT_OUTPUT) {
			free(bytes);
			return -EFBIG;
		}
		if (capacity - len == 1) {
			char *grown = realloc(bytes, capacity * 2);

			if (grown == NULL) {
				free(bytes);
			}
			bytes = grown;
			capacity *= 2;
		}
	}
	if (bytes == NULL) {
		return -ENOMEM;
	}
	bytes[len] = '\0';
	*out = bytes;
	*out_len = len;
	return 0;
}

/* Does git say that it wanted to fetch? Old versions name the transport. */
static bool is_about_fetching(const char *line)
{
	return strstr(line, "lazy fetching disabled") != NULL ||
	       (strstr(line, "transport '") != NULL && strstr(line, "' not allowed") != NULL);
}

/* The first line of what git wrote to standard error, without "fatal: ". */
static int read_reason(FILE *file, char *why)
{
	char line[GIT_WHY];
	char *text = line;

	rewind(file);
	if (fgets(line, sizeof line, file) == NULL) {
		return refuse(why, -EINVAL, "git failed without a message");
	}
	line[strcspn(line, "\n")] = '\0';
	if (is_about_fetching(line)) {
		return refuse(why, -ENODATA, PARTIAL_CLONE);
	}
	if (strncmp(text, "fatal: ", 7) == 0 || strncmp(text, "error: ", 7) == 0) {
		text += 7;
	}
	if (strncmp(text, "detected dubious ownership", 26) == 0) {
		return refuse(why, -EINVAL,
			"%s, which is another user's: `git config --global --add "
			"safe.directory` and its path, if you trust it",
			text);
	}
	return refuse(why, -EINVAL, "%s", text);
}

int git_run(const char *folder, const char *const *words, char **out, size_t *out_len,
	char why[static GIT_WHY])
{
	FILE *messages = tmpfile();
	int ends[2] = { -1, -1 };
	char *bytes = NULL;
	size_t len = 0;
	pid_t child = -1;
	int r, status;

	if (messages == NULL || make_pipe(ends) < 0) {
		r = refuse(why, -errno, "no pipe or file for git: %s", strerror(errno));
		goto end;
	}
	fcntl(fileno(messages), F_SETFD, FD_CLOEXEC);
	r = spawn(folder, words, (struct ends){ -1, ends[1], fileno(messages) }, &child, why);
	close(ends[1]);
	ends[1] = -1;
	if (r < 0) {
		goto end;
	}
	r = read_all(ends[0], &bytes, &len);
	close(ends[0]);
	ends[0] = -1;
	status = wait_for(child);
	if (r < 0) {
		refuse(why, r, "what git prints cannot be read: %s", strerror(-r));
	} else if (status != 0) {
		r = read_reason(messages, why);
		free(bytes);
	} else {
		*out = bytes;
		*out_len = len;
	}

end:
	if (ends[0] >= 0) {
		close(ends[0]);
	}
	if (messages != NULL) {
		fclose(messages);
	}
	return r;
}

int git_blobs_open(struct git_blobs *blobs, const char *folder, char why[static GIT_WHY])
{
	static const char *const words[] = { "cat-file", "--batch", NULL };
	int in[2], out[2];
	int r;

	/* A socket, so that writing to a git that has ended is an error and no signal. */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, in) < 0) {
		return refuse(why, -errno, "no socket for git: %s", strerror(errno));
	}
	if (make_pipe(out) < 0) {
		r = refuse(why, -errno, "no pipe for git: %s", strerror(errno));
		close(in[0]);
		close(in[1]);
		return r;
	}
	fcntl(in[0], F_SETFD, FD_CLOEXEC);
	fcntl(in[1], F_SETFD, FD_CLOEXEC);
	r = spawn(folder, words, (struct ends){ in[1], out[1], -1 }, &blobs->child, why);
	close(in[1]);
	close(out[1]);
	blobs->in = in[0];
	blobs->out = out[0];
	if (r < 0) {
		blobs->child = 0;
		close(in[0]);
		close(out[0]);
	}
	return r;
}

void git_blobs_close(struct git_blobs *blobs)
{
	if (blobs->child > 0) {
		close(blobs->in);
		close(blobs->out);
		wait_for(blobs->child);
		blobs->child = 0;
	}
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t count = send(fd, bytes, len, MSG_NOSIGNAL);

		if (count < 0 && errno != EINTR) {
			return false;
		}
		bytes += count > 0 ? count : 0;
		len -= count > 0 ? (size_t)count : 0;
	}
	return true;
}

static bool read_exactly(int fd, char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t count = read(fd, bytes, len);

		if (count == 0 || (count < 0 && errno != EINTR)) {
			return false;
		}
		bytes += count > 0 ? count : 0;
		len -= count > 0 ? (size_t)count : 0;
	}
	return true;
}

/* Reads a line without its end, a byte at a time, since the object's bytes follow. */
static bool read_line(int fd, char line[static HEADER])
{
	for (size_t i = 0; i < HEADER; i++) {
		if (!read_exactly(fd, &line[i], 1)) {
			return false;
		}
		if (line[i] == '\n') {
			line[i] = '\0';
			return true;
		}
	}
	return false;
}

int git_blobs_read(struct git_blobs *blobs, const char *name, size_t most, char **out,
	size_t *out_len, char why[static GIT_WHY])
{
	char line[HEADER];
	const char *space;
	char *end, *bytes;
	unsigned long long size;

	if (!write_all(blobs->in, name, strlen(name)) || !write_all(blobs->in, "\n", 1) ||
		!read_line(blobs->out, line)) {
		return refuse(why, -EIO, "git ended before it gave object %s", name);
	}
	space = strrchr(line, ' ');
	if (space != NULL && strcmp(space, " missing") == 0) {
		return refuse(why, -ENODATA, PARTIAL_CLONE);
	}
	if (strstr(line, " blob ") == NULL || space == NULL) {
		return refuse(why, -EINVAL, "git has no file for object %s", name);
	}
	errno = 0;
	size = strtoull(space + 1, &end, 10);
	if (errno != 0 || *end != '\0' || size > most) {
		return refuse(why, -EFBIG, "it is larger than %zu MiB: split it", most >> 20);
	}
	bytes = malloc((size_t)size + 2);
	if (bytes == NULL) {
		return refuse(why, -ENOMEM, "out of memory");
	}
	/* The object, and a new line. */
	if (!read_exactly(blobs->out, bytes, (size_t)size + 1)) {
		free(bytes);
		return refuse(why, -EIO, "git ended within object %s", name);
	}
	bytes[size] = '\0';
	*out = bytes;
	*out_len = (size_t)size;
	return 0;
}
