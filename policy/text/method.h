/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * method: the registered HTTP methods (IANA HTTP Method Registry, RFC 9110). Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/text/str.h"

size_t pol_method_count(void);

/* Method number i, in byte order; i must be less than the count. */
struct pol_str pol_method_name(size_t i);

/* True for a registered method in capitals; methods are case-sensitive. */
bool pol_method_is_registered(struct pol_str word);

/* True for a registered method that only reads, `safe` in the registry (RFC 9110, 9.2.1). */
bool pol_method_is_safe(struct pol_str method);
