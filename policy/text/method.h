/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * method: the registered HTTP methods, for suggestions. pol_is_method stands in parse.h.
 */

#include <stddef.h>

#include "policy/language/parse.h"
#include "policy/text/str.h"

size_t pol_method_count(void);

/* In byte order. i is less than the count. */
struct pol_str pol_method_name(size_t i);
