/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rpc: one call of the daemon after the other, its errors turned into exit statuses.
 *
 * params_begin begins the parameters of a call, which are then put one by one, and rpc_call sends
 * them. The bytes of the result live until the next rpc_call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"
#include "tools/app.h"

struct rpc;

/* The parameters of one call. */
struct params {
	struct wire_buf buf;
	size_t map;
	uint32_t count;
};

void params_begin(struct params *params);
/* After the last one: adds the token of a command that manages by one, and closes the map. */
void params_end(struct params *params, const struct app *app);
/* Wipes them, since a token may be among them. */
void params_finish(struct params *params);

void params_str(struct params *params, const char *name, struct pol_str value);
void params_text(struct params *params, const char *name, const char *value);
void params_int(struct params *params, const char *name, int64_t value);
void params_bin(struct params *params, const char *name, const uint8_t *bytes, size_t len);
void params_nil(struct params *params, const char *name);
void params_bool(struct params *params, const char *name, bool value);

/* The options among `flags`, which FLAG_NONE ends, that were given and stand for a parameter.
 * EXIT_YES, or another status, reported. */
int params_options(struct app *app, struct params *params, const enum flag *flags);

/* The parameter that an option is; NULL: none. */
const char *params_name(enum flag flag);

/*
 * Calls, connecting first if need be, and finishes params in any case. EXIT_YES and *out_result;
 * or another status, reported. `path` of the socket and deadline come from the options.
 */
int rpc_call(
	struct app *app, const char *method, struct params *params, struct wire_cursor *out_result);

/* The same for a call that the run can do without: a failure is not reported, and returns false.
 * rpc_call must have been called before. */
bool rpc_ask(
	struct app *app, const char *method, struct params *params, struct wire_cursor *out_result);

/*
 * From now on calls outlive a daemon that is stopped, restarted or too slow: an attempt that fails
 * is reported once, and repeated after `wait`, until that returns false. rpc_call then returns
 * EXIT_DAEMON, not reported.
 */
void rpc_be_patient(struct app *app, bool (*wait)(void));

/* The handle that rpc_call uses, for many.h, which has more than one call outstanding. It belongs
 * to the run, which closes it. EXIT_YES, or another status, reported. */
struct authz;
int rpc_open(struct app *app, struct authz **out);
/* Reports what a negative AUTHZ_E* means; the exit status. */
int rpc_failed(struct app *app, int error);

/* Reports what the daemon refused, after AUTHZ_EREFUSED; the exit status. */
struct authz_reply;
int rpc_refused(struct app *app, const char *method, const struct authz_reply *reply);

/* --timeout in ms, or its default. EXIT_YES; or EXIT_USAGE, reported. */
int rpc_read_timeout(struct app *app, int *out_ms);

/* The deadline of a call in ms, once rpc_open or rpc_call was called. */
int rpc_timeout(const struct app *app);

/* NULL is ignored. */
void rpc_close(struct rpc *rpc);

/* The exit status for one of the protocol's error codes. */
int rpc_exit_status(enum wire_code code);

/* A method whose answer has a cursor while there is more to fetch: every page is fetched. */
struct pages {
	const char *method;
	/* Puts the parameters beside limit and cursor. EXIT_YES, or another status, reported. NULL:
	 * there are none. */
	int (*fill)(void *context, struct params *params);
	/* One page's result. EXIT_YES to go on. */
	int (*page)(void *context, struct wire_cursor result);
	void *context;
	/* "keys": a page holds at most `limit` of them in `items`, and their count is shown on a
	 * terminal. NULL: the method takes no limit. */
	const char *what;
};
int rpc_pages(struct app *app, const struct pages *pages);
