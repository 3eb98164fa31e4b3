/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room to see that there is more. */
enum { TOKEN_BUFFER = APP_TOKEN + 64 };

struct buffer {
	char bytes[TOKEN_BUFFER];
	size_t len;
};

/* A token on its way from where it is read. */
struct token {
	char bytes[APP_TOKEN];
	size_t len; /* 0: none was given */
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

static int take(struct app *app, struct token *out, struct pol_str token, const char *from)
{
	if (token.len == 0) {
		return app_fail(app, EXIT_USAGE, "usage", "%s: the token is empty", from);
	}
	if (token.len > sizeof out->bytes) {
		return app_fail(app, EXIT_USAGE, "usage",
			"%s: longer than 512 bytes, which no token is", from);
	}
	if (!pol_str_is_utf8(token)) {
		return app_fail(app, EXIT_USAGE, "usage", "%s: not a token: no UTF-8", from);
	}
	memcpy(out->bytes, token.ptr, token.len);
	out->len = token.len;
	return EXIT_YES;
}

static int take_from_fd(struct app *app, struct token *out, int fd, const char *from)
{
	struct buffer buffer = { .len = 0 };
	int error = read_some(fd, &buffer);
	int status;

	if (error != 0) {
		status = app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", from, strerror(error));
	} else {
		status = take(app, out, first_line(&buffer), from);
	}
	wire_wipe(&buffer, sizeof buffer);
	return status;
}

static int take_from_file(struct app *app, struct token *out, const char *path)
{
	int status;
	int fd;

	if (strcmp(path, "-") == 0) {
		return take_from_fd(app, out, STDIN_FILENO, "standard input");
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", path, strerror(errno));
	}
	status = take_from_fd(app, out, fd, path);
	close(fd);
	return status;
}

/* From the options, or, if it counts, the environment. */
static int find(struct app *app, bool env_counts, struct token *out)
{
	const char *token = app->args.values[FLAG_TOKEN];
	const char *file = app->args.values[FLAG_TOKEN_FILE];
	const char *env = getenv("AUTHZ_TOKEN");

	out->len = 0;
	if (token != NULL && file != NULL) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--token and --token-file exclude each other");
	}
	if (file != NULL) {
		return take_from_file(app, out, file);
	}
	if (token != NULL && strcmp(token, "-") == 0) {
		return take_from_file(app, out, "-");
	}
	if (token != NULL) {
		if (isatty(STDERR_FILENO) == 1) {
			app_warn(app, "others can read a token on the command line (ps, shell "
				      "history): better --token-file FILE or --token -");
		}
		return take(app, out, pol_str_of(token), "--token");
	}
	if (env != NULL && env[0] != '\0' && env_counts) {
		return take(app, out, pol_str_of(env), "$AUTHZ_TOKEN");
	}
	return EXIT_YES;
}

int token_put(struct app *app, struct params *params, bool *out_given)
{
	struct token token;
	int status = find(app, !app->args.given[FLAG_PRINCIPAL], &token);

	*out_given = status == EXIT_YES && token.len > 0;
	if (*out_given) {
		params_str(params, "token", (struct pol_str){ token.bytes, token.len });
	}
	wire_wipe(&token, sizeof token);
	return status;
}

int token_manage(struct app *app)
{
	bool impersonates = app->args.given[FLAG_IMPERSONATE];
	struct token token;
	int status = find(app, !impersonates, &token);

	if (status == EXIT_YES && impersonates && token.len > 0) {
		status = app_fail(
			app, EXIT_USAGE, "usage", "--impersonate and a token exclude each other");
	}
	if (status == EXIT_YES) {
		memcpy(app->token, token.bytes, token.len);
		app->token_len = token.len;
	}
	wire_wipe(&token, sizeof token);
	return status;
}

int token_leave(struct app *app, const char *what)
{
	if (app->args.given[FLAG_IMPERSONATE]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"%s is for peers that manage, and no principal may: leave out "
			"--impersonate",
			what);
	}
	if (app->args.given[FLAG_TOKEN] || app->args.given[FLAG_TOKEN_FILE]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"%s is for peers that manage, never for a token: leave out --%s", what,
			args_name(app->args.given[FLAG_TOKEN] ? FLAG_TOKEN : FLAG_TOKEN_FILE));
	}
	wire_wipe(app->token, sizeof app->token);
	app->token_len = 0;
	return EXIT_YES;
}
