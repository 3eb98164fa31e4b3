/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config/config.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/peer.h"
#include "policy/language/settings.h"
#include "policy/text/nearest.h"
#include "policy/text/timetext.h"

/* Bytes of all texts of a configuration. */
enum { CONFIG_MEMORY = 4 * 1024 * 1024 };

void config_init(struct config *config)
{
	*config = (struct config){ .uid = geteuid(),
		.gid = getegid(),
		.as_root = geteuid() == 0,
		.watch = true,
		.confine = true };
	pol_arena_init(&config->arena, CONFIG_MEMORY);
}

void config_finish(struct config *config)
{
	pol_arena_finish(&config->arena);
	*config = (struct config){ .policy = NULL };
}

const char *config_copy(struct config *config, struct pol_str text)
{
	char *copy = pol_arena_alloc(&config->arena, text.len + 1, 1);

	if (copy != NULL && text.len > 0) {
		memcpy(copy, text.ptr, text.len);
	}
	return copy;
}

__attribute__((format(printf, 2, 3))) static const char *print(
	struct config *config, const char *format, ...)
{
	char text[4096];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof text) {
		return NULL;
	}
	return config_copy(config, (struct pol_str){ text, (size_t)n });
}

/* An absolute path in a variable; the XDG specification says to ignore a relative one. */
static const char *folder_in(const char *variable)
{
	const char *value = getenv(variable);

	return value != NULL && value[0] == '/' ? value : NULL;
}

static const char *home(void)
{
	const char *value = folder_in("HOME");
	const struct passwd *user;

	if (value != NULL) {
		return value;
	}
	user = getpwuid(geteuid());
	return user != NULL && user->pw_dir[0] == '/' ? user->pw_dir : NULL;
}

static int default_state(struct config *config, char why[static CONFIG_WHY])
{
	const char *folder = folder_in("XDG_STATE_HOME");

	if (geteuid() == 0) {
		config->state = print(config, "/var/lib/authz");
	} else if (folder != NULL) {
		config->state = print(config, "%s/authz", folder);
	} else if ((folder = home()) != NULL) {
		config->state = print(config, "%s/.local/state/authz", folder);
	} else {
		snprintf(why, CONFIG_WHY,
			"there is no $HOME to keep the state in: name a folder with --state DIR");
		return -ENOENT;
	}
	config->state_is_default = true;
	return config->state != NULL ? 0 : -ENOMEM;
}

static int default_listener(struct config *config)
{
	const char *folder = folder_in("XDG_RUNTIME_DIR");
	struct config_listener listener = { .mode = 0600, .decide = true, .manage = true };

	if (geteuid() == 0) {
		listener.path = print(config, "/run/authz/authz.sock");
	} else if (folder != NULL) {
		listener.path = print(config, "%s/authz/authz.sock", folder);
	} else {
		listener.path = print(config, "%s/authz.sock", config->state);
	}
	if (listener.path == NULL) {
		return -ENOMEM;
	}
	config->listeners[config->listener_count++] = listener;
	config->socket_is_default = true;
	return 0;
}

/* The sockets of a daemon that root started for another user are as if that user had started it. */
static void default_owners(struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		struct config_listener *listener = &config->listeners[i];

		if (!listener->has_owner) {
			listener->has_owner = true;
			listener->owner = config->uid;
		}
		if (!listener->has_group && config->uid != geteuid()) {
			listener->has_group = true;
			listener->group = config->gid;
		}
	}
}

/* The machine's name up to the first dot. */
static int default_host(struct config *config, char why[static CONFIG_WHY])
{
	char name[256] = "";
	struct pol_str text = { name, 0 };

	if (gethostname(name, sizeof name - 1) == 0) {
		text.len = strcspn(name, ".");
	}
	if (!config_is_host(text)) {
		snprintf(why, CONFIG_WHY,
			"this machine's name cannot be the name of a host among those that share a "
			"store: write one into authzd.conf: host NAME");
		return -EINVAL;
	}
	config->host = config_copy(config, text);
	return config->host != NULL ? 0 : -ENOMEM;
}

int config_defaults(struct config *config, char why[static CONFIG_WHY])
{
	int r = 0;

	if (config->uid == PEER_OVERFLOW) {
		snprintf(why, CONFIG_WHY,
			"this process is uid 65534, which stands for all users that the kernel "
			"cannot name, such as those of another user namespace: their files would "
			"be taken for its own: start it as a user of its own");
		return -EPERM;
	}
	snprintf(why, CONFIG_WHY, "out of memory");
	if (config->state == NULL) {
		r = default_state(config, why);
	}
	if (r == 0 && config->pepper == NULL) {
		config->pepper = print(config, "%s/pepper", config->state);
		r = config->pepper != NULL ? 0 : -ENOMEM;
	}
	if (r == 0 && config->listener_count == 0) {
		r = default_listener(config);
	}
	default_owners(config);
	if (r == 0 && config->shared != NULL && config->host == NULL) {
		r = default_host(config, why);
	}
	if (r == 0 && config->workers == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);

		config->workers = cores < 1 ? 1 : (unsigned)cores;
		if (config->workers > CONFIG_MAX_WORKERS) {
			config->workers = CONFIG_MAX_WORKERS;
		}
	}
	if (config->connections == 0) {
		config->connections = CONFIG_CONNECTIONS;
	}
	if (config->user_connections == 0) {
		config->user_connections = CONFIG_USER_CONNECTIONS;
	} else if (r == 0 && config->user_connections > config->connections) {
		snprintf(why, CONFIG_WHY,
			"--user-connections %u is more than all connections, %u: lower it, or "
			"raise "
			"--connections",
			config->user_connections, config->connections);
		return -EINVAL;
	}
	if (config->idle == 0) {
		config->idle = CONFIG_IDLE;
	}
	return r == 0 ? config_subuid_read(config, why) : r;
}

/* --- values that options and lines share ------------------------------------------------------ */

bool config_read_workers(struct pol_str text, unsigned *out)
{
	return pol_settings_number(text, 1, CONFIG_MAX_WORKERS, out);
}

bool config_read_connections(struct pol_str text, unsigned *out)
{
	return pol_settings_number(text, CONFIG_MIN_CONNECTIONS, CONFIG_MAX_CONNECTIONS, out);
}

bool config_read_user_connections(struct pol_str text, unsigned *out)
{
	return pol_settings_number(text, 1, CONFIG_MAX_CONNECTIONS, out);
}

bool config_read_idle(struct pol_str text, uint32_t *out)
{
	uint64_t seconds;

	if (pol_timetext_parse_duration(text, &seconds) != POL_OK || seconds == 0 ||
		seconds > CONFIG_MAX_IDLE) {
		return false;
	}
	*out = (uint32_t)seconds;
	return true;
}

bool config_is_host(struct pol_str text)
{
	if (text.len == 0 || text.len > CONFIG_MAX_HOST || text.ptr[0] == '.' ||
		text.ptr[0] == '-') {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
			c != '.' && c != '-' && c != '_') {
			return false;
		}
	}
	return true;
}

const char *config_nearest_option(struct pol_str name, const struct option *options)
{
	struct pol_nearest nearest = pol_nearest_to(name);

	for (; options->name != NULL; options++) {
		pol_nearest_offer(&nearest, pol_str_of(options->name));
	}
	return nearest.best.len > 0 ? nearest.best.ptr : NULL;
}
