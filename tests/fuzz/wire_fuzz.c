/* SPDX-License-Identifier: Apache-2.0 */

/*
 * wire_fuzz: for any bytes, the walk has the same result for the whole and for pieces, far from its
 * bound and at it, keeps its bounds, accepts only what msgpack-c reads the same, and decoders do
 * not read outside the bytes.
 */

#include <stdlib.h>
#include <string.h>

#include "client/wire.h"
#include "tests/client/wire_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wire_field fields[] = {
	WIRE_FIELD("token", WIRE_KIND_TEXT, 0),
	WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	WIRE_FIELD("explain", WIRE_KIND_BOOL, 0),
	WIRE_FIELD("time", WIRE_KIND_TIME, WIRE_OR_NIL),
	WIRE_FIELD("expires_in", WIRE_KIND_DURATION, 0),
	WIRE_FIELD("scopes", WIRE_KIND_TEXTS, 0),
	WIRE_FIELD("requests", WIRE_KIND_MAPS, 0),
	WIRE_FIELD("attributes", WIRE_KIND_TEXT_MAP, 0),
	WIRE_FIELD("facts", WIRE_KIND_MAP, 0),
};

enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

/* abort() in every build, for a fuzz target must not depend on how asserts are set. */
static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

static enum wire_progress walk_in_pieces(const uint8_t *data, size_t size, size_t *out_len)
{
	struct wire_walk walk;
	size_t have = 0;

	wire_walk_init(&walk, WIRE_MAX_REQUEST);
	while (have < size) {
		/* The bytes say where to cut, so that the fuzzer chooses. */
		size_t step = 1 + data[have] % 7;
		enum wire_progress progress;

		have = size - have < step ? size : have + step;
		progress = wire_walk(&walk, data, have, out_len);
		if (progress != WIRE_NEED_MORE) {
			return progress;
		}
	}
	return WIRE_NEED_MORE;
}

/* A message that is as large as it may be: what is read only far from the bound is not. */
static void walk_at_the_bound(
	const uint8_t *data, size_t size, enum wire_progress far, size_t far_len)
{
	struct wire_walk walk;
	size_t len = 0;
	enum wire_progress near;

	wire_walk_init(&walk, (uint32_t)(far == WIRE_COMPLETE ? far_len : size));
	near = wire_walk(&walk, data, size, &len);
	if (far == WIRE_NEED_MORE) {
		require(near == WIRE_TOO_LARGE);
	} else if (far == WIRE_COMPLETE) {
		require(near == WIRE_COMPLETE && len == far_len);
	} else {
		require(near == far || near == WIRE_TOO_LARGE);
	}
}

static void read_items(const struct wire_value *values)
{
	struct wire_value entry[FIELD_COUNT];
	struct wire_overlay overlay;
	struct wire_error err;
	struct wire_cursor items, map, at;
	struct wire_str key, text;

	items = values[5].items;
	for (uint32_t i = 0; i < values[5].count; i++) {
		require(wire_next_text(&items, &text) && wire_is_utf8(text));
	}
	items = values[6].items;
	wire_overlay_init(&overlay, fields, FIELD_COUNT, values, entry);
	for (uint32_t i = 0, r = 0; i < values[6].count && r == 0; i++) {
		at = items;
		require(wire_next_map(&items, &map));
		r = wire_overlay_next(&overlay, &at, &err) != WIRE_OK;
		require(r != 0 || at.ptr == items.ptr);
	}
	items = values[7].items;
	for (uint32_t i = 0; i < values[7].count; i++) {
		require(wire_next_pair(&items, &key, &text));
	}
	items = values[8].items;
	for (uint32_t i = 0; i < values[8].count; i++) {
		require(wire_skip(&items) && wire_skip(&items));
	}
}

static void answer(const struct wire_request *request, const struct wire_error *err)
{
	struct wire_buf buf;
	struct wire_walk walk;
	struct wire_response response;
	struct wire_error back;
	size_t len = 0;

	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	wire_put_error(&buf, request->has_id ? &request->id : NULL, err);
	wire_walk_init(&walk, WIRE_MAX_RESPONSE);
	require(buf.status == WIRE_OK);
	require(wire_walk(&walk, buf.data, buf.len, &len) == WIRE_COMPLETE && len == buf.len);
	require(wire_decode_response(buf.data, len, &response) == WIRE_OK && response.failed);
	wire_decode_error(response.value, &back);
	require(back.code == err->code && strcmp(back.param, err->param) == 0 &&
		strcmp(back.message, err->message) == 0);
	wire_buf_finish(&buf);
}

static void decode(const uint8_t *data, size_t len)
{
	struct wire_value values[FIELD_COUNT];
	struct wire_request request;
	struct wire_response response;
	struct wire_error err;
	int r = wire_decode_request(data, len, &request, &err);

	if (r == WIRE_OK) {
		r = wire_decode_params(request.params, fields, FIELD_COUNT, values, &err);
		if (r == WIRE_OK) {
			read_items(values);
		}
	}
	if (r != WIRE_OK) {
		answer(&request, &err);
	}
	if (wire_decode_response(data, len, &response) == WIRE_OK && response.failed) {
		wire_decode_error(response.value, &err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_cursor cursor = wire_cursor_of(data, size);
	struct wire_walk walk;
	size_t whole = 0, pieces = 0;
	enum wire_progress progress;

	wire_walk_init(&walk, WIRE_MAX_REQUEST);
	progress = wire_walk(&walk, data, size, &whole);
	require(walk_in_pieces(data, size, &pieces) == progress && pieces == whole);
	if (size > 0 && size <= WIRE_MAX_REQUEST) {
		walk_at_the_bound(data, size, progress, whole);
	}
	/* Decoders stay inside the bytes also when they were not walked. */
	(void)wire_skip(&cursor);
	if (progress == WIRE_COMPLETE) {
		require(whole > 0 && whole <= size && whole <= WIRE_MAX_REQUEST);
		require(wire_diff_same(data, whole));
		decode(data, whole);
	}
	return 0;
}
