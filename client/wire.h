/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * wire: MessagePack-RPC messages as bytes, shared by libauthz and the daemon. It knows no sockets,
 * methods or clocks.
 *
 *     request       [0, id, method, [params]]      id: uint32, params: one map, or none
 *     response      [1, id, error, result]         one of error and result is nil
 *
 * Reading has two steps. wire_walk bounds the size and depth of received bytes, and allocates
 * nothing. Then wire_decode_request, wire_decode_params and wire_decode_response make views of
 * them, which point into the caller's bytes. A cursor never reads outside the bytes that it was
 * given, walked or not. Received bytes never go to msgpack-c's unpacker, which allocates as much as
 * a header claims; msgpack-c only packs.
 *
 * Writing goes to a wire_buf, which grows up to a bound and keeps its first error, so that an
 * encoder is a list of puts with one check at the end.
 *
 * Functions keep no state; one thread at a time may use an object. Functions that can fail return 0
 * or a negative wire_status, or a bool that is true on success, and set their outputs only on
 * success. Specifications: msgpack/spec.md (2.0) and msgpack-rpc/spec.md.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	WIRE_MAX_REQUEST = 256 * 1024,       /* bytes of a message that the daemon reads */
	WIRE_MAX_RESPONSE = 4 * 1024 * 1024, /* bytes of a message that a client reads, and of
					      * answers queued for one connection */
	WIRE_MAX_DEPTH = 16,                 /* nested arrays and maps */
	WIRE_MAX_FIELDS = 64,                /* parameters of one method: bits of a uint64_t */
	WIRE_MAX_PAIRS = 64,                 /* entries of a WIRE_TEXT_MAP */
	WIRE_PARAM_SIZE = 64,                /* a parameter's name in an error, with its NUL */
	WIRE_MESSAGE_SIZE = 192,             /* an error's message, with its NUL */
};

/* The last second of the year 9999, the last that RFC 3339 can write; and 300 years, so that adding
 * a duration to a time cannot overflow. */
#define WIRE_MAX_TIME     INT64_C(253402300799)
#define WIRE_MAX_DURATION INT64_C(9467280000)

enum wire_status {
	WIRE_OK = 0,
	WIRE_ENOMEM = -1, /* the host has no memory left */
	WIRE_ELIMIT = -2, /* a bound was reached: the buffer's, or a count's */
	WIRE_ESHAPE = -3, /* not a message of the protocol: answer once and close the connection */
	WIRE_EPARAM = -4, /* a message with a bad value: answer with the error and continue */
};

/* The error codes of the protocol. */
enum wire_code {
	WIRE_INTERNAL = 0,
	WIRE_INVALID_REQUEST,
	WIRE_UNKNOWN_METHOD,
	WIRE_FORBIDDEN,
	WIRE_NOT_FOUND,
	WIRE_CONFLICT,
	WIRE_LIMIT_REACHED,
	WIRE_INVALID_POLICY,
	WIRE_OVERLOADED,
	WIRE_STALE,       /* a shared store: nothing recent enough is known here */
	WIRE_UNAVAILABLE, /* its database; the change may stand if the error has `may_stand` */
};

/* A view of bytes, not NUL-terminated. Laid out as struct pol_str. */
struct wire_str {
	const char *ptr;
	size_t len;
};

#define WIRE_STR(literal) ((struct wire_str){ (literal), sizeof(literal) - 1 })

bool wire_str_equal(struct wire_str a, struct wire_str b);

/* True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool wire_is_utf8(struct wire_str str);

/* An error to answer with. Both texts are UTF-8 and NUL-terminated; param is empty when the error
 * concerns no parameter. */
struct wire_error {
	enum wire_code code;
	char param[WIRE_PARAM_SIZE];
	char message[WIRE_MESSAGE_SIZE];
};

/* "invalid_request" and so on; never NULL. */
const char *wire_code_name(enum wire_code code);

/* The code of that name; WIRE_INTERNAL for an unknown name. */
enum wire_code wire_code_find(struct wire_str name);

/* Fills an error. param may be empty, and is left out when it is not UTF-8. The message is
 * formatted as by printf, after "PARAM: " when param fits. Texts that are too long are truncated
 * between characters. */
