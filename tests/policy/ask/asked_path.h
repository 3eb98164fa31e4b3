/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * asked_path: every path that a random policy may know, and which patterns match it, by the rules
 * of the language alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"
#include "tests/policy/ask/random_policy.h"

/* One path, and how the nodes of both policies together call its segments: l, p or r. */
struct asked_path {
	char text[64]; /* "/a/v" */
	char segments[RANDOM_DEPTH + 1][8];
	char kinds[RANDOM_DEPTH + 2];
	uint32_t count;
};

/* Path number `number` of all with at most RANDOM_DEPTH + 1 segments; false: there are fewer. */
bool asked_path_make(struct asked_path *out, uint32_t number);

/* Follows the path through both policies at once: a segment is a literal if it is one in either,
 * else a parameter, else the rest. */
void asked_path_name_kinds(struct asked_path *path, const struct pol_snapshot *const sides[2]);

/* Does the pattern match the path, whose kinds are named? */
bool asked_path_matches(const struct asked_path *path, const char *pattern);

/* Is the path the place, or below it? */
bool asked_path_is_at(const struct asked_path *path, const char *place);
