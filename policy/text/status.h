/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * status: the result codes of functions in policy/. Zero is success, failures are negative. A
 * module's verdict is a type of its own: enum pol_verdict in word.h.
 */

enum pol_status {
	POL_OK = 0,
	POL_ENOMEM = -1,   /* the host has no memory */
	POL_ELIMIT = -2,   /* a limit was reached: the arena's, or a named constant */
	POL_EINVALID = -3, /* the input is wrong; the diagnostics, if passed, say how */
	POL_ENOTFOUND = -4,
};
