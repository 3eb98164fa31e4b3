/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * format: the canonical form of a policy file (policy/REFERENCE.md, "The canonical form").
 *
 * Text in, text out: it works on the lexer's tokens and the comments between them, and none of them
 * is lost, changed or moved past another, except that commas of trees and lists of suffixes that
 * separate nothing are left out. The formatted text has the same meaning, and formatting it again
 * changes nothing. No input or output; a call is for one thread.
 */

#include "policy/text/arena.h"
#include "policy/text/diag.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* A limit for the arena that is enough for any file that a person wrote: the statements of 8 MiB
 * take most of it. */
#define POL_FORMAT_MEMORY ((size_t)1 << 30)

/*
 * Formats diags->sources[0], the only source of the list. *out lives in the arena. POL_EINVALID: it
 * does not parse, or would be larger than POL_FILE_MAX, and diags has the reasons, not sorted. Else
 * the status of the arena, whose limit also holds for the memory that is used meanwhile. diags may
 * have warnings of the parser in any case.
 */
enum pol_status pol_format(struct pol_diags *diags, struct pol_arena *arena, struct pol_str *out);
