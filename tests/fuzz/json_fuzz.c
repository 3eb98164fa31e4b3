/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_fuzz: any bytes as a line of JSON. What has a form on the wire is one whole value there, and
 * printed again it is the same document.
 */
#include "client/http/json.h"
#include "tests/fuzz/fuzz.h"
#include "tools/document.h"

static void check_again(struct wire_buf *buf)
{
	struct wire_walk walk;
	size_t len = 0;
	json_t *again;

	wire_walk_init(&walk, WIRE_MAX_RESPONSE);
	fuzz_require(wire_walk(&walk, buf->data, buf->len, &len) == WIRE_COMPLETE);
	fuzz_require(len == buf->len);
	again = document_wire(wire_cursor_of(buf->data, buf->len));
	fuzz_require(again != NULL);
	json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	json_error_t error;
	json_t *value = json_loadb(copy, size, JSON_REJECT_DUPLICATES, &error);
	struct wire_buf buf;

	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	if (value != NULL && http_json_to_wire(value, &buf) == NULL && buf.status == WIRE_OK) {
		check_again(&buf);
	}
	wire_buf_finish(&buf);
	json_decref(value);
	free(copy);
	return 0;
}
