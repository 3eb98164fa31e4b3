/* SPDX-License-Identifier: Apache-2.0 */
/* MAP_ANONYMOUS and madvise are not in POSIX. */
#define _DEFAULT_SOURCE

#include "policy/text/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct pol_arena_block {
	struct pol_arena_block *next;
	size_t size; /* of data */
	size_t used;
	size_t mapped; /* bytes of the mapping, header included; 0: allocated from the heap */
	alignas(max_align_t) unsigned char data[];
};

/*
 * A block is as large as all blocks before it, so that a small policy takes one page and a large
 * one few calls. Blocks of FIRST_MAPPED bytes and more are mapped, because the heap of a thread
 * would keep their memory after free. Blocks of HUGE_PAGE bytes and more ask for huge pages: with
 * small pages, half of the time to compile a large policy is spent in page faults.
 */
#define FIRST_BLOCK   ((size_t)4096)
#define FIRST_MAPPED  ((size_t)128 * 1024)
#define HUGE_PAGE     ((size_t)2 * 1024 * 1024)
#define LARGEST_BLOCK (HUGE_PAGE - sizeof(struct pol_arena_block))

void pol_budget_init(struct pol_budget *budget, size_t limit)
{
	atomic_init(&budget->used, 0);
	budget->limit = limit;
}

