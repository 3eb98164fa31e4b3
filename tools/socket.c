/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool may_open(const char *path)
{
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static const char *user_name(struct app *app, uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user != NULL ? app_text(app, "%s", user->pw_name) : app_text(app, "uid %u", uid);
}

static const char *group_name(struct app *app, gid_t gid)
{
	const struct group *group = getgrgid(gid);

	return group != NULL ? app_text(app, "%s", group->gr_name) : app_text(app, "gid %u", gid);
}

const char *socket_obstacle(struct app *app, const char *path)
{
	struct stat st;
	bool group;

	if (stat(path, &st) != 0) {
		return errno == EACCES ? app_text(app, "%s may not look into its folder",
						 user_name(app, geteuid()))
				       : "";
	}
	if (may_open(path)) {
		return "";
	}
	group = (st.st_mode & S_IWGRP) != 0;
	return app_text(app,
		"it belongs to %s:%s with mode %04o: run authzcheck as %s%s%s, not as %s",
		user_name(app, st.st_uid), group_name(app, st.st_gid), (unsigned)st.st_mode & 07777,
		user_name(app, st.st_uid), group ? " or in group " : "",
		group ? group_name(app, st.st_gid) : "", user_name(app, geteuid()));
}

/* Notes that there is a socket for managing beside the one that is used. */
static void note_managing(struct socket *socket)
{
	const char *slash = strrchr(socket->path, '/');
	int folder = slash != NULL ? (int)(slash + 1 - socket->path) : 0;
	struct stat st;

	if ((size_t)snprintf(socket->managing, sizeof socket->managing, "%.*s%s", folder,
		    socket->path, AUTHZ_MANAGING_SOCKET) >= sizeof socket->managing ||
		strcmp(socket->managing, socket->path) == 0 || stat(socket->managing, &st) != 0 ||
		!S_ISSOCK(st.st_mode)) {
		socket->managing[0] = '\0';
	}
}

static int choose_path(struct app *app, struct socket *socket)
{
	const char *given = app->args.values[FLAG_SOCKET];
	bool manages = (!app->command->asks || app->args.given[FLAG_OF_KEY]) && app->token_len == 0;
	int r;

	if (given != NULL) {
		if (given[0] == '\0' || strlen(given) >= sizeof socket->path) {
			return app_fail(app, EXIT_USAGE, "usage",
				"--socket: the path is empty, or longer than a socket's may be "
				"(107 bytes)");
		}
		snprintf(socket->path, sizeof socket->path, "%s", given);
		if (manages) {
			note_managing(socket);
		}
		return EXIT_YES;
	}
	r = manages ? authz_managing_socket(socket->path, sizeof socket->path)
		    : authz_default_socket(socket->path, sizeof socket->path);
	if (r < 0) {
		return app_fail(app, EXIT_USAGE, "usage",
			"no socket to ask: give --socket PATH or set AUTHZ_SOCKET");
	}
	if (manages) {
		note_managing(socket);
	}
	return EXIT_YES;
}

static int choose_user(struct app *app, uid_t *out)
{
	const char *user = app->args.values[FLAG_SERVER_USER];
	const char *env = getenv("AUTHZ_SERVER_USER");
	const char *from = user != NULL ? "--server-user" : "$AUTHZ_SERVER_USER";

	if (user == NULL) {
		user = env != NULL && env[0] != '\0' ? env : NULL;
	}
	if (user != NULL && authz_find_user(user, out) < 0) {
		return app_fail(app, EXIT_USAGE, "usage",
			"%s '%.64s': this machine has no such user: write a name or a number", from,
			user);
	}
	return EXIT_YES;
}

int socket_choose(struct app *app, struct socket *socket, struct authz_options *options)
{
	int status;

	*socket = (struct socket){ .path = "" };
	status = choose_path(app, socket);
	if (status == EXIT_YES) {
		status = choose_user(app, &options->server_uid);
	}
	options->socket = socket->path;
	return status;
}
