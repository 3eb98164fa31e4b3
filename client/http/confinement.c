/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/confinement.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/http/listen.h"
#include "daemon/host/log.h"

static int fail(const char *what, int error)
{
	fprintf(stderr,
		"authz-http: cannot confine itself: %s: %s (--no-confinement does without, for "
		"debugging)\n",
		what, strerror(-error));
	return error;
}

/* Connecting to a Unix socket needs no rule. */
static int limit_files(const struct http_config *config, const struct activation *activation,
	struct confined *confined)
{
	const char *what = "Landlock";
	struct confine_files files;
	int r = confine_files_begin(&files);

	if (r == -EOPNOTSUPP) {
		log_warn("this kernel has no Landlock: files are limited by their owners and modes "
			 "alone",
			"since=5.13");
		return 0;
	}
	if (r < 0) {
		return fail(what, r);
	}
	for (size_t i = 0; i < config->listener_count && r == 0; i++) {
		if (http_listen_is_made(&config->listeners[i], activation)) {
			what = config->listeners[i].path;
			r = confine_files_allow_folder_of(&files, what, CONFINE_UNLINK);
		}
	}
	if (r < 0) {
		confine_files_cancel(&files);
		return fail(what, r);
	}
	r = confine_files_enter(&files);
	if (r < 0) {
		return fail("Landlock", r);
	}
	confined->files = files.abi;
	return 0;
}

static int limit_calls(struct confined *confined)
{
	const struct confine_calls needs = { .connects = true };
	int r = confine_calls(&needs);

	if (r == -EOPNOTSUPP) {
		log_warn("this kernel has no seccomp: system calls are not limited", "since=4.14");
		return 0;
	}
	if (r < 0) {
		return fail("seccomp", r);
	}
	confined->calls = true;
	return 0;
}

int http_confine(const struct http_config *config, const struct activation *activation,
	bool confine, struct confined *out)
{
	int r;

	*out = (struct confined){ .capabilities = confine_has_capabilities() };
	if (!confine || !confine_is_built()) {
		log_warn("not confined: files and system calls are not limited", "why=%s",
			confine ? "a build with a sanitizer or for coverage" : "--no-confinement");
		return 0;
	}
	r = limit_files(config, activation, out);
	if (r == 0) {
		r = limit_calls(out);
	}
	if (r == 0) {
		log_info("confined", "seccomp=%s landlock=%u capabilities=%s",
			out->calls ? "yes" : "no", out->files, out->capabilities ? "some" : "none");
	}
	return r;
}
