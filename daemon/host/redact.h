/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * redact: removes the secrets of tokens from text that people will read.
 *
 * Clients put tokens into the wrong field: a path, a principal, a name. A token is found by its
 * form alone (see secret/token.h): the kid, which is `1` and 11 base62 characters, an underscore,
 * and at least REDACT_LEAST base62 characters of secret. That is less than a whole secret, because
 * a long line is cut and people copy parts; what is left of a secret in REDACT_LEAST characters or
 * fewer leaves too much to guess. Each of these characters may be percent-encoded, once or several
 * times, since a path may have it so. Tokens of another program's form, which were imported, cannot
 * be recognised.
 */

#include <stddef.h>

#define REDACT_KID   12 /* bytes */
#define REDACT_LEAST 12
#define REDACT_MARK  4 /* bytes of the longest mark, its NUL included */

/* Replaces the secret part of each token by the mark, in place, and wipes what is left over at the
 * end. Returns the new length, which is never larger. Any thread. */
size_t redact_tokens(char *text, size_t len, const char mark[static 1]);
