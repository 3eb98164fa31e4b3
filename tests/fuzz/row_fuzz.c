/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row_fuzz: any bytes as a row of the shared log, and as a place in it. What is read is written
 * again as the same bytes; all else is refused.
 */
#include "daemon/share/row.h"
#include "tests/fuzz/fuzz.h"

static void check_row(struct pol_str bytes)
{
	struct share_row row;
	uint8_t *again;

	if (!share_row_decode(bytes, &row)) {
		return;
	}
	fuzz_require(row.host.len > 0 && row.host.len <= SHARE_HOST);
	fuzz_require(row.payload.ptr + row.payload.len == bytes.ptr + bytes.len);
	again = malloc(SHARE_ROW_FIXED + row.payload.len);
	fuzz_require(again != NULL);
	fuzz_require(share_row_encode(&row, again) == bytes.len);
	fuzz_require(memcmp(again, bytes.ptr, bytes.len) == 0);
	free(again);
}

static void check_place(struct pol_str text)
{
	uint8_t tag[SHARE_TAG] = { 0 };
	char again[SHARE_PLACE_TEXT];
	uint64_t sequence;

	if (share_place_parse(text, &sequence, tag)) {
		share_place_format(sequence, tag, again);
		fuzz_require(strlen(again) == text.len);
		fuzz_require(memcmp(again, text.ptr, text.len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);

	check_row((struct pol_str){ copy, size });
	check_place((struct pol_str){ copy, size });
	free(copy);
	return 0;
}
