/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * signals: the main thread alone handles signals, except those of a fault and of a refused call.
 *
 * A thread inherits the mask of the thread that creates it:
 *
 *     signals_block(&before);
 *     r = pthread_create(…);
 *     signals_restore(&before);
 *
 * A signal that another thread may take waits, in a build with the thread sanitizer, until that
 * thread next calls the C library, which is never for one that has nothing to do.
 */

#include <signal.h>

/* Blocks in this thread what the main thread handles. Puts the mask before into *out_before. */
void signals_block(sigset_t *out_before);

/* Takes back the mask that signals_block gave. */
void signals_restore(const sigset_t *before);
