/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/redact.h"

#include <stdbool.h>
#include <string.h>

static bool is_base62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static size_t base62_run(const char *text, size_t len)
{
	size_t run = 0;

	while (run < len && is_base62(text[run])) {
		run++;
	}
	return run;
}

/* Is the underscore at `at` the one between a kid and a secret? Returns the length of the secret,
 * or 0. */
static size_t secret_after(const char *text, size_t len, size_t at)
{
	size_t secret;

	if (at < REDACT_KID || text[at - REDACT_KID] != '1' ||
		base62_run(text + at - REDACT_KID, REDACT_KID) < REDACT_KID) {
		return 0;
	}
	secret = base62_run(text + at + 1, len - at - 1);
	return secret >= REDACT_LEAST ? secret : 0;
}

size_t redact_tokens(char *text, size_t len, const char mark[static 1])
{
	const size_t mark_len = strlen(mark);
	size_t read = 0, written = 0; /* what is before them was looked at, and kept */
	const char *underscore;
	size_t from = 0;

	while (from < len && (underscore = memchr(text + from, '_', len - from)) != NULL) {
		size_t at = (size_t)(underscore - text);
		size_t secret = secret_after(text, len, at);

		from = at + 1;
		if (secret == 0) {
			continue;
		}
		memmove(text + written, text + read, from - read);
		written += from - read;
		memcpy(text + written, mark, mark_len);
		written += mark_len;
		from += secret;
		read = from;
	}
	if (read == 0) {
		return len;
	}
	memmove(text + written, text + read, len - read);
	written += len - read;
	explicit_bzero(text + written, len - written);
	return written;
}
