/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * method: the registered HTTP methods (IANA registry, RFC 9110 and later).
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/text/str.h"

size_t pol_method_count(void);

/* In byte order. i is less than the count. */
struct pol_str pol_method_name(size_t i);

/* True for a registered method, in capitals. */
bool pol_method_is_registered(struct pol_str word);
