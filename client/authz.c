/* SPDX-License-Identifier: Apache-2.0 */
#include "client/authz.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/authz_handle.h"

#define SYSTEM_SOCKET "/run/authz/authz.sock"
#define MANAGING_NAME "/" AUTHZ_MANAGING_SOCKET

const char *authz_strerror(int error)
{
	switch (error) {
	case AUTHZ_OK:
		return "no error";
	case AUTHZ_ENOMEM:
		return "no memory left";
	case AUTHZ_EINVAL:
		return "an argument is invalid";
	case AUTHZ_ECONNECT:
		return "the daemon's socket cannot be reached";
	case AUTHZ_EPEER:
		return "the socket is served by a user that is not trusted";
	case AUTHZ_ETIMEOUT:
		return "no answer before the deadline";
	case AUTHZ_ECLOSED:
		return "the connection broke";
	case AUTHZ_EPROTO:
		return "the answer is malformed, or no request asked for it";
	case AUTHZ_EREFUSED:
		return "the daemon answered with an error";
	case AUTHZ_ELIMIT:
		return "the request is too large, or too many are outstanding";
	case AUTHZ_EBUSY:
		return "requests are outstanding on this handle, or a callback is running";
	default:
		return "unknown error";
	}
}

static bool is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A variable of the environment; NULL when unset, empty, or in a program with more rights than its
 * caller: setuid, setgid or with file capabilities, for which the kernel sets AT_SECURE. */
static const char *environment(const char *name)
{
	const char *value = getenv(name);

	if (getuid() != geteuid() || getgid() != getegid() || getauxval(AT_SECURE) != 0 ||
		value == NULL || value[0] == '\0') {
		return NULL;
	}
	return value;
}

/* The socket of a daemon that this user runs; returns its length as snprintf does, or -1. */
static int own_socket(char *path, size_t size)
{
	const char *folder = environment("XDG_RUNTIME_DIR");
	const char *below = "/authz/authz.sock";

	if (folder == NULL) {
		folder = environment("XDG_STATE_HOME");
	}
	if (folder == NULL) {
		folder = environment("HOME");
		below = "/.local/state/authz/authz.sock";
	}
	if (folder == NULL) {
		return -1;
	}
	return snprintf(path, size, "%s%s", folder, below);
}

int authz_default_socket(char *out, size_t size)
{
	const char *given = environment("AUTHZ_SOCKET");
	char path[AUTHZ_PATH_SIZE];
	int len;

	if (given != NULL) {
		len = snprintf(path, sizeof path, "%s", given);
	} else if (geteuid() == 0) {
		len = snprintf(path, sizeof path, "%s", SYSTEM_SOCKET);
	} else {
		len = own_socket(path, sizeof path);
		if ((len < 0 || (size_t)len >= sizeof path || !is_socket(path)) &&
			is_socket(SYSTEM_SOCKET)) {
			len = snprintf(path, sizeof path, "%s", SYSTEM_SOCKET);
		}
	}
	if (len < 0 || (size_t)len >= sizeof path || (size_t)len >= size) {
		return AUTHZ_EINVAL;
	}
	memcpy(out, path, (size_t)len + 1);
	return AUTHZ_OK;
}

int authz_managing_socket(char *out, size_t size)
{
	char path[AUTHZ_PATH_SIZE];
	int r = authz_default_socket(path, sizeof path);
	char *name = strrchr(path, '/');

	if (r == AUTHZ_OK && environment("AUTHZ_SOCKET") == NULL && name != NULL &&
		(size_t)(name - path) + sizeof MANAGING_NAME <= sizeof path) {
		memcpy(name, MANAGING_NAME, sizeof MANAGING_NAME);
		if (is_socket(path) && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 &&
			strlen(path) < size) {
			memcpy(out, path, strlen(path) + 1);
			return AUTHZ_OK;
		}
	}
	return authz_default_socket(out, size);
}

static int choose_path(const char *given, char *out)
{
	size_t len;

	if (given == NULL) {
		return authz_default_socket(out, AUTHZ_PATH_SIZE);
	}
	len = strlen(given);
	if (len == 0 || len >= AUTHZ_PATH_SIZE) {
		return AUTHZ_EINVAL;
	}
	memcpy(out, given, len + 1);
	return AUTHZ_OK;
}

/* The user of the environment, unless the options name one. */
static int choose_server(struct authz *authz)
{
	const char *user = environment("AUTHZ_SERVER_USER");

	if (authz->server_uid != 0 || user == NULL) {
		return AUTHZ_OK;
	}
	return authz_find_user(user, &authz->server_uid);
}

int authz_create(const struct authz_options *options, struct authz **out)
{
	static const struct authz_options defaults = { .socket = NULL };
	struct authz *authz;
	int r;

	if (options == NULL) {
		options = &defaults;
	}
	if (out == NULL || options->timeout_ms < 0) {
		return AUTHZ_EINVAL;
	}
	authz = calloc(1, sizeof *authz);
	if (authz == NULL) {
		return AUTHZ_ENOMEM;
	}
	/* No process has this id, so that the first call draws the first request id. */
	authz->pid = -1;
	authz->fd = -1;
	authz_channel_make_own(authz);
	authz_watch_forget(authz);
	authz->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : AUTHZ_DEFAULT_TIMEOUT;
	authz->server = (uid_t)-1;
	authz->server_uid = options->server_uid;
	authz->on_disconnect = options->on_disconnect;
	authz->data = options->data;
	wire_buf_init(&authz->out, WIRE_MAX_RESPONSE);
	/* The walk bounds a message; a receive may bring bytes of the next one after it. */
	wire_buf_init(&authz->in, (size_t)WIRE_MAX_RESPONSE + AUTHZ_RECV_ROOM);
	r = choose_path(options->socket, authz->path);
	if (r == AUTHZ_OK) {
		r = choose_server(authz);
	}
	if (r != AUTHZ_OK) {
		goto fail;
	}
	*out = authz;
	return AUTHZ_OK;

fail:
	authz_destroy(authz);
	return r;
}

void authz_destroy(struct authz *authz)
{
	if (authz == NULL) {
		return;
	}
	authz_channel_close(authz);
	authz_watch_finish(authz);
	authz_channel_drop_own(authz);
	wire_buf_finish(&authz->out);
	wire_buf_finish(&authz->in);
	free(authz->slots);
	free(authz);
}

int authz_connect(struct authz *authz)
{
	int r;

	if (authz == NULL) {
		return AUTHZ_EINVAL;
	}
	r = authz_channel_enter(authz);
	if (r == AUTHZ_OK) {
		r = authz_channel_open(authz, authz_now() + authz->timeout_ms, true);
	}
	if (r == AUTHZ_OK) {
		authz_watch_update(authz);
	}
	return r;
}

int authz_set_timeout(struct authz *authz, int timeout_ms)
{
	if (authz == NULL || timeout_ms < 0) {
		return AUTHZ_EINVAL;
	}
	authz->timeout_ms = timeout_ms != 0 ? timeout_ms : AUTHZ_DEFAULT_TIMEOUT;
	/* The socket's own timeouts are set when a blocking call needs them. */
	authz->timeo_changed = true;
	return AUTHZ_OK;
}

const char *authz_socket(const struct authz *authz)
{
	return authz->path;
}

int authz_errno(const struct authz *authz)
{
	return authz->sys_errno;
}

void authz_refusal(const struct authz *authz, struct authz_reply *out)
{
	*out = (struct authz_reply){ .data = NULL };
	if (authz->refused) {
		out->code = wire_code_name(authz->refusal.code);
		out->message = authz->refusal.message;
		out->param = authz->refusal.param;
	}
}
