/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * parallel: a loop whose iterations run in several threads.
 *
 * The caller and up to PARALLEL_MAX - 1 threads do the work, at most one thread for each core. The
 * threads have the caller's priority and end with the loop. With one core, or if no thread can be
 * created, the caller does all of it.
 */

#include <stddef.h>

#define PARALLEL_MAX 4

/* Calls work(argument, i) once for each i below count, the lowest first, and returns when all calls
 * have. For `parallel` of struct pol_host; `context` is ignored. Any thread. */
void parallel_for(
	void *context, size_t count, void (*work)(void *argument, size_t i), void *argument);
