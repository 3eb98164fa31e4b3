/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * status: how a call in policy/ ended. Zero is success, failures are negative. A verdict is never
 * a status: see pol_verdict in module.h.
 */

enum pol_status {
	POL_OK = 0,
	POL_ENOMEM = -1,   /* the host has no memory left */
	POL_ELIMIT = -2,   /* a bound of ours was reached: the arena's, or a named constant */
	POL_EINVALID = -3, /* the input is wrong; diagnostics, where given, say how */
	POL_ENOTFOUND = -4,
};
