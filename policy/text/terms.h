/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * terms: what stacks are written with, as words: in policies, on the wire and in messages.
 */

#include "policy/decide/trace.h"

/* "authenticate", "required", "allow", "resource". */
const char *pol_group_name(enum pol_group group);
const char *pol_control_name(enum pol_control control);
const char *pol_verdict_name(enum pol_verdict verdict);
const char *pol_stage_name(enum pol_stage stage);
