/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * record: included before each source of the parser, which is compiled here once more. Each
 * comparison of a word with a keyword is recorded.
 */

#include <stdbool.h>

#include "policy/text/word.h"

/* pol_str_equal, which remembers `keyword` and, when they are equal, where `word` stands. */
bool recorded_equal(struct pol_str word, struct pol_str keyword);

#define pol_str_equal recorded_equal
