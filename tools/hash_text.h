/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * hash_text: the SHA-256 of a token in one spelling, to find the same one twice.
 */

#define HASH_TEXT_SIZE 44

/* `text` is hex or base64 of either alphabet, as keys.import takes it, or NULL. Empty if it is not
 * a hash, which the daemon will say. */
void hash_text(const char *text, char out[static HASH_TEXT_SIZE]);
