/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_fuzz: any bytes as a token, and as text into which somebody may have typed one. A sound
 * token loses its soundness with any changed character; a text that was redacted has no sound token
 * left.
 */
#include "daemon/host/redact.h"
#include "daemon/secret/token.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_REDACTED = 200 };

static bool is_sound(struct pol_str text)
{
	struct secret_token token;

	return secret_token_split(text, &token) && secret_token_is_sound(&token);
}

static void check_token(char *text, size_t size)
{
	struct secret_token token;

	if (!secret_token_split((struct pol_str){ text, size }, &token)) {
		return;
	}
	fuzz_require(token.kid.len == SECRET_KID && token.prefix.len <= SECRET_MAX_PREFIX);
	fuzz_require(token.whole.ptr >= text && token.whole.ptr + token.whole.len == text + size);
	fuzz_require(token.prefix.ptr == token.whole.ptr);
	if (!secret_token_is_sound(&token)) {
		return;
	}
	for (size_t i = size - token.whole.len; i < size; i++) {
		text[i] = (char)(text[i] ^ 1);
		fuzz_require(!is_sound((struct pol_str){ text, size }));
		text[i] = (char)(text[i] ^ 1);
	}
}

static void check_redacted(char *text, size_t size)
{
	size_t len = redact_tokens(text, size, "…"), again;

	fuzz_require(len <= size);
	for (size_t from = 0; len <= MAX_REDACTED && from < len; from++) {
		size_t most = len - from < SECRET_MAX_TOKEN ? len - from : SECRET_MAX_TOKEN;

		for (size_t count = 51; count <= most; count++) {
			fuzz_require(!is_sound((struct pol_str){ text + from, count }));
		}
	}
	again = redact_tokens(text, len, "…");
	fuzz_require(again == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);

	check_token(copy, size);
	check_redacted(copy, size);
	free(copy);
	return 0;
}
