/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_methods: which methods of the daemon the console passes on, and what HTTP says for the
 * daemon's errors. Pure.
 */

#include <stdbool.h>

#include "client/wire.h"

/* May a call whose connection broke be sent again? */
enum http_console_again {
	HTTP_CONSOLE_ONCE = 0,   /* no */
	HTTP_CONSOLE_READS,      /* yes, it changes nothing */
	HTTP_CONSOLE_REQUEST_ID, /* with the same request_id, which the console adds */
};

enum {
	/* Milliseconds for an answer; a call that reads waits so long for a daemon that is away. */
	HTTP_CONSOLE_READ_TIMEOUT = 5 * 1000,
	/* The daemon answers a change after 5 seconds at the latest, if a database must have it. */
	HTTP_CONSOLE_TIMEOUT = 15 * 1000,
	/* For one that takes as long as the trail or the policy is large, or that waits until all
	 * hosts have it. */
	HTTP_CONSOLE_LONG_TIMEOUT = 120 * 1000,
};

struct http_console_method {
	const char *name;
	enum http_console_again again;
	bool long_work;
};

/* NULL: the console does not pass on this method. */
const struct http_console_method *http_console_find_method(struct wire_str name);

/* Is it a call that the program answers itself? */
bool http_console_is_local(struct wire_str name);

/* The status for an error's code; 500 for an unknown one. */
int http_console_status(struct wire_str code);
