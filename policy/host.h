/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host: what a policy that is compiled asks of the machine around it.
 *
 * policy/ opens nothing. Whoever has it compiled, the daemon or the tool, answers these questions;
 * one that is NULL has no answer, and what a policy says about it stays unknown. The functions are
 * called by the thread that compiles, while it does.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/status.h"
#include "policy/str.h"

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
};
