/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * defer_wait: what a shared store adds to the answer of a change: its place in the log, and whether
 * all hosts have it.
 */

#include <stddef.h>

struct defer;

extern const size_t defer_wait_size; /* bytes of what defer_wait_create allocates */

/* Sets defer->everywhere. 0, or -ENOMEM. */
int defer_wait_create(struct defer *defer);
