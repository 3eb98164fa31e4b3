/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authzen_test: an AuthZEN request without a daemon. What is asked is shown as JSON, and what a
 * test answers is written as JSON, with ' in place of " so that it can be read in C.
 */

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/http/authzen.h"
#include "client/wire.h"

/* The text with each ' made ". Static; good until the call after the next. */
static inline const char *quoted(const char *text)
{
	static char buffers[2][64 * 1024];
	static unsigned turn;
	char *out = buffers[turn++ % 2];

	cr_assert_lt(strlen(text), sizeof buffers[0]);
	snprintf(out, sizeof buffers[0], "%s", text);
	for (char *at = strchr(out, '\''); at != NULL; at = strchr(at, '\'')) {
		*at = '"';
	}
	return out;
}

static inline struct authzen *begin_in(
	enum authzen_api api, const struct authzen_scope *scope, const char *body)
{
	const char *text = quoted(body);
	struct authzen *authzen;

	cr_assert_eq(authzen_begin(api, scope, text, strlen(text), &authzen), 0);
	return authzen;
}

static inline struct authzen *begin(enum authzen_api api, const char *body)
{
	return begin_in(api, &(struct authzen_scope){ 0 }, body);
}

static inline json_t *json_of(struct wire_cursor *at)
{
	struct wire_str text;
	uint32_t count;
	int64_t number;
	json_t *value;
	bool truth;

	if (wire_read_text(at, &text)) {
		return json_stringn(text.ptr, text.len);
	}
	if (wire_read_int(at, &number)) {
		return json_integer(number);
	}
	if (wire_read_bool(at, &truth)) {
		return json_boolean(truth);
	}
	if (wire_peek(at) == WIRE_FLOAT && wire_skip(at)) {
		return json_real(1.5); /* a value of no type */
	}
	if (wire_peek(at) == WIRE_ARRAY && wire_read_array(at, &count)) {
		value = json_array();
		for (uint32_t i = 0; i < count; i++) {
			json_array_append_new(value, json_of(at));
		}
		return value;
	}
	cr_assert(wire_read_map(at, &count), "a value of an unexpected type");
	value = json_object();
	for (uint32_t i = 0; i < count; i++) {
		cr_assert(wire_read_text(at, &text));
		json_object_setn_new(value, text.ptr, text.len, json_of(at));
	}
	return value;
}

static inline void pack(struct wire_buf *out, json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value)) {
		wire_put_cstr(out, json_string_value(value));
	} else if (json_is_integer(value)) {
		wire_put_int(out, json_integer_value(value));
	} else if (json_is_boolean(value)) {
		wire_put_bool(out, json_is_true(value));
	} else if (json_is_array(value)) {
		wire_put_array(out, (uint32_t)json_array_size(value));
		json_array_foreach(value, i, item)
		{
			pack(out, item);
		}
	} else {
		wire_put_map(out, (uint32_t)json_object_size(value));
		json_object_foreach(value, key, item)
		{
			wire_put_cstr(out, key);
			pack(out, item);
		}
	}
}

/* Fails unless this is asked next: "METHOD {...}". */
static inline void expect_asked(struct authzen *authzen, const char *expected)
{
	struct authzen_call call;
	struct wire_cursor at;
	char shown[8192];
	json_t *params;
	char *text;

	cr_assert(authzen_next(authzen, &call), "ended with %s", authzen_answer(authzen).body);
	at = wire_cursor_of(call.params, call.len);
	params = json_of(&at);
	cr_assert(wire_at_end(&at));
	text = json_dumps(params, JSON_COMPACT);
	snprintf(shown, sizeof shown, "%s %s", call.method, text);
	cr_assert_str_eq(shown, quoted(expected));
	free(text);
	json_decref(params);
}

/* Answers what was asked last. */
static inline void reply(struct authzen *authzen, const char *result)
{
	json_t *value = json_loads(quoted(result), JSON_DECODE_ANY, NULL);
	struct wire_buf buf;

	cr_assert_not_null(value, "%s", result);
	wire_buf_init(&buf, WIRE_MAX_RESPONSE);
	pack(&buf, value);
	cr_assert_eq(buf.status, WIRE_OK);
	authzen_reply(authzen, buf.data, buf.len);
	wire_buf_finish(&buf);
	json_decref(value);
}

/* Fails unless the request has this answer. Frees it. */
static inline void expect_answer(struct authzen *authzen, int status, const char *body)
{
	struct authzen_call call;
	struct authzen_answer answer;

	cr_assert_not(authzen_next(authzen, &call), "%s is asked", call.method);
	answer = authzen_answer(authzen);
	cr_expect_str_eq(answer.body, quoted(body));
	cr_expect_eq(answer.status, status, "%d %s", answer.status, answer.body);
	cr_expect_eq(answer.len, strlen(answer.body));
	authzen_destroy(authzen);
}

#define ALICE   "'subject':{'type':'user','id':'alice'}"
#define READ    "'action':{'name':'read'}"
#define RECORD  "'resource':{'type':'record','id':'record-1'}"
#define REQUEST "{" ALICE "," READ "," RECORD "}"
#define ASKED   "{'principal':'alice','action':'read','resource':'record:/record-1'}"
#define ALLOWED "{'allow':true,'reason':'ok','status':200}"
#define DENIED  "{'allow':false,'reason':'role','status':403}"

static int allocations_left;

static inline void *allocate_while_left(size_t size)
{
	return allocations_left-- > 0 ? malloc(size) : NULL;
}

/* Fails unless a request that is decided without the daemon is answered 503 until there is memory
 * for all its JSON values, and 200 then. */
static inline void expect_503_without_memory(enum authzen_api api, const char *body)
{
	const struct authzen_scope scope = { 0 };
	struct authzen_call call;
	struct authzen *authzen;
	int status = 503, given;

	json_set_alloc_funcs(allocate_while_left, free);
	for (given = 0; status == 503; given++) {
		allocations_left = given;
		cr_assert_eq(authzen_begin(api, &scope, body, strlen(body), &authzen), 0);
		cr_assert_not(authzen_next(authzen, &call));
		status = authzen_answer(authzen).status;
		authzen_destroy(authzen);
	}
	cr_expect_gt(given, 10);
	cr_expect_eq(status, 200);
}
