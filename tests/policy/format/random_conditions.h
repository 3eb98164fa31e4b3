/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * random_conditions: policies with facts and conditions, made at random, and where conditions are
 * in a file. Both abort when there is no memory.
 */

#include <stddef.h>

#include "policy/text/str.h"
#include "tests/policy/model/model.h"

/* A file that parses: facts, conditions, grants that have some, attributes and `given`. Its tokens
 * have spaces between them. The caller frees it. */
char *make_conditions(struct dice *dice);

/* In the order of the file. */
struct condition_spans {
	struct pol_span *items;
	size_t count;
};

/* The file parses. The caller frees out->items. */
void find_conditions(struct pol_str file, struct condition_spans *out);
