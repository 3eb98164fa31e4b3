/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host: what a policy that is compiled asks of the machine around it.
 *
 * policy/ opens nothing. Whoever has it compiled, the daemon or the tool, answers these questions;
 * one that is NULL has no answer, and what a policy says about it stays unknown. The functions are
 * called by the thread that compiles, while it does. policy/ begins no thread either: what can be
 * done side by side it hands over whole (`spread`).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_module;

/* Why a question has no answer, for people. */
#define POL_HOST_WHY 512

/* A module that is none of the built-in ones. */
struct pol_host_module {
	const struct pol_module *table; /* well-formed, its name the one that was asked for */
	uint64_t hash;                  /* of its code */
	/* Called with the handle when nothing uses the table any more, in the thread that lets go.
	 */
	void (*release)(void *handle);
	void *handle;
};

struct pol_host {
	void *context;

	/*
	 * The bytes of a time zone's file (RFC 8536), by its name: one that pol_zone_is_name holds
	 * good. POL_ENOTFOUND: there is none of that name; POL_EINVALID: it cannot be read;
	 * POL_ELIMIT: it is too large; POL_ENOMEM. The bytes live until the policy is compiled.
	 */
	enum pol_status (*zone)(void *context, struct pol_str name, struct pol_str *out);

	/* The number of a user, or of a group. POL_ENOTFOUND: this machine has none of that name;
	 * POL_EINVALID: its users cannot be asked for; POL_ENOMEM. */
	enum pol_status (*user)(
		void *context, bool is_group, struct pol_str name, uint32_t *out_id);

	/*
	 * The module of that name; asked for built-in ones too, so that a second one of a name is
	 * found. POL_ENOTFOUND: there is none; POL_EINVALID: it is refused; both with `why`.
	 * POL_ENOMEM.
	 */
	enum pol_status (*module)(void *context, struct pol_str name, struct pol_host_module *out,
		char why[POL_HOST_WHY]);

	/*
	 * The bytes of a module's data file, by a plain name (letters, digits, `.`, `_`, `-`, not
	 * beginning with a dot). They live until the policy is compiled. POL_ENOTFOUND,
	 * POL_EINVALID and POL_ELIMIT with `why`; POL_ENOMEM.
	 */
	enum pol_status (*data)(
		void *context, struct pol_str name, struct pol_str *out, char why[POL_HOST_WHY]);

	/*
	 * Calls work(argument, i) exactly once for each i below count, in any order and in any
	 * threads, and returns when all calls have; what they wrote is then seen by the caller. The
	 * calls share nothing that one of them writes, and call none of these functions. NULL: all
	 * is done in one thread. What comes of it is the same.
	 */
	void (*spread)(void *context, size_t count, void (*work)(void *argument, size_t i),
		void *argument);
};
