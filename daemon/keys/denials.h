/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * denied: how often keys were denied, by reason, since the daemon's start.
 *
 * A table of fixed size that fills as keys are denied; memory that no denial touched is not there.
 * When it has no room for another key's reason that one is not counted for itself: the sum of
 * denials, which usage keeps, stays exact. Any thread, without a lock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/str.h"

struct denied;

#define DENIED_SLOTS (1 << 16) /* of a key and a reason; 16 bytes each */

/* Beside the reasons of decisions: what a module has of its own, and a secret that is dead. */
#define DENIED_OTHER "other"
#define DENIED_DEAD  "dead_secret"

int denied_create(struct denied **out);
void denied_destroy(struct denied *denied); /* NULL is ignored */

/* The reason's number, for the two below. A reason that is not known counts as DENIED_OTHER. */
uint8_t denied_reason(struct pol_str reason);
unsigned denied_reasons(void); /* how many there are */
struct pol_str denied_name(uint8_t reason);

void denied_add(struct denied *denied, uint64_t number, uint8_t reason);
uint64_t denied_count(const struct denied *denied, uint64_t number, uint8_t reason);
