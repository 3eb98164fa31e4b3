/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_local: the calls of the console that the program answers itself, without the daemon:
 * `folder.*`, which read the policy folder with the rights of the user who started the program.
 */

#include <jansson.h>

struct http_console_local {
	/*
	 * Answers a call. `method` is as the page sent it ("folder.files"), and `params` is an
	 * object, good until the function returns.
	 *
	 * A new value is returned: {"result": …}, or {"error": {"code": …, "message": …}}, where
	 * `code` is one of the protocol's (unknown_method, invalid_request with "param", not_found,
	 * forbidden, limit_reached, invalid_policy, unavailable, internal) and `message` is one
	 * sentence in English that says what to do. NULL: no memory.
	 *
	 * It is called on the program's only thread, while nothing else is answered: it must end
	 * within a second. The process is confined then: files can be read in and below the policy
	 * folder alone, beside time zones and the folder of modules, nothing can be written, and
	 * no program be started.
	 */
	json_t *(*call)(void *context, const char *method, const json_t *params);
	void *context;
};
