/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * line: one line of a stack as parsed: `GROUP CONTROL MODULE ARGUMENT...`.
 *
 * The parser makes it, and built-in modules read its arguments when they prepare. It is in this
 * room because policy/decide does not include policy/language.
 */

#include <stdint.h>

#include "policy/text/terms.h"
#include "policy/text/word.h"

struct pol_words {
	struct pol_word *items;
	uint32_t count;
};

/* One argument: `allow=10.0.0.0/8,2001:db8::/32` is two words, the first with its `allow=`. */
struct pol_ast_argument {
	struct pol_words values;
};

struct pol_ast_line {
	struct pol_span at;
	enum pol_group group;
	enum pol_control control;
	struct pol_word module; /* or the stack's name */
	struct pol_ast_argument *arguments;
	uint32_t argument_count;
};
