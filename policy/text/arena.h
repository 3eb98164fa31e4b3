/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * arena: an allocator whose memory is freed all at once.
 *
 * Allocations are zeroed and come from large blocks. The caller sets a limit in bytes; an
 * allocation beyond it fails with POL_ELIMIT, so that a policy file cannot use up the memory of the
 * host. Arenas may have a budget in common. An arena is not thread-safe, a budget is. A zeroed
 * arena may be finished, but must be initialised before use.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_arena_block;

/* Bytes of memory that several arenas and tables may take together. */
struct pol_budget {
	atomic_size_t used;
	size_t limit;
};

void pol_budget_init(struct pol_budget *budget, size_t limit);
/* Counts more bytes. False: they would exceed the limit, and nothing was counted. NULL counts
 * nothing and has no limit. */
bool pol_budget_take(struct pol_budget *budget, size_t bytes);
void pol_budget_give(struct pol_budget *budget, size_t bytes);
/* The bytes that are left. */
size_t pol_budget_left(const struct pol_budget *budget);

struct pol_arena {
	struct pol_arena_block *blocks; /* newest first */
	size_t used;                    /* bytes in all blocks, their headers not counted */
	size_t limit;                   /* of `used` */
	size_t min_block;               /* bytes; the next block is at least as large */
	struct pol_budget *budget;      /* its blocks, headers included, count here too; or NULL */
	enum pol_status status; /* why an allocation failed: POL_ENOMEM or POL_ELIMIT; sticky */
};

void pol_arena_init(struct pol_arena *arena, size_t limit);
/* With a budget, which must outlive the arena or be set to NULL before it ends. */
void pol_arena_init_shared(struct pol_arena *arena, size_t limit, struct pol_budget *budget);
void pol_arena_finish(struct pol_arena *arena);

/* The bytes that all its blocks take from the host, as a budget counts them. */
size_t pol_arena_bytes(const struct pol_arena *arena);

/* count * size zeroed bytes, aligned for any object. Zero bytes give a valid pointer. NULL on
 * failure, and arena->status says why; an overflow of the product is POL_ELIMIT. */
void *pol_arena_alloc(struct pol_arena *arena, size_t count, size_t size);

/* Moves all blocks of `other`, which has the same budget, to `arena`; `other` is empty afterwards.
 * POL_ELIMIT: both together exceed the limit of `arena`, and nothing was moved. */
enum pol_status pol_arena_adopt(struct pol_arena *arena, struct pol_arena *other);

/* A copy of the text that lives as long as the arena. Its ptr is NULL on failure only. */
struct pol_str pol_arena_copy(struct pol_arena *arena, struct pol_str str);

/* Grows a vector: returns an array of at least `need` elements of `size` bytes, the first `used` of
 * them copied from `old`. Sets *capacity, to twice its value or more. The old array stays in the
 * arena. NULL on failure; *capacity is unchanged then. */
void *pol_arena_grow(struct pol_arena *arena, const void *old, size_t used, size_t need,
	size_t size, size_t *capacity);
