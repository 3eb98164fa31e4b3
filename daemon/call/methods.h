/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * methods: the methods of each noun, for dispatch's table; each array is defined with its handlers
 * in manage/ or decide/ and sorted by name.
 */

#include <stddef.h>

#include "daemon/call/call.h"

extern const struct method authorize_methods[]; /* authorize, authorize_many */
extern const size_t authorize_method_count;
extern const struct method plan_methods[];
extern const size_t plan_method_count;
extern const struct method permissions_methods[];
extern const size_t permissions_method_count;
extern const struct method who_methods[];
extern const size_t who_method_count;
extern const struct method whoami_methods[];
extern const size_t whoami_method_count;
extern const struct method keys_methods[];
extern const size_t keys_method_count;
extern const struct method principals_methods[];
extern const size_t principals_method_count;
extern const struct method assignments_methods[];
extern const size_t assignments_method_count;
extern const struct method roles_methods[];
extern const size_t roles_method_count;
extern const struct method tenants_methods[];
extern const size_t tenants_method_count;
extern const struct method pepper_methods[];
extern const size_t pepper_method_count;
extern const struct method policy_methods[];
extern const size_t policy_method_count;
extern const struct method decisions_methods[];
extern const size_t decisions_method_count;
extern const struct method audit_methods[];
extern const size_t audit_method_count;
extern const struct method store_methods[];
extern const size_t store_method_count;
extern const struct method hosts_methods[];
extern const size_t hosts_method_count;
extern const struct method status_methods[];
extern const size_t status_method_count;
