/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * secret: secrets that were given where something else is wanted. They are not printed.
 */

#include "tools/app.h"

/* Replaces the secrets of tokens in a message, in place. See daemon/host/redact.h. */
void secret_redact(char *message);

/* Refuses secrets where a command wants a key's id: in its words or in --key. EXIT_YES; or
 * EXIT_USAGE, reported with the id that the secret has. */
int secret_refuse(struct app *app);
