/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * formatted: pol_format for tests, and what must hold of every file that it formats.
 */

#include "policy/text/str.h"

/* The formatted text, NUL-terminated; the caller frees it. NULL: the file is refused. */
char *formatted(struct pol_str file);

/* Formats a file that parses and fails the test unless the result has the same meaning and
 * comments, nothing at the end of a line, and formatted again is the same. The caller frees it. */
char *formatted_well(const char *name, struct pol_str file);

/* Expect that a policy is formatted to `expected`, or that it is formatted already. Both check what
 * formatted_well checks. */
void formatted_becomes(const char *text, const char *expected);
void formatted_stays(const char *text);
