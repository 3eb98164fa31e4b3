/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "client/wire.h"

/* The first allocation: some answers of the usual size. */
enum { FIRST_CAP = 1024 };

void wire_wipe(void *bytes, size_t len)
{
	/* The compiler cannot know that a volatile pointer points to memset, and keeps the call. */
	static void *(*const volatile wipe)(void *, int, size_t) = memset;

	if (len > 0) {
		wipe(bytes, 0, len);
	}
}

void wire_buf_init(struct wire_buf *buf, size_t max)
{
	*buf = (struct wire_buf){ .max = max };
}

void wire_buf_finish(struct wire_buf *buf)
{
	wire_buf_wipe(buf);
	free(buf->data);
	*buf = (struct wire_buf){ .max = 0 };
}

/* Invariant of each function that shrinks the buffer: memory after len holds no written bytes. */
void wire_buf_rewind(struct wire_buf *buf, size_t len)
{
	if (len < buf->len) {
		wire_wipe(buf->data + len, buf->len - len);
		buf->len = len;
	}
	buf->status = WIRE_OK;
}

void wire_buf_cut(struct wire_buf *buf, size_t off, size_t n)
{
	size_t rest;

	if (off > buf->len) {
		off = buf->len;
	}
	if (n > buf->len - off) {
		n = buf->len - off;
	}
	if (n == 0) {
		return;
	}
	rest = buf->len - off - n;
	if (rest > 0) {
		memmove(buf->data + off, buf->data + off + n, rest);
	}
	wire_wipe(buf->data + off + rest, n);
	buf->len = off + rest;
}

void wire_buf_consume(struct wire_buf *buf, size_t n)
{
	wire_buf_cut(buf, 0, n);
}

void wire_buf_wipe(struct wire_buf *buf)
{
	wire_buf_rewind(buf, 0);
}

/* Grows the memory to need bytes. Not with realloc, which may free a copy without wiping it. */
static bool grow(struct wire_buf *buf, size_t need)
{
	size_t cap = buf->cap == 0 ? FIRST_CAP : buf->cap;
	uint8_t *data;

	while (cap < need) {
		cap *= 2;
	}
	if (cap > buf->max) {
		cap = buf->max;
	}
	data = malloc(cap);
	if (data == NULL) {
		return false;
	}
	if (buf->len > 0) {
		memcpy(data, buf->data, buf->len);
		wire_wipe(buf->data, buf->len);
	}
	free(buf->data);
	buf->data = data;
	buf->cap = cap;
	return true;
}

uint8_t *wire_buf_reserve(struct wire_buf *buf, size_t n)
{
	if (buf->status != WIRE_OK) {
		return NULL;
	}
	if (n > buf->cap - buf->len || buf->data == NULL) {
		if (n > buf->max || buf->len > buf->max - n) {
			buf->status = WIRE_ELIMIT;
			return NULL;
		}
		if (!grow(buf, buf->len + n)) {
			buf->status = WIRE_ENOMEM;
			return NULL;
		}
	}
	return buf->data + buf->len;
}

/* msgpack-c's callback, inlined with its packing functions into each put. */
static inline int on_pack(void *data, const char *bytes, size_t len)
{
	struct wire_buf *buf = data;

	if (buf->status == WIRE_OK && len <= buf->cap - buf->len) {
		if (len > 0) {
			memcpy(buf->data + buf->len, bytes, len);
			buf->len += len;
		}
	} else {
		wire_put_raw(buf, bytes, len);
	}
	return 0;
}

static inline msgpack_packer packer_of(struct wire_buf *buf)
{
	return (msgpack_packer){ .data = buf, .callback = on_pack };
}

void wire_put_raw(struct wire_buf *buf, const void *bytes, size_t len)
{
	uint8_t *to = wire_buf_reserve(buf, len);

	if (to != NULL && len > 0) {
		memcpy(to, bytes, len);
		buf->len += len;
	}
}

void wire_put_nil(struct wire_buf *buf)
{
	msgpack_packer packer = packer_of(buf);

	msgpack_pack_nil(&packer);
}

void wire_put_bool(struct wire_buf *buf, bool value)
{
	msgpack_packer packer = packer_of(buf);

	if (value) {
		msgpack_pack_true(&packer);
	} else {
		msgpack_pack_false(&packer);
	}
}

void wire_put_int(struct wire_buf *buf, int64_t value)
{
	msgpack_packer packer = packer_of(buf);

	msgpack_pack_int64(&packer, value);
}

