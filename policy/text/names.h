/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * names: from a name to its number.
 *
 * A fixed-size open-addressing table over names whose count is known beforehand; lives in the
 * arena it was made in, and so do the names it views. Finding is for any thread. Zeroed, it is
 * empty and may be asked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_name_slot {
	struct pol_str text; /* ptr NULL: free */
	uint32_t hash;
	uint32_t number;
};

struct pol_names {
	struct pol_name_slot *slots;
	uint32_t mask;
};

/* Room for `count` names. */
enum pol_status pol_names_init(struct pol_names *names, struct pol_arena *arena, size_t count);

/* Adds a name. Returns its number, or that of the equal name that was there before. Never more
 * names than pol_names_init was told. */
uint32_t pol_names_add(struct pol_names *names, struct pol_str text, uint32_t number);

/* The number, or POL_NONE. */
uint32_t pol_names_find(const struct pol_names *names, struct pol_str text);
