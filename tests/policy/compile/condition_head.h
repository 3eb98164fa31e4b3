/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * condition_head: a tree, and facts of each type, for the tests of conditions.
 */

#include "tests/policy/compiled_text.h"

#define CONDITION_HEAD                                                                             \
	"tree api { /x { go, stop }, /u/{user} { go, /{id} { go } }, /t/{team}/u/{user} { go }, "  \
	"/f/{path...} { go } }\n"                                                                  \
	"facts {\n"                                                                                \
	"resource.s string # lint: allow fact-unused\n"                                            \
	"resource.t string # lint: allow fact-unused\n"                                            \
	"resource.set strings # lint: allow fact-unused\n"                                         \
	"principal.set strings # lint: allow fact-unused\n"                                        \
	"resource.i int # lint: allow fact-unused\n"                                               \
	"context.j int # lint: allow fact-unused\n"                                                \
	"resource.b bool # lint: allow fact-unused\n"                                              \
	"resource.c bool # lint: allow fact-unused\n"                                              \
	"resource.at time # lint: allow fact-unused\n"                                             \
	"resource.for duration # lint: allow fact-unused\n"                                        \
	"resource.ip address # lint: allow fact-unused\n"                                          \
	"resource.w draft | active | old # lint: allow fact-unused\n"                              \
	"context.w old | active | draft # lint: allow fact-unused\n"                               \
	"context.v draft | active # lint: allow fact-unused\n"                                     \
	"}\n"
/* The line of the first text after it. */
#define CONDITION_LINE 18

/* Expects exactly these lines when the text is compiled after CONDITION_HEAD. */
static inline void condition_says(const char *text, const char *expected)
{
	compiled_text_says(CONDITION_HEAD, text, expected);
}
