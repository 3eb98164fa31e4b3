/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compare_text: shows how two texts differ, by diff(1).
 */

#include "policy/text/str.h"
#include "tools/app.h"

/* Writes the difference in the unified form to standard output, for patch(1); `name` stands for
 * both texts. EXIT_YES, or another exit status after a message. */
int compare_text_print(
	struct app *app, const char *name, struct pol_str before, struct pol_str after);
