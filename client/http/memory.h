/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * memory: one bound on what all requests with a body take together: the bodies, the JSON values
 * made of them, which may be eighty times as large, the questions to the daemon, and the answers.
 * Without it a daemon that does not answer, and as many bodies as there are connections, would take
 * gigabytes.
 *
 * One thread.
 */

#include <stdbool.h>
#include <stddef.h>

/* Bytes. Enough for three of the worst bodies at a time, or a thousand of a few kilobytes. */
#define HTTP_MEMORY ((size_t)64 * 1024 * 1024)

/* At most this many bytes of JSON values are made from one byte of a body. */
#define HTTP_MEMORY_VALUES 80

/* From this call on, the memory that jansson allocates is counted, and wiped when it is freed, as
 * it may hold a token. Called once, before any JSON value is made. json_dumps's text is freed by
 * jansson's own function.
 *
 * No allocation of jansson's is refused: jansson 2.14 ignores failures in places, and would make
 * another value of the text. So http_memory_has is called before a body is parsed. */
void http_memory_init(void);

/* Is there room for this many more bytes? */
bool http_memory_has(size_t size);

/* Counts bytes that the caller will allocate. False: they would go beyond the bound, and are not
 * counted. */
bool http_memory_take(size_t size);

/* Uncounts bytes that the caller has freed. */
void http_memory_give(size_t size);
