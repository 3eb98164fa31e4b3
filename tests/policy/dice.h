/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dice: random numbers of a test, the same in each run: a test begins with a number of its own.
 */

#include <stdint.h>
#include <stdlib.h>

struct dice {
	uint64_t state;
};

/* From 0 to sides - 1. */
static inline uint32_t roll(struct dice *dice, uint32_t sides)
{
	dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(dice->state >> 33) % sides;
}

/* A number of the environment, for longer runs by hand with other seeds: AUTHZ_TEST_SEED and
 * AUTHZ_TEST_GRANTS, where a test says so. */
static inline unsigned long dice_setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

#define PICK(dice, list) ((list)[roll((dice), sizeof(list) / sizeof(list)[0])])
