/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * days: the use of a key by day, in a line for people.
 */

#include "client/wire.h"
#include "tools/app.h"

/* The field `days` of a key: a bar of blocks where a terminal shows UTF-8, else numbers, the oldest
 * day first, up to today (UTC); empty if there was no use. In the arena. */
const char *days_text(struct app *app, struct wire_cursor days);
