/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * when: times as people give them on the command line and read them in a table.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tools/app.h"

/* What a duration (30d) means. RFC 3339 and "now" are always accepted. */
enum when_way { WHEN_EXACT = 0, WHEN_AHEAD, WHEN_AGO };

/* The value of an option that was given. EXIT_YES and Unix seconds; or EXIT_USAGE, reported. */
int when_option(struct app *app, enum flag flag, enum when_way way, int64_t *out);

/* The same for a duration: seconds. */
int when_option_duration(struct app *app, enum flag flag, int64_t *out);

/* "3 days ago", "in 5 hours", "just now". */
const char *when_text(struct app *app, int64_t time);

/* The same, then RFC 3339 in parentheses; empty for 0. */
const char *when_text_full(struct app *app, int64_t time);

/* "3 days", "2 hours"; the largest unit that fits, rounded. */
const char *when_duration(struct app *app, int64_t seconds);
