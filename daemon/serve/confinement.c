/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/confinement.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/host/confine.h"
#include "daemon/host/log.h"
#include "daemon/host/names.h"
#include "daemon/host/zonefile.h"
#include "daemon/serve/server.h"

int server_start_names(struct server *server)
{
	int r = names_start(&server->names);

	if (r < 0) {
		fprintf(stderr, "authzd: cannot start the process that looks up users: %s\n",
			strerror(-r));
	}
	return r;
}

/* --- files ------------------------------------------------------------------------------------ */

struct limiting {
	struct confine_files files;
	struct confined *confined;
	const char *path; /* of the last rule, for a message */
	bool last_good;   /* the policy folder, or the module folder, may be missing */
};

/* Adds the folder's name to what `status` shows. */
static int note(struct limiting *limiting, const char *name, int result)
{
	if (result == 0) {
		limiting->confined->folders[limiting->confined->folder_count++] = name;
	}
	return result;
}

static int allow(struct limiting *limiting, const char *path, enum confine_use use)
{
	limiting->path = path;
	return confine_files_allow(&limiting->files, path, use);
}

static int allow_replaced(struct limiting *limiting, const char *path)
{
	int r;

	limiting->path = path;
	r = confine_files_allow_replaced(&limiting->files, path);
	if (r == -ENOENT && limiting->last_good) {
		r = confine_files_allow_missing(&limiting->files, path);
		if (r == -ENOENT) {
			log_warn("this folder and the one around it are missing: when they are "
				 "back, only a restart can read them",
				"path=%s", path);
			r = 0;
		}
	}
	return r;
}

/* One that this machine may lack. */
static int allow_if_there(struct limiting *limiting, const char *path)
{
	int r = allow(limiting, path, CONFINE_READ);

	return r == -ENOENT ? 0 : r;
}

/* The folder that holds the file. */
static int allow_folder_of(struct limiting *limiting, const char *path, enum confine_use use)
{
	limiting->path = path;
	return confine_files_allow_folder_of(&limiting->files, path, use);
}

/* The pepper is replaced when it is rotated. */
static int allow_state(struct limiting *limiting, const struct config *config)
{
	size_t len = strlen(config->state);
	int r = note(limiting, "state", allow(limiting, config->state, CONFINE_CHANGE));

	if (r == 0 && (strncmp(config->pepper, config->state, len) != 0 ||
			      strcmp(config->pepper + len, "/pepper") != 0)) {
		r = note(limiting, "pepper",
			allow_folder_of(limiting, config->pepper, CONFINE_CHANGE));
	}
	return r;
}

static int allow_modules(struct limiting *limiting, const struct config *config)
{
	int r = note(limiting, "modules", allow_replaced(limiting, config->modules));

	return r == 0 ? confine_files_allow_libraries(&limiting->files) : r;
}

/* SIGHUP opens the decision log again: the same file, or a new one in its folder. */
static int allow_log(struct limiting *limiting, const char *path)
{
	struct stat stat_of_it;
	bool special = stat(path, &stat_of_it) == 0 && !S_ISREG(stat_of_it.st_mode);
	int r = special ? allow(limiting, path, CONFINE_APPEND)
			: allow_folder_of(limiting, path, CONFINE_APPEND);

	return note(limiting, "log", r);
}

static int allow_all(struct limiting *limiting, const struct server *server)
{
	const struct config *config = server->context.config;
	int r = note(limiting, "policy", allow_replaced(limiting, config->policy));

	if (r == 0) {
		r = allow_state(limiting, config);
	}
	if (r == 0 && config->modules != NULL) {
		r = allow_modules(limiting, config);
	}
	if (r == 0 && config->decision_log != NULL) {
		r = allow_log(limiting, config->decision_log);
	}
	/* A socket that the daemon made is removed at the end. */
	for (size_t i = 0; i < server->listener_count && r == 0; i++) {
		const struct listener *listener = &server->listeners[i];

		r = listener->bound ? allow_folder_of(limiting, listener->path, CONFINE_UNLINK) : 0;
	}
	if (r == 0) {
		r = allow_if_there(limiting, ZONEFILE_FOLDER);
	}
	/* The listener's spare descriptor. */
	return r == 0 ? allow(limiting, "/dev/null", CONFINE_READ) : r;
}

static int limit_files(struct server *server)
{
	struct limiting limiting = { .confined = &server->context.confined,
		.path = "files",
		.last_good = server->kept_at != 0 };
	int r = confine_files_begin(&limiting.files);

	/* The watcher of a shared store limits itself. */
	limiting.files.others = server->context.share != NULL;

	if (r == -EOPNOTSUPP) {
		log_warn("this kernel has no Landlock: files are limited by their owners and modes "
			 "alone",
			"since=5.13");
		return 0;
	}
	if (r == 0) {
		r = allow_all(&limiting, server);
		if (r < 0) {
			confine_files_cancel(&limiting.files);
		} else {
			limiting.path = "files";
			r = confine_files_enter(&limiting.files);
		}
	}
	if (r == -EBUSY) {
		fprintf(stderr, "authzd: cannot confine itself: a module started a thread when it "
				"was loaded: remove that module\n");
	} else if (r < 0) {
		fprintf(stderr, "authzd: cannot confine itself: %s: %s\n", limiting.path,
			strerror(-r));
	} else {
		server->context.confined.files = limiting.files.abi;
	}
	return r;
}

/* --- system calls ----------------------------------------------------------------------------- */

static int limit_calls(struct server *server)
{
	const struct config *config = server->context.config;
	const struct confine_calls needs = {
		.threads = true,
		.this_thread = server->context.share != NULL,
		.files = true,
		.modules = config->modules != NULL,
		.group = config->has_log_group ? &config->log_group : NULL,
	};
	int r = confine_calls(&needs);

	if (r == -EOPNOTSUPP) {
		log_warn("this kernel has no seccomp: system calls are not limited", "since=4.14");
		return 0;
	}
	if (r < 0) {
		fprintf(stderr, "authzd: cannot confine itself: seccomp: %s\n", strerror(-r));
		return r;
	}
	server->context.confined.calls = true;
	return 0;
}

int server_confine(struct server *server)
{
	const struct config *config = server->context.config;
	int r;

	server->context.confined.capabilities = confine_has_capabilities();
	if (config->uid == 0) {
		log_warn("runs as root: name a user of its own in authzd.conf", "line=%s",
			"user NAME");
	}
	if (!config->confine || !confine_is_built()) {
		log_warn("not confined: files and system calls are not limited", "why=%s",
			config->confine ? "a build with a sanitizer or for coverage"
					: "--no-confinement");
		return 0;
	}
	r = limit_files(server);
	return r == 0 ? limit_calls(server) : r;
}
