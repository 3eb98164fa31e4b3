/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * story: an explanation as text, each line with its position.
 */

#include "policy/ask/explain.h"
#include "tools/app.h"

/* Prints it, `indent` columns in. Colours are those of standard output. */
void story_print(
	struct app *app, const struct pol_explanation *explanation, unsigned indent, FILE *file);