void wire_error_set(struct wire_error *error, enum wire_code code, struct wire_str param,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* --- walking ---------------------------------------------------------------------------------- */

enum wire_progress {
	WIRE_MALFORMED = 0, /* the bytes are not MessagePack */
	WIRE_NEED_MORE,     /* not complete: call again with the same bytes and more */
	WIRE_COMPLETE,      /* the first *out_len bytes are one value */
	WIRE_TOO_LARGE,     /* larger than the bound, or its headers announce that */
	WIRE_TOO_DEEP,
};

/* The state of a walk over one message. It holds offsets, not pointers: the bytes may move between
 * calls. */
struct wire_walk {
	uint32_t max;     /* bytes */
	uint32_t off;     /* bytes walked; may exceed the bytes received, inside a long string */
	uint32_t pending; /* values announced and not yet walked, of at least one byte each */
	uint32_t depth;
	uint32_t left[WIRE_MAX_DEPTH + 1]; /* values left at each depth; [0] is the message */
};

/* Prepares for a message of at most max bytes (at most UINT32_MAX / 4). */
void wire_walk_init(struct wire_walk *walk, uint32_t max);

/*
 * Continues a walk: buf begins with the message's first byte, and len bytes have been received. No
 * byte is read twice, except those of an incomplete header. After WIRE_COMPLETE the walk is ready
 * for the message that begins at buf + *out_len; after a refusal it must not be used again.
 */
enum wire_progress wire_walk(
	struct wire_walk *walk, const uint8_t *buf, size_t len, size_t *out_len);

/* --- reading ---------------------------------------------------------------------------------- */

enum wire_type {
	WIRE_NONE = 0, /* the end, or bytes that are not a value */
	WIRE_NIL,
	WIRE_BOOL,
	WIRE_INT,
	WIRE_FLOAT,
	WIRE_TEXT, /* str or bin */
	WIRE_ARRAY,
	WIRE_MAP,
	WIRE_EXT,
};

/* A position in bytes, and their end. A zeroed cursor is over no bytes. */
struct wire_cursor {
	const uint8_t *ptr;
	const uint8_t *end;
};

static inline struct wire_cursor wire_cursor_of(const void *bytes, size_t len)
{
	const uint8_t *ptr = (const uint8_t *)bytes;

	return (struct wire_cursor){ ptr, ptr != NULL ? ptr + len : NULL };
}

static inline bool wire_at_end(const struct wire_cursor *cursor)
{
	return cursor->ptr == cursor->end;
}

/* The type of the next value. */
enum wire_type wire_peek(const struct wire_cursor *cursor);

/* Each reads the next value if it has that type; otherwise it returns false and leaves the cursor
 * where it is. Integers may have any width, signed or not, but must fit int64_t. Text is str or
 * bin, and not checked to be UTF-8. A map's count is of pairs; an empty array is an empty map. */
bool wire_read_nil(struct wire_cursor *cursor);
bool wire_read_bool(struct wire_cursor *cursor, bool *out);
bool wire_read_int(struct wire_cursor *cursor, int64_t *out);
bool wire_read_text(struct wire_cursor *cursor, struct wire_str *out);
bool wire_read_array(struct wire_cursor *cursor, uint32_t *out_count);
bool wire_read_map(struct wire_cursor *cursor, uint32_t *out_count);

/* Skips one value with all that it contains. False, and the cursor unchanged, when it is incomplete
 * or malformed. */
bool wire_skip(struct wire_cursor *cursor);

/* The same, and sets *out to a cursor over that value. */
bool wire_take(struct wire_cursor *cursor, struct wire_cursor *out);

/* --- messages --------------------------------------------------------------------------------- */

/* A request: views into the message. */
struct wire_request {
	uint32_t id;
	bool has_id; /* id is set; it may be even when the rest is malformed */
	struct wire_str method;
	struct wire_cursor params; /* the map, for wire_decode_params; empty without one */
};

/*
 * Decodes one walked message. Returns 0, or an error to answer with in *err: after WIRE_ESHAPE
 * close the connection, after WIRE_EPARAM continue. out->id and out->has_id are set in each case;
 * without has_id the answer's id is nil.
 */
int wire_decode_request(
	const uint8_t *bytes, size_t len, struct wire_request *out, struct wire_error *err);

/* A response: views into the message. */
struct wire_response {
	uint32_t id;
	bool has_id; /* false: the id is nil, as the daemon could not read the request's */
	bool failed; /* the value is an error, for wire_decode_error */
	struct wire_cursor value;
};

/* Decodes one walked message: 0, or WIRE_ESHAPE. */
int wire_decode_response(const uint8_t *bytes, size_t len, struct wire_response *out);

/* Reads {code, message, param} from a response's error. A text that is missing, of another type or
 * not UTF-8 is empty, an unknown code is WIRE_INTERNAL, and long texts are truncated. */
void wire_decode_error(struct wire_cursor value, struct wire_error *out);

/* --- parameters ------------------------------------------------------------------------------- */

enum wire_kind {
	WIRE_KIND_NONE = 0, /* accepts nothing */
	WIRE_KIND_TEXT,     /* text */
	WIRE_KIND_INT,      /* integer */
	WIRE_KIND_BOOL,     /* boolean */
	WIRE_KIND_TIME,     /* integer: Unix seconds from 0 to WIRE_MAX_TIME */
	WIRE_KIND_DURATION, /* integer: seconds from 1 to WIRE_MAX_DURATION, sent as such or as
			     * text: digits and one of s, m, h, d */
	WIRE_KIND_TEXTS,    /* items, count: an array of text; read with wire_next_text */
	WIRE_KIND_MAPS,     /* items, count: an array of maps; read with wire_next_map */
	WIRE_KIND_TEXT_MAP, /* items, count: a map of text to text without duplicates, at most
			     * WIRE_MAX_PAIRS; read with wire_next_pair */
	WIRE_KIND_MAP,      /* items, count: a map of anything, whose pairs the caller checks: a
			     * key and a value for each, to be read with wire_read_..., which fail
			     * where one is not there */
	WIRE_KIND_BYTES,    /* text: bin or str with any bytes */
};

enum wire_field_flag {
	WIRE_REQUIRED = 1 << 0,
	WIRE_OR_NIL = 1 << 1, /* nil is accepted too: given and nil are set, nothing else */
};

/* One parameter of a method, in a static table. The search for a name begins after the row found
 * last: a table in the order in which clients send parameters is the fastest. */
struct wire_field {
	struct wire_str name;
	enum wire_kind kind;
	unsigned flags; /* of wire_field_flag */
};

#define WIRE_FIELD(literal, kind, flags)                                                           \
	{                                                                                          \
		{ (literal), sizeof(literal) - 1 }, (kind), (flags)                                \
	}

/* The value of a field; zero if it is not given. Its views point into the message; all text is
 * UTF-8, except in a WIRE_KIND_MAP and of WIRE_KIND_BYTES. */
struct wire_value {
	bool given;
	bool nil;
	bool boolean;
	uint32_t count;
	int64_t integer;
	union {
		struct wire_str text;
		struct wire_cursor items;
	};
};

/*
 * Decodes a map of parameters by a table of count fields (at most WIRE_MAX_FIELDS) into values[i]
 * for fields[i]. An empty cursor is an empty map. Returns 0, or WIRE_EPARAM and *err names the
 * first parameter that is unknown, duplicate, of another type, out of bounds, not UTF-8 or missing;
 * values must then not be used.
 */
int wire_decode_params(struct wire_cursor params, const struct wire_field *fields, size_t count,
	struct wire_value *values, struct wire_error *err);

/* Reads entries that override values which all share: values[i] becomes what the entry has, or
 * shared[i]. Either may give a required field. */
struct wire_overlay {
	const struct wire_field *fields;
	const struct wire_value *shared;
	struct wire_value *values;
	size_t count;
	uint64_t required; /* bit 1 << i: fields[i], which has to be in each entry */
	uint64_t own;      /* the same: what the entry read last gave */
};

/* fields, shared and values have `count` items each, and last as long as the overlay. */
void wire_overlay_init(struct wire_overlay *overlay, const struct wire_field *fields, size_t count,
	const struct wire_value *shared, struct wire_value *values);

/* Reads the next item of a WIRE_KIND_MAPS, in place of wire_next_map: there must be one. Returns
 * what wire_decode_params does; after an error the overlay must not be used. */
int wire_overlay_next(
	struct wire_overlay *overlay, struct wire_cursor *items, struct wire_error *err);

/* Parses the text form of WIRE_KIND_DURATION. */
bool wire_parse_duration(struct wire_str text, int64_t *out_seconds);

/* Each reads the next item of a value's items, false at the end. To read items twice, copy the
 * cursor. wire_decode_params decodes a map. */
bool wire_next_text(struct wire_cursor *items, struct wire_str *out);
bool wire_next_map(struct wire_cursor *items, struct wire_cursor *out);
bool wire_next_pair(struct wire_cursor *items, struct wire_str *out_key, struct wire_str *out_text);

/* --- writing ---------------------------------------------------------------------------------- */

/*
 * Bytes to send: data[0..len). The buffer owns them; wire_buf_finish wipes and frees them. A put
 * that does not fit leaves len as it is and sets status to WIRE_ENOMEM or WIRE_ELIMIT; later puts
 * then do nothing until wire_buf_rewind. A zeroed buffer has a bound of 0.
 */
struct wire_buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max;
	int status;
};

