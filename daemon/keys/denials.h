/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * denials: how often keys were denied, by reason, since the daemon's start.
 *
 * A table of fixed size that fills as keys are denied; memory that no denial touched is not there.
 * A reason for which it has no room is not counted; the sum of all denials of a key, which
 * usage keeps, stays exact. Any thread, without a lock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/str.h"

struct denials;

#define DENIALS_SLOTS (1 << 16) /* of a key and a reason; 16 bytes each */

/* Beside the reasons of decisions: what a module has of its own, and a secret that is dead. */
#define DENIALS_OTHER "other"
#define DENIALS_DEAD  "dead_secret"

int denials_create(struct denials **out);
void denials_destroy(struct denials *denials); /* NULL is ignored */

/* The reason's number, for the two below. A reason that is not known counts as DENIALS_OTHER. */
uint8_t denials_reason(struct pol_str reason);
unsigned denials_reasons(void); /* how many there are */
struct pol_str denials_name(uint8_t reason);

void denials_add(struct denials *denials, uint64_t number, uint8_t reason);
uint64_t denials_count(const struct denials *denials, uint64_t number, uint8_t reason);
