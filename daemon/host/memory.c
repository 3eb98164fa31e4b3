/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>

void *memory_reserve(size_t bytes)
{
	size_t whole = bytes + MEMORY_HUGE;
	uint8_t *mapped = mmap(NULL, whole, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before, after;

	if (mapped == MAP_FAILED) {
		return NULL;
	}
	before = -(uintptr_t)mapped & (MEMORY_HUGE - 1);
	after = whole - before - bytes;
	if (before > 0) {
		munmap(mapped, before);
	}
	if (after > 0) {
		munmap(mapped + before + bytes, after);
	}
	return mapped + before;
}

void memory_release(void *pages, size_t bytes)
{
	if (pages != NULL) {
		munmap(pages, bytes);
	}
}

void memory_make_huge(void *pages, size_t bytes)
{
	(void)madvise(pages, bytes, MADV_HUGEPAGE);
}

/* Without a call of mallopt the threshold grows to the largest block that was freed, and malloc
 * keeps what a reload took. */
void memory_return_large(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

void memory_keep_large(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
}

void memory_return_free(void)
{
	(void)malloc_trim(0);
}
