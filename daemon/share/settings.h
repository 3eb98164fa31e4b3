/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * settings: what `store.set` puts, the same on all hosts: names and texts in the store. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/share/lease.h"
#include "policy/text/str.h"

#define SHARE_SET_MAX_LAG  "max_lag"  /* milliseconds, in decimal */
#define SHARE_SET_STANDBYS "standbys" /* `synchronous` or `none` */
#define SHARE_SET_POLICY   "policy"   /* a revision */

/* In ms. A host looks once a second, so less would make hosts stale that are well; a host that may
 * be a day behind is a mistake. */
#define SHARE_LEAST_MAX_LAG 1000
#define SHARE_MOST_MAX_LAG  86400000

/* False: it is no such value. */
bool share_parse_max_lag(struct pol_str text, uint64_t *out_ms);
bool share_parse_standbys(struct pol_str text, enum share_standbys *out);
const char *share_standbys_name(enum share_standbys standbys);
