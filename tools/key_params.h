/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * key_params: what a new key is, from the options, for key create and key import.
 */

#include "tools/rpc.h"

/* EXIT_YES, or EXIT_USAGE, reported. */
int key_params_put(struct app *app, struct params *params);
