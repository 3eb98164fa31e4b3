/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * explanation: the daemon's explanation of a decision, read back into the struct that policy/
 * fills, so that story.c shows both.
 */

#include "policy/ask/explain.h"
#include "tools/app.h"
#include "tools/rpc.h"

/* Reads the map `explain` of a result as far as it goes: what is missing or of another type stays
 * empty. Views into the answer and the app's arena. False: there is none, or no memory. */
bool explanation_read(struct app *app, struct wire_cursor result, struct pol_explanation *out);
