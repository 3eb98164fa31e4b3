/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/passed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/activation.h"

_Static_assert(ACTIVATION_SOCKETS == CONFIG_MAX_LISTENERS, "there is a line for each socket");

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int refuse(const struct activation_socket *socket, const char *why)
{
	fprintf(stderr, "authzd: the supervisor passed the socket %s, named '%s': %s\n",
		socket->path, socket->name, why);
	return -EINVAL;
}

/* The number of lines that this socket may be for, and the last of them. */
static size_t find_lines(const struct config *config, const struct activation_socket *socket,
	bool by_path, size_t *out)
{
	size_t found = 0;

	for (size_t i = 0; i < config->listener_count; i++) {
		const char *path = config->listeners[i].path;

		if (by_path ? strcmp(path, socket->path) == 0
			    : strcmp(last_component(path), socket->name) == 0) {
			*out = i;
			found++;
		}
	}
	return found;
}

static int match(const struct config *config, const struct activation_socket *socket,
	const struct activation_socket **out)
{
	size_t at = 0;
	size_t found = find_lines(config, socket, true, &at);

	if (found == 0) {
		found = find_lines(config, socket, false, &at);
	}
	if (found == 0) {
		return refuse(socket, "no `listen` line has this path, or a path that ends in this "
				      "name (FileDescriptorName=): add the line to authzd.conf");
	}
	if (found > 1 || out[at] != NULL) {
		return refuse(socket, "more than one socket or `listen` line fits: let each socket "
				      "have the path of its line");
	}
	out[at] = socket;
	return 0;
}

int passed_match(const struct config *config, const struct activation *activation,
	const struct activation_socket *out[static CONFIG_MAX_LISTENERS])
{
	int r = 0;

	for (size_t i = 0; i < CONFIG_MAX_LISTENERS; i++) {
		out[i] = NULL;
	}
	for (unsigned i = 0; i < activation->count && r == 0; i++) {
		r = match(config, &activation->sockets[i], out);
	}
	return r;
}
