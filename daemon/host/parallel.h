/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * hands: threads for a moment, for work that falls into pieces.
 *
 * Whoever has the work does it together with at most PARALLEL_MAX - 1 threads, no more than there
 * are cores, which end with it and have its caller's priority. Without a second core, or when no
 * thread can be had, the caller does all alone.
 */

#include <stddef.h>

#define PARALLEL_MAX 4

/* Calls work(argument, i) once for each i below count, the lowest first, and returns when all calls
 * have. As `parallel` of struct pol_host; context is ignored. Any thread. */
void parallel_for(
	void *context, size_t count, void (*work)(void *argument, size_t i), void *argument);
