/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rotation_due: scans all keys repeatedly, a slice at a time, for those that are due to be rotated
 * and those that are about to expire. For rotation.c.
 *
 * Each event is logged once, by the first scan after it; the first scan after the start logs all
 * that apply. A scan logs a bounded number of keys by name and counts the others.
 */

#include "daemon/tend/rotation.h"

struct rotation_due;

/* 0 or a negative errno. */
int rotation_due_create(const struct rotation_parts *parts, struct rotation_due **out);
void rotation_due_destroy(struct rotation_due *due); /* NULL is ignored */

/* Scans the next slice. The main thread. */
void rotation_due_tick(struct rotation_due *due);

/* Fills all counts except `dead`. Any thread. */
void rotation_due_count(struct rotation_due *due, struct rotation_counts *out);
