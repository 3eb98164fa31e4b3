/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * principal: the parameters that creating and editing one share.
 */

#include "tools/rpc.h"

/* name, attributes, api_access and tenant, as far as they were given; with `edit` an empty name
 * takes it away. EXIT_YES; or EXIT_USAGE, reported. */
int principal_put(struct app *app, struct params *params, bool edit);
