/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * revision: the hash that names a policy.
 *
 * XXH64 (Yann Collet, public specification) over the relative names and bytes of all files, so
 * that two hosts with the same files answer with the same revision. It tells policies apart; it
 * proves nothing against somebody who makes files for a collision.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/text/diag.h"

#define POL_REVISION_TEXT 17 /* 16 hex digits and a NUL */

/* In any order of the sources. What is relative begins after the folder that all names share.
 * `more` stands for what else decides; 0: nothing. */
void pol_revision_of(
	const struct pol_source *sources, size_t count, uint64_t more, char out[POL_REVISION_TEXT]);

uint64_t pol_revision_hash64(struct pol_str text, uint64_t seed);
