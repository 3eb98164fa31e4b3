/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * revision: the hash that identifies a policy.
 *
 * XXH64 (Yann Collet, public specification) over the relative names and bytes of all files, so that
 * the revision is the same on each host with the same files. Not a cryptographic hash: collisions
 * can be made on purpose.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/text/diag.h"

#define POL_REVISION_TEXT 17 /* 16 hex digits and a NUL */

/* A hash of the sources, in which their order does not matter. Their names are taken relative to
 * the folder that all of them share. */
uint64_t pol_revision_of(const struct pol_source *sources, size_t count);

/* The revision of a policy of these sources and other inputs (pol_dependency_hash; 0: none). */
void pol_revision_text(uint64_t sources, uint64_t more, char out[POL_REVISION_TEXT]);

/* XXH64 of the text. */
uint64_t pol_revision_hash64(struct pol_str text, uint64_t seed);
