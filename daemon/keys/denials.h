/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * denials: counts how often keys were denied, by reason, since the daemon's start.
 *
 * The table has a fixed size; its pages take memory when they are first used. When it has no room
 * for another pair of key and reason, denials of that pair are not counted here; the sum of
 * denials, which usage keeps, is exact. Any thread may call these functions; there is no lock.
 *
 * It is neither a key_table nor one of lines of seqlock.h: most keys are never denied, and a line
 * for each would need a word for each reason. A slot is two words that never disagree: the first is
 * written once, and the second only grows, by one instruction.
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
uint8_t denials_dead(void);     /* that of DENIALS_DEAD, without a search */
unsigned denials_reasons(void); /* how many there are */
struct pol_str denials_name(uint8_t reason);

void denials_add(struct denials *denials, uint64_t number, uint8_t reason);
uint64_t denials_count(const struct denials *denials, uint64_t number, uint8_t reason);
