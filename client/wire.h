/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * wire: MessagePack-RPC messages as bytes, shared by libauthz and the daemon. No sockets, no
 * methods, no clocks.
 *
 *     request       [0, id, method, [params]]      id: uint32, params: one map, or none
 *     response      [1, id, error, result]         one of error and result is nil
 *
 * The way in is always the same: bytes that came from outside are walked (wire_walk), which bounds
 * them in size and depth and allocates nothing; then decoded into views (wire_decode_request,
 * wire_decode_params); what a view points to lives as long as the caller's bytes. A cursor never
 * leaves the bytes that it was given, walked or not. Nothing here hands bytes from outside to
 * msgpack-c, whose unpacker allocates what a header claims; it packs what we say, no more.
 *
 * The way out is a wire_buf: growable up to a bound, with one sticky status, so that an encoder is
 * a list of puts with one check at its end.
 *
 * No function keeps state of its own: each object belongs to one thread at a time. Functions that
 * can fail return 0 or a negative wire_status and touch their outputs on success alone; a bool is
 * true on success. Specifications: msgpack/spec.md (2.0) and msgpack-rpc/spec.md.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	WIRE_MAX_REQUEST = 256 * 1024,       /* bytes of a message that the daemon reads */
	WIRE_MAX_RESPONSE = 4 * 1024 * 1024, /* bytes of a message that a client reads; and of
					      * answers kept for one connection */
	WIRE_MAX_DEPTH = 16,                 /* arrays and maps inside one another */
	WIRE_MAX_FIELDS = 64,                /* parameters of one method: one bit each */
	WIRE_MAX_PAIRS = 64,                 /* entries of a WIRE_TEXT_MAP */
	WIRE_PARAM_SIZE = 64,                /* a parameter's name in an error, with its NUL */
	WIRE_MESSAGE_SIZE = 192,             /* an error's message, with its NUL */
};

/* Times end with the year 9999, which is as far as RFC 3339 can write them; durations with 300
 * years, so that a present time and a duration never overflow together. */
#define WIRE_MAX_TIME     INT64_C(253402300799)
#define WIRE_MAX_DURATION INT64_C(9467280000)

enum wire_status {
	WIRE_OK = 0,
	WIRE_ENOMEM = -1, /* the host has no memory left */
	WIRE_ELIMIT = -2, /* a bound of ours was reached: the buffer's, or a count's */
	WIRE_ESHAPE = -3, /* no message of ours: say so once and close the connection */
	WIRE_EPARAM = -4, /* a good shape, a bad content: answer with the error, go on */
};

/* The error codes of the protocol. Zero is the one that promises nothing. */
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
};

/* Bytes that somebody else owns, never NUL-terminated. Laid out as struct pol_str. */
struct wire_str {
	const char *ptr;
	size_t len;
};

#define WIRE_STR(literal) ((struct wire_str){ (literal), sizeof(literal) - 1 })

bool wire_str_equal(struct wire_str a, struct wire_str b);

/* True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool wire_is_utf8(struct wire_str str);

/* An error to be answered. Both texts are UTF-8 and NUL-terminated; an empty param means that no
 * parameter is to blame. Never holds a value that came in, only names. */
struct wire_error {
	enum wire_code code;
	char param[WIRE_PARAM_SIZE];
	char message[WIRE_MESSAGE_SIZE];
};

/* "invalid_request" and so on; never NULL. */
const char *wire_code_name(enum wire_code code);

/* The code of that name; one that we do not know is WIRE_INTERNAL. */
enum wire_code wire_code_find(struct wire_str name);

/* Fills an error: param may be empty, is cut to its size between characters, and is left out when
 * it is no UTF-8. The message is printf's, behind "PARAM: " where there is one. */
