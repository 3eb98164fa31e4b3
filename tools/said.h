/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * said: what the daemon refused, in the words of the command line. The daemon names parameters
 * ("networks[1]: is not a network"); who typed the command knows options and arguments
 * ("--network '10.0.0.0/33': is not a network").
 */

#include "client/authz.h"
#include "tools/app.h"
#include "tools/suggest.h"

/* The reply's message in these words, with the value that was given; as the daemon wrote it where
 * there is no such word. `method` stands for an empty message. */
const char *said_text(struct app *app, const struct authz_reply *reply, const char *method);

/* The name on the command line that the reply says is unknown. */
struct suggest_name said_unknown(struct app *app, const struct authz_reply *reply);