void wire_buf_init(struct wire_buf *buf, size_t max);
void wire_buf_finish(struct wire_buf *buf);

/* Wipes the bytes from len on and clears the status, to replace a response that did not fit. */
void wire_buf_rewind(struct wire_buf *buf, size_t len);

/* Removes the first n bytes, after they were sent, and wipes the memory that becomes free. */
void wire_buf_consume(struct wire_buf *buf, size_t n);

/* Removes the n bytes from off on, and wipes the memory that becomes free. */
void wire_buf_cut(struct wire_buf *buf, size_t off, size_t n);

/* Empties the buffer and overwrites its bytes with zeros, since they may hold a secret. Keeps the
 * memory. */
void wire_buf_wipe(struct wire_buf *buf);

/* Overwrites bytes with zeros; the compiler cannot remove the call. */
void wire_wipe(void *bytes, size_t len);

/* Memory for n bytes after len, or NULL with the status set. The caller writes to it and adds the
 * number of bytes written to len. */
uint8_t *wire_buf_reserve(struct wire_buf *buf, size_t n);

void wire_put_nil(struct wire_buf *buf);
void wire_put_bool(struct wire_buf *buf, bool value);
void wire_put_int(struct wire_buf *buf, int64_t value); /* the smallest width that holds it */
void wire_put_str(struct wire_buf *buf, struct wire_str str);
void wire_put_bin(struct wire_buf *buf, const uint8_t *bytes, size_t len);
void wire_put_cstr(struct wire_buf *buf, const char *text); /* NULL is nil */
void wire_put_array(struct wire_buf *buf, uint32_t count);  /* its items follow */
void wire_put_map(struct wire_buf *buf, uint32_t pairs);    /* key, value, key, value … follow */
void wire_put_raw(struct wire_buf *buf, const void *bytes, size_t len); /* packed bytes */

