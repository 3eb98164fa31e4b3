/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * arena: memory that is freed whole.
 *
 * Zeroed memory handed out from large blocks; nothing is freed singly. The byte limit is the
 * caller's: past it every allocation fails with POL_ELIMIT, so that a policy file cannot eat the
 * host. Not thread-safe. A zeroed arena is empty and may be finished; it must be initialised
 * before use.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_arena_block;

struct pol_arena {
	struct pol_arena_block *blocks; /* newest first */
	size_t used;                    /* bytes asked of the host */
	size_t limit;
	size_t least; /* of a block; 0 is good, more saves those who know what is coming small ones
		       */
	enum pol_status status; /* why an allocation failed: POL_ENOMEM or POL_ELIMIT; sticky */
};

void pol_arena_init(struct pol_arena *arena, size_t limit);
void pol_arena_finish(struct pol_arena *arena);

/* count * size zeroed bytes, aligned for any object. NULL when the limit or the host's memory is
 * reached (arena->status says which) or the product overflows. Zero bytes give a valid pointer. */
void *pol_arena_alloc(struct pol_arena *arena, size_t count, size_t size);

/* Takes over all that the other arena holds, which is empty then. POL_ELIMIT, and nothing is taken,
 * when both together are past the limit. */
enum pol_status pol_arena_adopt(struct pol_arena *arena, struct pol_arena *other);

/* A copy of the text, living as long as the arena. The copy's ptr is NULL only on failure. */
struct pol_str pol_arena_copy(struct pol_arena *arena, struct pol_str str);

/* A vector's growth: an array of at least `need` elements that begins with the `used` old ones.
 * Doubles *capacity. The old array stays in the arena. NULL on failure, *capacity unchanged. */
void *pol_arena_grow(struct pol_arena *arena, const void *old, size_t used, size_t need,
	size_t size, size_t *capacity);
