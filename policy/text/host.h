/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host: the functions that compiling a policy needs from the daemon or the tool.
 *
 * policy/ opens no file and starts no thread. The program that compiles a policy provides these
 * functions. Each may be NULL: then users, groups and modules of the machine are unknown, and all
 * work is done in one thread. They are called during pol_compile, in its thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_module;

/* Bytes of a message that says why a module or a data file is refused. */
#define POL_HOST_WHY 512

/* A module that is not built in. */
struct pol_host_module {
	const struct pol_module *table; /* one that pol_registry_fits accepts */
	uint64_t hash;                  /* of its code */
	/* Called with the handle when the last snapshot that uses the table is freed, in the thread
	 * that frees it. NULL: nothing is called. */
	void (*release)(void *handle);
	void *handle;
};

struct pol_host {
	void *context;

	/*
	 * The bytes of a time zone's file (RFC 8536); pol_zone_is_name accepts the name.
	 * POL_ENOTFOUND: there is no such zone; POL_EINVALID: it cannot be read; POL_ELIMIT: it is
	 * too large; POL_ENOMEM. The bytes must live until pol_compile returns.
	 */
	enum pol_status (*zone)(void *context, struct pol_str name, struct pol_str *out);

	/* The uid of a user, or the gid of a group. POL_ENOTFOUND: there is no such user or group;
	 * POL_EINVALID: the machine's database of users cannot be read; POL_ENOMEM. */
	enum pol_status (*user)(
		void *context, bool is_group, struct pol_str name, uint32_t *out_id);

	/*
	 * The module of that name. Also called for the names of built-in modules, so that a second
	 * module of such a name is detected. POL_ENOTFOUND: there is none; POL_EINVALID: it is
	 * refused; both fill `why`. POL_ENOMEM.
	 */
	enum pol_status (*module)(void *context, struct pol_str name, struct pol_host_module *out,
		char why[POL_HOST_WHY]);

	/*
	 * The bytes of a module's data file, by a plain name (letters, digits, `.`, `_`, `-`, not
	 * beginning with a dot). They must live until pol_compile returns. POL_ENOTFOUND,
	 * POL_EINVALID and POL_ELIMIT fill `why`; POL_ENOMEM.
	 */
	enum pol_status (*data)(
		void *context, struct pol_str name, struct pol_str *out, char why[POL_HOST_WHY]);

	/*
	 * A module refused its data file, or the file cannot be used. The content that modules took
	 * last, which must live until pol_compile returns: the module is prepared with that one.
	 * POL_ENOTFOUND: there is none, and the module's line denies. NULL: this host keeps none,
	 * and the policy is refused.
	 */
	enum pol_status (*last_data)(void *context, struct pol_str name, struct pol_str *out);
	/* With last_data: called for each such file and module, with what is wrong. */
	void (*data_fault)(
		void *context, struct pol_str name, struct pol_str module, struct pol_str why);
	/* With last_data: a file that is missing, and that no policy ever had, is no mistake of the
	 * policy either. */
	bool data_may_lack;

	/*
	 * Calls work(argument, i) exactly once for each i below count, in any order and in any
	 * threads, and returns when all calls have returned; their writes are then visible to the
	 * caller. The calls do not write shared memory and call none of these functions. NULL: the
	 * work is done in one thread, with the same result.
	 */
	void (*parallel)(void *context, size_t count, void (*work)(void *argument, size_t i),
		void *argument);
};
