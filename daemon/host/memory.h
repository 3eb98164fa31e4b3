/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * memory: address space for large tables, reserved whole; pages are allocated as the table fills.
 * Any thread.
 */

#include <stddef.h>

/* Bytes of a huge page, where the kernel has them; see mmap(2), madvise(2). */
#define MEMORY_HUGE ((size_t)2 << 20)

/* Zeroed memory, aligned to a huge page; a page takes memory once it is touched. `bytes` is a
 * multiple of MEMORY_HUGE. The caller releases it. NULL: there is no room. */
void *memory_reserve(size_t bytes);
void memory_release(void *pages, size_t bytes); /* NULL is ignored */

/*
 * How much memory malloc keeps. A process starts with memory_return_large: a block of 256 KiB or
 * more is mapped, and unmapped when it is freed. memory_keep_large raises that to 4 MiB once the
 * daemon's tables are allocated, so that lists which each change allocates and frees (LMDB: 3 MiB
 * for a nested transaction) are not mapped each time. memory_return_free returns free memory to the
 * system, after work that needed much.
 */
void memory_return_large(void);
void memory_keep_large(void);
void memory_return_free(void);

/* Asks for huge pages for the first `bytes`, which will all be used at random: with small pages
 * nearly each access would miss the TLB. If the kernel has none, nothing changes. */
void memory_make_huge(void *pages, size_t bytes);
