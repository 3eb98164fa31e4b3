/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The protocol's bound for a token as presented, and room to see that there is more. */
enum { TOKEN_MAX = 512, TOKEN_BUFFER = TOKEN_MAX + 64 };

struct buffer {
	char bytes[TOKEN_BUFFER];
	size_t len;
};

static int read_some(int fd, struct buffer *buffer)
{
	while (buffer->len < sizeof buffer->bytes) {
		ssize_t n =
			read(fd, buffer->bytes + buffer->len, sizeof buffer->bytes - buffer->len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return errno;
		}
		if (n == 0) {
			break;
		}
		buffer->len += (size_t)n;
		if (memchr(buffer->bytes, '\n', buffer->len) != NULL) {
			break;
		}
	}
	return 0;
}

/* The first line, its end and a carriage return before that cut. */
static struct pol_str first_line(const struct buffer *buffer)
{
	const char *end = memchr(buffer->bytes, '\n', buffer->len);
	size_t len = end != NULL ? (size_t)(end - buffer->bytes) : buffer->len;

	if (len > 0 && buffer->bytes[len - 1] == '\r') {
		len--;
	}
	return (struct pol_str){ buffer->bytes, len };
}

static int put(struct app *app, struct params *params, struct pol_str token, const char *from)
{
	if (token.len == 0) {
		return app_fail(app, EXIT_USAGE, "usage", "%s: the token is empty", from);
	}
	if (token.len > TOKEN_MAX) {
		return app_fail(app, EXIT_USAGE, "usage",
			"%s: longer than 512 bytes, which no token is", from);
	}
	if (!pol_str_is_utf8(token)) {
		return app_fail(app, EXIT_USAGE, "usage", "%s: not a token: no UTF-8", from);
	}
	params_str(params, "token", token);
	return EXIT_YES;
}

static int put_from_fd(struct app *app, struct params *params, int fd, const char *from)
{
	struct buffer buffer = { .len = 0 };
	int error = read_some(fd, &buffer);
	int status;

	if (error != 0) {
		status = app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", from, strerror(error));
	} else {
		status = put(app, params, first_line(&buffer), from);
	}
	wire_wipe(&buffer, sizeof buffer);
	return status;
}

static int put_from_file(struct app *app, struct params *params, const char *path)
{
	int status;
	int fd;

	if (strcmp(path, "-") == 0) {
		return put_from_fd(app, params, STDIN_FILENO, "standard input");
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", path, strerror(errno));
	}
	status = put_from_fd(app, params, fd, path);
	close(fd);
	return status;
}

int token_put(struct app *app, struct params *params, bool *out_given)
{
	const char *token = app->args.values[FLAG_TOKEN];
	const char *file = app->args.values[FLAG_TOKEN_FILE];
	const char *env = getenv("AUTHZ_TOKEN");

	*out_given = true;
	if (token != NULL && file != NULL) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--token and --token-file exclude each other");
	}
	if (file != NULL) {
		return put_from_file(app, params, file);
	}
	if (token != NULL && strcmp(token, "-") == 0) {
		return put_from_file(app, params, "-");
	}
	if (token != NULL) {
		if (isatty(STDERR_FILENO) == 1) {
			app_warn(app, "others can read a token on the command line (ps, shell "
				      "history): better --token-file FILE or --token -");
		}
		return put(app, params, pol_str_of(token), "--token");
	}
	if (env != NULL && env[0] != '\0' && !app->args.given[FLAG_PRINCIPAL]) {
		return put(app, params, pol_str_of(env), "$AUTHZ_TOKEN");
	}
	*out_given = false;
	return EXIT_YES;
}
