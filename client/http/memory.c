/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/memory.h"

#include <malloc.h>
#include <stdlib.h>

#include <jansson.h>

#include "client/wire.h"

/* jansson gives its allocator no argument. */
static size_t used;

bool http_memory_has(size_t size)
{
	return used < HTTP_MEMORY && size <= HTTP_MEMORY - used;
}

bool http_memory_take(size_t size)
{
	if (!http_memory_has(size)) {
		return false;
	}
	used += size;
	return true;
}

void http_memory_give(size_t size)
{
	used -= size;
}

static void wipe_and_free(void *memory)
{
	size_t size;

	if (memory == NULL) {
		return;
	}
	size = malloc_usable_size(memory);
	wire_wipe(memory, size);
	http_memory_give(size);
	free(memory);
}

/* The size that counts is what malloc(3) gives, which may be more than was asked for. */
static void *allocate(size_t size)
{
	void *memory = malloc(size);

	if (memory != NULL) {
		used += malloc_usable_size(memory);
	}
	return memory;
}

void http_memory_init(void)
{
	/* A confined process cannot open the file from which jansson takes its random seed. */
	json_object_seed(0);
	json_set_alloc_funcs(allocate, wipe_and_free);
}