bool pol_budget_take(struct pol_budget *budget, size_t bytes)
{
	size_t used;

	if (budget == NULL) {
		return true;
	}
	used = atomic_load_explicit(&budget->used, memory_order_relaxed);
	do {
		if (bytes > budget->limit - used) {
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(
		&budget->used, &used, used + bytes, memory_order_relaxed, memory_order_relaxed));
	return true;
}

void pol_budget_give(struct pol_budget *budget, size_t bytes)
{
	if (budget != NULL) {
		atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
	}
}

size_t pol_budget_left(const struct pol_budget *budget)
{
	return budget->limit - atomic_load_explicit(&budget->used, memory_order_relaxed);
}

void pol_arena_init(struct pol_arena *arena, size_t limit)
{
	pol_arena_init_shared(arena, limit, NULL);
}

void pol_arena_init_shared(struct pol_arena *arena, size_t limit, struct pol_budget *budget)
{
	*arena = (struct pol_arena){ .limit = limit, .budget = budget };
}

/* The bytes that a block of `size` bytes takes from the host. */
static size_t block_bytes(size_t size)
{
	size_t total = sizeof(struct pol_arena_block) + size;

	return total < HUGE_PAGE ? total : (total + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

void pol_arena_finish(struct pol_arena *arena)
{
	struct pol_arena_block *block = arena->blocks;

	while (block != NULL) {
		struct pol_arena_block *next = block->next;

		pol_budget_give(arena->budget, block_bytes(block->size));
		if (block->mapped > 0) {
			munmap(block, block->mapped);
		} else {
			free(block);
		}
		block = next;
	}
	*arena = (struct pol_arena){ 0 };
}

size_t pol_arena_bytes(const struct pol_arena *arena)
{
	size_t bytes = 0;

	for (const struct pol_arena_block *at = arena->blocks; at != NULL; at = at->next) {
		bytes += block_bytes(at->size);
	}
	return bytes;
}

static void *fail(struct pol_arena *arena, enum pol_status status)
{
	arena->status = status;
	return NULL;
}

static void *map(size_t size, int more)
{
	void *start =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0);

	return start != MAP_FAILED ? start : NULL;
}

/* Maps size bytes, a multiple of HUGE_PAGE, aligned to HUGE_PAGE: maps more and unmaps both ends.
 * A failure of madvise is ignored; the host has no huge pages then, and small ones serve. */
static struct pol_arena_block *map_huge(size_t size)
{
	unsigned char *start = map(size + HUGE_PAGE, 0);
	size_t before;
	struct pol_arena_block *block;

	if (start == NULL) {
		return NULL;
	}
	before = (HUGE_PAGE - (uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
	if (before > 0) {
		munmap(start, before);
	}
	munmap(start + before + size, HUGE_PAGE - before);
	block = (struct pol_arena_block *)(void *)(start + before);
	(void)madvise(block, size, MADV_HUGEPAGE);
	block->mapped = size;
	return block;
}

/* all: the caller will use all of it. */
static struct pol_arena_block *make_block(size_t size, bool all)
{
	size_t total = block_bytes(size);
	struct pol_arena_block *block;

	if (total < FIRST_MAPPED) {
		return calloc(1, total);
	}
	if (total >= HUGE_PAGE) {
		return map_huge(total);
	}
	/* One call maps all pages, without a page fault for each. */
	block = map(total, all ? MAP_POPULATE : 0);
	if (block != NULL) {
		block->mapped = total;
	}
	return block;
}

/* Is there room for a block of `size` bytes? Counts it in the budget. */
static bool take(const struct pol_arena *arena, size_t size)
{
	/* No limit is near this: block_bytes does not overflow below it. */
	return size <= arena->limit - arena->used && size < SIZE_MAX / 2 &&
	       pol_budget_take(arena->budget, block_bytes(size));
}

static struct pol_arena_block *add_block(struct pol_arena *arena, size_t need)
{
	size_t size = arena->used < FIRST_BLOCK ? FIRST_BLOCK : arena->used;
	struct pol_arena_block *block;

	if (size < arena->min_block) {
		size = arena->min_block;
	}
	if (size > LARGEST_BLOCK) {
		size = LARGEST_BLOCK;
	}
	if (size < need) {
		size = need;
	}
	if (!take(arena, size)) {
		size = need;
		if (!take(arena, size)) {
			return fail(arena, POL_ELIMIT);
		}
	}
	/* A caller that set min_block says so. A block of one array is used whole, too. */
	block = make_block(size, size == arena->min_block || size == need);
	if (block == NULL) {
		pol_budget_give(arena->budget, block_bytes(size));
		return fail(arena, POL_ENOMEM);
	}
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->used += size;
	return block;
}

void *pol_arena_alloc(struct pol_arena *arena, size_t count, size_t size)
{
	struct pol_arena_block *block = arena->blocks;
	size_t align = alignof(max_align_t);
	/* The product of two factors up to this one cannot overflow; the division is slow. */
	const size_t half = SIZE_MAX >> sizeof(size_t) * 4;
	size_t need;
	void *out;

	if ((count | size) > half && size != 0 && count > (SIZE_MAX - align) / size) {
		return fail(arena, POL_ELIMIT);
	}
	need = (count * size + align - 1) / align * align;
	if (need == 0) {
		need = align;
	}
	if (block == NULL || need > block->size - block->used) {
		block = add_block(arena, need);
		if (block == NULL) {
			return NULL;
		}
	}
	out = block->data + block->used;
	block->used += need;
	return out;
}

enum pol_status pol_arena_adopt(struct pol_arena *arena, struct pol_arena *other)
{
	struct pol_arena_block **last = &other->blocks;

	if (other->used > arena->limit - arena->used) {
		return POL_ELIMIT;
	}
	/* The newest block of this arena stays first, as its free bytes are used next. */
	while (*last != NULL) {
		last = &(*last)->next;
	}
	if (arena->blocks == NULL) {
		arena->blocks = other->blocks;
	} else {
		*last = arena->blocks->next;
		arena->blocks->next = other->blocks;
	}
	arena->used += other->used;
	other->blocks = NULL;
	other->used = 0;
	return POL_OK;
}

struct pol_str pol_arena_copy(struct pol_arena *arena, struct pol_str str)
{
	char *copy = pol_arena_alloc(arena, str.len, 1);

	if (copy == NULL) {
		return (struct pol_str){ 0 };
	}
	if (str.len > 0) {
		memcpy(copy, str.ptr, str.len);
	}
	return (struct pol_str){ copy, str.len };
}

void *pol_arena_grow(struct pol_arena *arena, const void *old, size_t used, size_t need,
	size_t size, size_t *capacity)
{
	size_t grown = *capacity < 8 ? 8 : *capacity * 2;
	void *out;

	if (grown < need) {
		grown = need;
	}
	out = pol_arena_alloc(arena, grown, size);
	if (out == NULL) {
		return NULL;
	}
	if (used > 0) {
		memcpy(out, old, used * size);
	}
	*capacity = grown;
	return out;
}