void wire_error_set(struct wire_error *error, enum wire_code code, struct wire_str param,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* --- walking ---------------------------------------------------------------------------------- */

enum wire_progress {
	WIRE_MALFORMED = 0, /* the bytes are no MessagePack */
	WIRE_NEED_MORE,     /* well so far: come again with more bytes after the same ones */
	WIRE_COMPLETE,      /* one value of *out_len bytes lies at the beginning */
	WIRE_TOO_LARGE,     /* it is, or by its headers must become, larger than the bound */
	WIRE_TOO_DEEP,
};

/* How far a message has been walked. It holds offsets, no pointers: the bytes may move between
 * calls. A bound of zero refuses everything. */
struct wire_walk {
	uint32_t max;     /* bytes */
	uint32_t off;     /* walked; may lie past the bytes at hand, inside a long string */
	uint32_t pending; /* values announced and not yet met: each needs a byte at least */
	uint32_t depth;
	uint32_t left[WIRE_MAX_DEPTH + 1]; /* values left at each depth; [0] is the message */
};

/* Ready for the first byte of a message of at most max bytes (at most UINT32_MAX / 4). */
void wire_walk_init(struct wire_walk *walk, uint32_t max);

/*
 * Walks on: buf holds the message from its first byte, len bytes of it have come. No byte is looked
 * at twice, but for the few of a header that was cut. After WIRE_COMPLETE the walk stands ready for
 * the message that begins at buf + *out_len; after a refusal it is used up. Bytes behind the
 * message are not looked at.
 */
enum wire_progress wire_walk(
	struct wire_walk *walk, const uint8_t *buf, size_t len, size_t *out_len);

/* --- reading ---------------------------------------------------------------------------------- */

enum wire_type {
	WIRE_NONE = 0, /* the end, or bytes that are no value */
	WIRE_NIL,
	WIRE_BOOL,
	WIRE_INT,
	WIRE_FLOAT,
	WIRE_TEXT, /* str or bin */
	WIRE_ARRAY,
	WIRE_MAP,
	WIRE_EXT,
};

/* A place in bytes, and where they end. The zeroed cursor is at the end of nothing. */
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

/* Each takes the next value if it is of that type, else leaves the cursor where it is and returns
 * false. Integers may have any width, signed or not; one beyond int64_t is refused. Text is str or
 * bin, its UTF-8 not checked. A map's count is of pairs; an empty array is an empty map. */
bool wire_read_nil(struct wire_cursor *cursor);
bool wire_read_bool(struct wire_cursor *cursor, bool *out);
bool wire_read_int(struct wire_cursor *cursor, int64_t *out);
bool wire_read_text(struct wire_cursor *cursor, struct wire_str *out);
bool wire_read_array(struct wire_cursor *cursor, uint32_t *out_count);
bool wire_read_map(struct wire_cursor *cursor, uint32_t *out_count);

/* Passes one value with all that is in it. False, and nothing passed, when the bytes end before. */
bool wire_skip(struct wire_cursor *cursor);

/* The same, and *out is a cursor over that one value. */
bool wire_take(struct wire_cursor *cursor, struct wire_cursor *out);

/* --- messages --------------------------------------------------------------------------------- */

/* A request: views into the message, dead when its bytes are. */
struct wire_request {
	uint32_t id;
	bool has_id; /* the id was readable; set even when the rest was refused */
	struct wire_str method;
	struct wire_cursor params; /* the map, for wire_decode_params; empty: none came */
};

/*
 * Decodes one walked message. 0; or WIRE_ESHAPE (answer *err once, id nil without has_id, and
 * close); or WIRE_EPARAM (answer *err and go on). *out's id and has_id are set in each case.
 */
int wire_decode_request(
	const uint8_t *bytes, size_t len, struct wire_request *out, struct wire_error *err);

/* A response: views into the message. */
struct wire_response {
	uint32_t id;
	bool has_id; /* false: the id was nil, the daemon could not read ours */
	bool failed; /* the value is an error, for wire_decode_error */
	struct wire_cursor value;
};

/* Decodes one walked message: 0, or WIRE_ESHAPE. */
int wire_decode_response(const uint8_t *bytes, size_t len, struct wire_response *out);

/* Reads {code, message, param} from a response's error; what is missing or ill-typed stays empty,
 * an unknown code is WIRE_INTERNAL, long texts are cut, and bytes that are no UTF-8 left out. */
void wire_decode_error(struct wire_cursor value, struct wire_error *out);

/* --- parameters ------------------------------------------------------------------------------- */

enum wire_kind {
	WIRE_KIND_NONE = 0, /* accepts nothing */
	WIRE_KIND_TEXT,     /* text */
	WIRE_KIND_INT,      /* integer */
	WIRE_KIND_BOOL,     /* boolean */
	WIRE_KIND_TIME,     /* integer: Unix seconds from 0 to WIRE_MAX_TIME */
	WIRE_KIND_DURATION, /* integer: seconds from 1 to WIRE_MAX_DURATION; they may come as text:
			     * digits and one of s, m, h, d */
	WIRE_KIND_TEXTS,    /* items, count: an array of text; read with wire_next_text */
	WIRE_KIND_MAPS,     /* items, count: an array of maps; read with wire_next_map */
	WIRE_KIND_TEXT_MAP, /* items, count: a map of text to text without duplicates, at most
			     * WIRE_MAX_PAIRS; read with wire_next_pair */
};

enum wire_field_flag {
	WIRE_REQUIRED = 1 << 0,
	WIRE_OR_NIL = 1 << 1, /* nil is accepted too: given and nil are set, nothing else */
};

/* One parameter of a method. A table of them is static const; put what usually comes first, first:
 * the search for a name begins behind the one found before. */
struct wire_field {
	struct wire_str name;
	enum wire_kind kind;
	unsigned flags; /* of wire_field_flag */
};

#define WIRE_FIELD(literal, kind, flags)                                                           \
	{                                                                                          \
		{ (literal), sizeof(literal) - 1 }, (kind), (flags)                                \
	}

/* What came for a field; its views die with the message. All text in it is UTF-8. */
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
 * Decodes a map of parameters by a table of count fields (at most WIRE_MAX_FIELDS): values[i] is
 * what came for fields[i]. An empty cursor is an empty map. Returns 0, or WIRE_EPARAM and *err
 * names the first parameter that is unknown, duplicate, ill-typed, out of bounds, no UTF-8 or
 * missing; values are then worth nothing.
 */
int wire_decode_params(struct wire_cursor params, const struct wire_field *fields, size_t count,
	struct wire_value *values, struct wire_error *err);

/* The same over values that hold defaults already: what comes replaces them, and a required field
 * may have been given by either. For entries that override fields shared by all. */
int wire_overlay_params(struct wire_cursor params, const struct wire_field *fields, size_t count,
	struct wire_value *values, struct wire_error *err);

/* One duration, as WIRE_KIND_DURATION takes it in text. */
bool wire_parse_duration(struct wire_str text, int64_t *out_seconds);

/* Each takes the next item of a value's items (work on a copy of the cursor to read it again);
 * false at the end. A map comes as wire_decode_params takes it. */
bool wire_next_text(struct wire_cursor *items, struct wire_str *out);
bool wire_next_map(struct wire_cursor *items, struct wire_cursor *out);
bool wire_next_pair(struct wire_cursor *items, struct wire_str *out_key, struct wire_str *out_text);

/* --- writing ---------------------------------------------------------------------------------- */

/*
 * Bytes to be sent: data[0..len). Owned: finish frees and wipes. A put that does not fit leaves
 * len as it is and sets status (WIRE_ENOMEM, WIRE_ELIMIT); every later put is then a no-operation,
 * until wire_buf_rewind. The zeroed buffer has no room: init gives it its bound.
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

/* Forgets all that was written after len, and the status: for a response that did not fit. */
void wire_buf_rewind(struct wire_buf *buf, size_t len);

/* Drops the first n bytes (they were sent) and wipes what they leave behind. */
void wire_buf_consume(struct wire_buf *buf, size_t n);

/* Overwrites every byte that was ever written, and empties the buffer; it keeps its room. Answers
 * may have held a secret. */
void wire_buf_wipe(struct wire_buf *buf);

/* The same for any bytes, in a way that no compiler leaves out. */
void wire_wipe(void *bytes, size_t len);

/* Room for n bytes behind len, or NULL and the status is set. The caller writes them and adds to
 * len what he wrote. */
uint8_t *wire_buf_reserve(struct wire_buf *buf, size_t n);

void wire_put_nil(struct wire_buf *buf);
void wire_put_bool(struct wire_buf *buf, bool value);
void wire_put_int(struct wire_buf *buf, int64_t value); /* the smallest width that holds it */
void wire_put_str(struct wire_buf *buf, struct wire_str str);
void wire_put_bin(struct wire_buf *buf, const uint8_t *bytes, size_t len);
void wire_put_cstr(struct wire_buf *buf, const char *text); /* NULL is nil */
void wire_put_array(struct wire_buf *buf, uint32_t count);  /* its items follow */
void wire_put_map(struct wire_buf *buf, uint32_t pairs);    /* key, value, key, value … follow */
void wire_put_raw(struct wire_buf *buf, const void *bytes, size_t len); /* packed already */

/* A map or array whose count is known when it is written: open gives the place of its header, close
 * fills it in (at most 65,535, else WIRE_ELIMIT). */
size_t wire_open_map(struct wire_buf *buf);
void wire_close_map(struct wire_buf *buf, size_t at, uint32_t pairs);
size_t wire_open_array(struct wire_buf *buf);
void wire_close_array(struct wire_buf *buf, size_t at, uint32_t count);

/*
 * The quick way, for what is answered most: reserve room for the whole, write behind one another,
 * then add to len. Each gives the place behind what it wrote, of which there are at most
 * WIRE_LAY_HEAD bytes and the text's own.
 */
enum { WIRE_LAY_HEAD = 9 };

/* Packed already. */
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

/* [0, id, method, [ and, with has_params, the map that the caller puts next. */
void wire_put_request(struct wire_buf *buf, uint32_t id, struct wire_str method, bool has_params);

/* [1, id, nil, and the caller puts the result next. */
void wire_put_result(struct wire_buf *buf, uint32_t id);

/* A whole response [1, id, {code, message, param}, nil]; param is left out when empty. id is NULL
 * where none was readable. */
void wire_put_error(struct wire_buf *buf, const uint32_t *id, const struct wire_error *error);

/* The same for a code that adds fields: the caller puts `more` pairs behind it, then ends the
 * response with wire_put_nil. */
void wire_begin_error(
	struct wire_buf *buf, const uint32_t *id, const struct wire_error *error, uint32_t more);