/* A map or array whose count is known only after its items are written: open returns the offset of
 * its header, close writes the count there (at most 65,535, otherwise WIRE_ELIMIT). */
size_t wire_open_map(struct wire_buf *buf);
void wire_close_map(struct wire_buf *buf, size_t at, uint32_t pairs);
size_t wire_open_array(struct wire_buf *buf);
void wire_close_array(struct wire_buf *buf, size_t at, uint32_t count);

/*
 * A faster way, for the most frequent answers: reserve memory for the whole answer, write values
 * one after another, then add to len. Each function returns the address after what it wrote: at
 * most WIRE_LAY_HEAD bytes, and the bytes of a text.
 */
enum { WIRE_LAY_HEAD = 9 };

/* Packed bytes. */
static inline uint8_t *wire_lay_raw(uint8_t *to, const char *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}
#define WIRE_LAY(to, literal) wire_lay_raw((to), (literal), sizeof(literal) - 1)

static inline uint8_t *wire_lay_uint(uint8_t *to, uint32_t value)
{
	if (value <= 0x7f) {
		*to++ = (uint8_t)value;
		return to;
	}
	if (value > UINT16_MAX) {
		*to++ = 0xce;
		*to++ = (uint8_t)(value >> 24);
		*to++ = (uint8_t)(value >> 16);
		*to++ = (uint8_t)(value >> 8);
	} else if (value > UINT8_MAX) {
		*to++ = 0xcd;
		*to++ = (uint8_t)(value >> 8);
	} else {
		*to++ = 0xcc;
	}
	*to++ = (uint8_t)value;
	return to;
}

static inline uint8_t *wire_lay_uint64(uint8_t *to, uint64_t value)
{
	*to++ = 0xcf;
	for (int shift = 56; shift >= 0; shift -= 8) {
		*to++ = (uint8_t)(value >> shift);
	}
	return to;
}

static inline uint8_t *wire_lay_array(uint8_t *to, uint32_t count)
{
	if (count < 16) {
		*to++ = (uint8_t)(0x90 | count);
		return to;
	}
	*to++ = 0xdd;
	for (int shift = 24; shift >= 0; shift -= 8) {
		*to++ = (uint8_t)(count >> shift);
	}
	return to;
}

/* At most UINT32_MAX bytes. */
static inline uint8_t *wire_lay_str(uint8_t *to, struct wire_str str)
{
	if (str.len < 32) {
		*to++ = (uint8_t)(0xa0 | str.len);
	} else if (str.len <= UINT8_MAX) {
		*to++ = 0xd9;
		*to++ = (uint8_t)str.len;
	} else {
		bool wide = str.len > UINT16_MAX;

		*to++ = wide ? 0xdb : 0xda;
		for (int shift = wide ? 24 : 8; shift >= 0; shift -= 8) {
			*to++ = (uint8_t)(str.len >> shift);
		}
	}
	return str.len > 0 ? wire_lay_raw(to, str.ptr, str.len) : to;
}

/* [0, id, method, [ and, with has_params, the caller puts the map next. */
void wire_put_request(struct wire_buf *buf, uint32_t id, struct wire_str method, bool has_params);

/* [1, id, nil, and the caller puts the result next. */
void wire_put_result(struct wire_buf *buf, uint32_t id);

/* A whole response [1, id, {code, message, param}, nil]; param is left out when empty. A NULL id is
 * written as nil. */
void wire_put_error(struct wire_buf *buf, const uint32_t *id, const struct wire_error *error);

/* The same for an error with more fields: the caller puts `more` pairs next, then ends the response
 * with wire_put_nil. */
void wire_begin_error(
	struct wire_buf *buf, const uint32_t *id, const struct wire_error *error, uint32_t more);