void wire_put_str(struct wire_buf *buf, struct wire_str str)
{
	enum { HEADER = 5 }; /* the longest */
	uint8_t *to;

	if (str.len > UINT32_MAX - HEADER) {
		if (buf->status == WIRE_OK) {
			buf->status = WIRE_ELIMIT;
		}
		return;
	}
	/* Reserve both, so that a text that does not fit leaves no header. */
	to = wire_buf_reserve(buf, HEADER + str.len);
	if (to != NULL) {
		buf->len += (size_t)(wire_lay_str(to, str) - to);
	}
}

void wire_put_bin(struct wire_buf *buf, const uint8_t *bytes, size_t len)
{
	enum { HEADER = 5 };
	msgpack_packer packer = packer_of(buf);

	if (len > UINT32_MAX - HEADER) {
		if (buf->status == WIRE_OK) {
			buf->status = WIRE_ELIMIT;
		}
		return;
	}
	if (wire_buf_reserve(buf, HEADER + len) == NULL) {
		return;
	}
	msgpack_pack_bin(&packer, len);
	msgpack_pack_bin_body(&packer, bytes, len);
}

void wire_put_cstr(struct wire_buf *buf, const char *text)
{
	if (text == NULL) {
		wire_put_nil(buf);
		return;
	}
	wire_put_str(buf, (struct wire_str){ text, strlen(text) });
}

void wire_put_array(struct wire_buf *buf, uint32_t count)
{
	msgpack_packer packer = packer_of(buf);

	msgpack_pack_array(&packer, count);
}

void wire_put_map(struct wire_buf *buf, uint32_t pairs)
{
	msgpack_packer packer = packer_of(buf);

	msgpack_pack_map(&packer, pairs);
}

/* Puts a header with a 16-bit count; its first byte distinguishes map from array. */
static size_t open_counted(struct wire_buf *buf, uint8_t first)
{
	const uint8_t header[3] = { first, 0, 0 };
	size_t at = buf->len;

	wire_put_raw(buf, header, sizeof header);
	return at;
}

static void close_counted(struct wire_buf *buf, size_t at, uint32_t count)
{
	if (buf->status != WIRE_OK) {
		return;
	}
	if (count > UINT16_MAX) {
		buf->status = WIRE_ELIMIT;
		return;
	}
	buf->data[at + 1] = (uint8_t)(count >> 8);
	buf->data[at + 2] = (uint8_t)count;
}

size_t wire_open_map(struct wire_buf *buf)
{
	return open_counted(buf, 0xde);
}

void wire_close_map(struct wire_buf *buf, size_t at, uint32_t pairs)
{
	close_counted(buf, at, pairs);
}

size_t wire_open_array(struct wire_buf *buf)
{
	return open_counted(buf, 0xdc);
}

void wire_close_array(struct wire_buf *buf, size_t at, uint32_t count)
{
	close_counted(buf, at, count);
}

void wire_put_request(struct wire_buf *buf, uint32_t id, struct wire_str method, bool has_params)
{
	wire_put_array(buf, 4);
	wire_put_int(buf, 0);
	wire_put_int(buf, id);
	wire_put_str(buf, method);
	wire_put_array(buf, has_params ? 1 : 0);
}

void wire_put_result(struct wire_buf *buf, uint32_t id)
{
	wire_put_array(buf, 4);
	wire_put_int(buf, 1);
	wire_put_int(buf, id);
	wire_put_nil(buf);
}

void wire_begin_error(
	struct wire_buf *buf, const uint32_t *id, const struct wire_error *error, uint32_t more)
{
	bool has_param = error->param[0] != '\0';

	wire_put_array(buf, 4);
	wire_put_int(buf, 1);
	if (id != NULL) {
		wire_put_int(buf, *id);
	} else {
		wire_put_nil(buf);
	}
	wire_put_map(buf, 2 + (has_param ? 1 : 0) + more);
	wire_put_str(buf, WIRE_STR("code"));
	wire_put_cstr(buf, wire_code_name(error->code));
	wire_put_str(buf, WIRE_STR("message"));
	wire_put_cstr(buf, error->message);
	if (has_param) {
		wire_put_str(buf, WIRE_STR("param"));
		wire_put_cstr(buf, error->param);
	}
}

void wire_put_error(struct wire_buf *buf, const uint32_t *id, const struct wire_error *error)
{
	wire_begin_error(buf, id, error, 0);
	wire_put_nil(buf);
}
