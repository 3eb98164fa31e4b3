/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * memory: memory for tables that are reserved whole and used as far as they fill. Any thread.
 */

#include <stddef.h>

/* One huge page, where there are any; see mmap(2), madvise(2). */
#define MEMORY_HUGE ((size_t)2 << 20)

/* Zeroes on the bounds of a huge page, that take no memory until they are touched. NULL: there is
 * no room. bytes: a multiple of MEMORY_HUGE. */
void *memory_reserve(size_t bytes);
void memory_release(void *pages, size_t bytes); /* NULL is ignored */

/*
 * What malloc returns to the system. A process starts with memory_return_large: a block of 256 KiB
 * or more is mapped, and unmapped when it is freed. memory_keep_large raises that to 4 MiB once the
 * tables of a daemon are allocated, so that lists which each change allocates and frees (LMDB: 3
 * MiB for a nested transaction) are not mapped each time. memory_return_free gives back what is
 * free by then, after work that took much.
 */
void memory_return_large(void);
void memory_keep_large(void);
void memory_return_free(void);

/* The first so many bytes will all be touched, in no order: small pages would miss the TLB each
 * time. Where huge ones cannot be had nothing is lost. */
void memory_make_huge(void *pages, size_t bytes);
