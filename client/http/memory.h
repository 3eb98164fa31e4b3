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

/* Bytes: three bodies of the worst kind at a time, or a thousand of some kilobytes. */
#define HTTP_MEMORY ((size_t)64 * 1024 * 1024)

/* Bytes that the JSON values take which are made of one byte of a body, at most. */
#define HTTP_MEMORY_VALUES 80

/* From then on the memory that jansson allocates is counted, and is wiped when it is freed, as it
 * may hold a token. To be called once, before any JSON value is made. What json_dumps returns is to
 * be freed by jansson's own function.
 *
 * No allocation of jansson's is refused, because jansson 2.14 ignores that in places and would make
 * another value of the text: http_memory_has is asked before a body is parsed. */
void http_memory_init(void);

/* Is there room for these bytes more? */
bool http_memory_has(size_t size);

/* Counts bytes that the caller will allocate. False: they would go beyond the bound, and are not
 * counted. */
bool http_memory_take(size_t size);

/* Takes them off again. */
void http_memory_give(size_t size);
