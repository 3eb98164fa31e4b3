/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * pages: memory for tables that are reserved whole and used as far as they fill. Any thread.
 */

#include <stddef.h>

/* One huge page, where there are any; see mmap(2), madvise(2). */
#define MEMORY_HUGE ((size_t)2 << 20)

/* Zeroes on the bounds of a huge page, that take no memory until they are touched. NULL: there is
 * no room. bytes: a multiple of MEMORY_HUGE. */
void *memory_reserve(size_t bytes);
void memory_release(void *pages, size_t bytes); /* NULL is ignored */

/* The first so many bytes will all be touched, in no order: small pages would miss the TLB each
 * time. Where huge ones cannot be had nothing is lost. */
void memory_make_huge(void *pages, size_t bytes);
