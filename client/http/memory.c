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

/* Lets jansson call all that it calls for a request. Its library is bound to the C library at the
 * first call of each function, by code that saves the registers on the stack, where a token that
 * was copied last would stay. */
static void bind_functions(void)
{
	static const char whole[] = "{\"a\":[\"\\u00e9\\n\",1,2.5,true,null],\"b\":{}}";
	static const char *const broken[] = { "{\"a\"", "\"\\ud800\"", "[1e999]", "\xff", "[nul]" };
	json_t *value = json_loads(whole, JSON_REJECT_DUPLICATES, NULL);
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	json_error_t error;

	wipe_and_free(text);
	json_decref(value);
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		json_decref(json_loads(broken[i], JSON_DECODE_ANY, &error));
	}
	json_decref(json_pack("{s:s}", "a", "b"));
}

void http_memory_init(void)
{
	/* A confined process cannot open the file from which jansson takes its random seed. */
	json_object_seed(0);
	json_set_alloc_funcs(allocate, wipe_and_free);
	bind_functions();
}
