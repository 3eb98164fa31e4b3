/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * marks: what was done on this host alone is done in the log of a shared store, by jobs of the
 * writer, once the log can be reached: keys that are marked (store/shared.h) and principals whose
 * last changes the log lost are ended, and a host's join is entered in the trail.
 *
 * The mark of a key that is not there is dropped, once the log is read to its end. A job that fails
 * is tried again at the next tick, and marks hold meanwhile.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/store/record.h"

struct marks;
struct store;
struct writer;

/* 0 or a negative errno. Store and writer must outlive it, but the writer's thread must have ended
 * before it is destroyed. */
int marks_create(struct store *store, struct writer *writer, struct marks **out);
/* Begins a job if any key is marked and none runs. Any thread. NULL is ignored. */
void marks_tick(struct marks *marks);
/* No job is submitted from then on. NULL is ignored. */
void marks_stop(struct marks *marks);
/* NULL is ignored. */
void marks_destroy(struct marks *marks);

/* Enters into the trail of all hosts that this one shared the store, joined, left or began again,
 * in a job: `action` is a constant, `host` is copied. What was done is done, also when the log
 * cannot be reached; then the entry is missing, and the daemon's log says so. */
struct peer;
void marks_enter(
	struct marks *marks, const struct peer *peer, const char *action, const char *host);

struct marks_principal {
	uint32_t tenant;
	char id[STORE_MAX_NAME];
	size_t len;
};
/* Disables principals in the log, in one job; one that does not exist is skipped. Takes the list
 * over, which malloc gave. */
void marks_disable(struct marks *marks, struct marks_principal *list, size_t count);
