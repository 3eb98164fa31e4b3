/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authz_loop_test: what the tests of libauthz's event loop interface share.
 */

#include <poll.h>

#include "tests/client/authz_test.h"

/* What callbacks have noted. */
struct log {
	struct authz *authz;
	int called;
	int allowed;
	int last_error;
	int again;        /* requests that callbacks still have to start */
	bool only_errors; /* only callbacks with an error start them */
	int result;       /* of the last call that a callback made */
	int disconnects;
	int gone_fd;
};

static inline void on_disconnect(void *data, int fd)
{
	struct log *log = data;

	log->disconnects++;
	log->gone_fd = fd;
}

static inline void on_decision(void *data, int error, const struct authz_decision *decision)
{
	struct log *log = data;

	log->called++;
	log->last_error = error;
	log->allowed += decision->verdict == AUTHZ_ALLOW;
	if (error != AUTHZ_OK) {
		cr_expect_eq(decision->verdict, AUTHZ_DENY);
		cr_expect_str_eq(decision->reason, "unavailable");
	}
	if (log->again > 0 && (error != AUTHZ_OK || !log->only_errors)) {
		log->again--;
		log->result = authz_check_start(log->authz, &question, on_decision, log);
	}
}

static inline void on_reply(void *data, int error, const struct authz_reply *reply)
{
	struct log *log = data;

	(void)reply;
	log->called++;
	log->last_error = error;
}

static inline struct authz *loop_client(
	const struct fake_server *server, int timeout_ms, struct log *log)
{
	const struct authz_options options = { .socket = server->path,
		.timeout_ms = timeout_ms,
		.on_disconnect = on_disconnect,
		.data = log };
	struct authz *authz = NULL;

	*log = (struct log){ .gone_fd = -1 };
	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	log->authz = authz;
	return authz;
}

static inline void start(struct authz *authz, struct log *log, int count)
{
	for (int i = 0; i < count; i++) {
		cr_assert_eq(authz_check_start(authz, &question, on_decision, log), AUTHZ_OK);
	}
}

/* Runs the loop until `called` callbacks were called; the last result of authz_process. */
static inline int run(struct authz *authz, const struct log *log, int called)
{
	int r = AUTHZ_OK;

	while (log->called < called) {
		struct pollfd wait = { .fd = authz_fd(authz), .events = authz_events(authz) };
		int timeout = authz_timeout(authz);

		cr_assert_geq(wait.fd, 0);
		cr_assert_geq(timeout, 0);
		cr_assert_geq(poll(&wait, 1, timeout), 0);
		r = authz_process(authz);
	}
	return r;
}
