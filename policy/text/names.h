/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * names: a hash table from a name to its number.
 *
 * Open addressing; the size is fixed when the table is made. The table lives in its arena. It keeps
 * views of the names, whose bytes must live as long as the table. pol_names_find is for any thread;
 * on a zeroed table it finds nothing.
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

/* Makes a table for at most `count` names. POL_ENOMEM, POL_ELIMIT. */
enum pol_status pol_names_init(struct pol_names *names, struct pol_arena *arena, size_t count);

/* Adds a name and returns its number. If the table has an equal name, nothing changes and the
 * number of that one is returned. */
uint32_t pol_names_add(struct pol_names *names, struct pol_str text, uint32_t number);

/* The number of the name, or POL_NONE. */
uint32_t pol_names_find(const struct pol_names *names, struct pol_str text);
