/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rotation_due: looks through all keys, again and again, a slice at a time, for those that are to
 * be renewed and those that are about to end. rotation.c is who asks.
 *
 * Each event is told once, by the first look after it; the first look of a daemon tells all that
 * stands. A look tells so many keys by name and counts the rest, so that no log is flooded.
 */

#include "daemon/tend/rotation.h"

struct rotation_due;

int rotation_due_create(const struct rotation_parts *parts, struct rotation_due **out);
void rotation_due_destroy(struct rotation_due *due); /* NULL is ignored */

/* The next slice. One thread. */
void rotation_due_tick(struct rotation_due *due);

/* All but `dead`. Any thread. */
void rotation_due_count(struct rotation_due *due, struct rotation_counts *out);
